// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"durward/audit"
	"durward/audit/export"
	"durward/audit/line"
)

type auditExportCmd struct {
	Directory string `short:"d" default:"audit" help:"The log's directory, or that of a copy." placeholder:"DIR"`
	auditFilter
	Format string `default:"jsonl" help:"jsonl (default), csv or ocsf." placeholder:"NAME"`
	From   uint64 `help:"Begin with the record of this number." placeholder:"SEQ"`
}

// Run writes the records that fit to standard output, the oldest first. It
// reads the log itself, from its beginning or --from on.
func (c *auditExportCmd) Run(ctx context.Context, s streams) error {
	q, err := c.query(time.Now())
	if err != nil {
		return err
	}
	format, ok := export.Formats[c.Format]
	if !ok {
		return fmt.Errorf("--format must be one of %s", strings.Join(slices.Sorted(maps.Keys(export.Formats)), ", "))
	}
	out := bufio.NewWriterSize(s.out, 64<<10)
	if _, err := out.WriteString(format.Header); err != nil {
		return err
	}
	read := audit.NewReader(c.Directory, c.From)
	defer read.Close()
	var row []byte
	for {
		text, _, err := read.Next()
		var removed *audit.RemovedError
		switch {
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), out.Flush())
		case errors.Is(err, io.EOF):
			return out.Flush()
		case errors.As(err, &removed):
			if c.From > 0 {
				fmt.Fprintln(s.err, removed)
			}
			continue
		case err != nil:
			return errors.Join(err, out.Flush())
		}
		if r, ok := line.Parse(text); ok && !q.Fits(&r, auditHasher) {
			continue
		}
		row = format.Append(row[:0], openedLine(text))
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
}
