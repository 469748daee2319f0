// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"durward/audit/index"
	"durward/audit/line"
	"durward/internal/units"
)

type auditContextCmd struct {
	Record string `arg:"" help:"Id of a request, or number of a record."`
	auditFlags
	Window units.Duration `default:"15m" help:"How long before and after; default 15m." placeholder:"DURATION"`
	Limit  int            `default:"1000" help:"How many records at most, the newest; default 1000." placeholder:"N"`
	JSON   bool           `name:"json" help:"Print the records as they stand in the log, as JSON lines."`
}

// Run prints what the one who made a request did around that time: with the
// same name, credential, consumer or address. One line stands for the attempt
// and the outcome of a request.
func (c *auditContextCmd) Run(ctx context.Context, s streams) error {
	if c.Limit < 1 || c.Limit > maxPage {
		return fmt.Errorf("--limit must be from 1 to %d", maxPage)
	}
	x, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer x.Close()
	actor, at, err := c.find(ctx, x)
	if err != nil {
		return err
	}
	if *actor == (index.Actor{}) {
		return errors.New("the record names nobody, and no address")
	}
	q := index.Query{Actor: actor, Since: at.Add(-c.Window.Std()), Until: at.Add(c.Window.Std() + time.Microsecond)}
	var found [][]byte
	more := false
	if err := x.Search(ctx, &q, func(text []byte, _ *line.Record) bool {
		if more = len(found) == c.Limit; !more {
			found = append(found, bytes.Clone(text))
		}
		return !more
	}); err != nil {
		return err
	}
	slices.Reverse(found)
	if !c.JSON {
		found = joined(found)
		fmt.Fprintf(s.err, "%s, %s around %s\n", describeActor(actor), c.Window, at.UTC().Format(time.RFC3339))
	}
	for _, text := range found {
		if err := printRecord(s.out, text, c.JSON); err != nil {
			return err
		}
	}
	if more {
		fmt.Fprintf(s.err, "there are more: only the newest %d records are shown\n", c.Limit)
	}
	return nil
}

// find gives who made the request, and when.
func (c *auditContextCmd) find(ctx context.Context, x *index.Index) (*index.Actor, time.Time, error) {
	q := index.Query{RequestID: c.Record}
	sequence, err := strconv.ParseUint(c.Record, 10, 63)
	if err == nil {
		q = index.Query{Before: sequence + 1}
	}
	var actor *index.Actor
	var at time.Time
	if err := x.Search(ctx, &q, func(_ []byte, r *line.Record) bool {
		if q.RequestID == "" && r.Seq != sequence {
			return false
		}
		actor, at = &index.Actor{Subject: string(r.Subject), Consumer: string(r.Consumer), Credential: string(r.Credential)}, r.Time
		if actor.Subject == "" {
			actor.Subject = string(r.Who)
		}
		if a, err := netip.ParseAddr(string(r.Client)); err == nil {
			actor.Address = a.Unmap()
		}
		return false
	}); err != nil {
		return nil, at, err
	}
	if actor == nil {
		return nil, at, fmt.Errorf("the log has no request and no record %s", plain(c.Record))
	}
	return actor, at, nil
}

// joined leaves out the attempts whose outcome is there too: it tells all that
// a line shows.
func joined(found [][]byte) [][]byte {
	ended := map[string]bool{}
	for _, text := range found {
		if r, ok := line.Parse(text); ok && string(r.Kind) == "outcome" {
			ended[string(r.RequestID)] = true
		}
	}
	return slices.DeleteFunc(found, func(text []byte) bool {
		r, ok := line.Parse(text)
		return ok && string(r.Kind) == "attempt" && ended[string(r.RequestID)]
	})
}

func describeActor(a *index.Actor) string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"subject", a.Subject}, {"credential", a.Credential}, {"consumer", a.Consumer}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+plain(p.value))
		}
	}
	if a.Address.IsValid() {
		parts = append(parts, "address "+a.Address.String())
	}
	return strings.Join(parts, " or ")
}
