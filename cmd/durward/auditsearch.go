// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"durward/audit"
	"durward/audit/index"
	"durward/audit/line"
)

type auditSearchCmd struct {
	auditFlags
	auditFilter
	Limit int    `default:"100" help:"How many records at most; default 100." placeholder:"N"`
	After uint64 `help:"The next page: what comes after the record with this number, which is older." placeholder:"SEQ"`
	JSON  bool   `name:"json" help:"Print the records as they stand in the log, as JSON lines."`
}

// maxPage bounds what a search holds in memory.
const maxPage = 100_000

func (c *auditSearchCmd) Run(ctx context.Context, s streams) error {
	q, err := c.query(time.Now())
	if err != nil {
		return err
	}
	if c.Limit < 1 || c.Limit > maxPage {
		return fmt.Errorf("--limit must be from 1 to %d", maxPage)
	}
	q.Before = c.After
	x, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer x.Close()
	last, n := uint64(0), 0
	var failed error
	err = x.Search(ctx, &q, func(text []byte, r *line.Record) bool {
		if n++; n > c.Limit {
			return false
		}
		last = r.Seq
		failed = printRecord(s.out, text, c.JSON)
		return failed == nil
	})
	if n > c.Limit {
		fmt.Fprintf(s.err, "there are more: --after %d\n", last)
	}
	return errors.Join(err, failed)
}

type auditTailCmd struct {
	auditFlags
	auditFilter
	Follow bool `short:"f" help:"Go on with what is recorded from now on."`
	Lines  int  `short:"n" default:"10" help:"How many of the last records; default 10." placeholder:"N"`
	JSON   bool `name:"json" help:"Print the records as they stand in the log, as JSON lines."`
}

func (c *auditTailCmd) Run(ctx context.Context, s streams) error {
	q, err := c.query(time.Now())
	if err != nil {
		return err
	}
	if c.Lines < 0 || c.Lines > maxPage {
		return fmt.Errorf("--lines must be from 0 to %d", maxPage)
	}
	x, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer x.Close()
	var last [][]byte
	if c.Lines > 0 {
		if err := x.Search(ctx, &q, func(text []byte, _ *line.Record) bool {
			last = append(last, bytes.Clone(text))
			return len(last) < c.Lines
		}); err != nil {
			return err
		}
	}
	for _, text := range slices.Backward(last) {
		if err := printRecord(s.out, text, c.JSON); err != nil {
			return err
		}
	}
	if !c.Follow {
		return nil
	}
	return c.follow(ctx, s, &q, x.Stats().Last+1)
}

// followEvery is how often a followed log is looked at.
const followEvery = 200 * time.Millisecond

// follow prints what fits from a record on, until ctx ends.
func (c *auditTailCmd) follow(ctx context.Context, s streams, q *index.Query, from uint64) error {
	read := audit.NewReader(c.Directory, from)
	defer read.Close()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		text, _, err := read.Next()
		var removed *audit.RemovedError
		switch {
		case errors.Is(err, io.EOF):
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			continue
		case errors.As(err, &removed):
			fmt.Fprintln(s.err, removed)
			continue
		case err != nil:
			return err
		}
		if r, ok := line.Parse(text); ok && q.Fits(&r, auditHasher) {
			if err := printRecord(s.out, text, c.JSON); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

type auditReindexCmd struct {
	auditFlags
}

func (c *auditReindexCmd) Run(ctx context.Context, s streams) error {
	x, err := index.Open(ctx, c.Directory, index.Options{Path: c.Index, Hasher: auditHasher, Log: newLog(s.err, "warn", "text")})
	if err != nil {
		return err
	}
	defer x.Close()
	if err := x.Rebuild(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "the index has all records up to %d\n", x.Stats().Last)
	return nil
}
