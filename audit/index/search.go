// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"durward/audit"
	"durward/audit/line"
)

// ErrStale says that the index is not of this log, or was damaged.
var ErrStale = errors.New("the audit index does not match the log; make it anew with: durward audit reindex")

// Search gives the records that fit q to found, the newest first, until found
// returns false. The line and the record are valid during the call. It finds
// what CatchUp or Follow took in.
func (x *Index) Search(ctx context.Context, q *Query, found func(text []byte, r *line.Record) bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := searching{
		x: x, q: q, found: found, conditions: q.conditions(x.opts.Hasher), look: audit.NewLookup(x.dir),
		since: math.MinInt64, until: math.MaxInt64, marks: make([]bool, blockRecords), one: make([]bool, blockRecords),
	}
	defer s.look.Close()
	if !q.Since.IsZero() {
		s.since = q.Since.UnixMicro()
	}
	if !q.Until.IsZero() {
		s.until = q.Until.UnixMicro()
	}
	return s.run(ctx)
}

type searching struct {
	x            *Index
	q            *Query
	found        func([]byte, *line.Record) bool
	conditions   []condition
	since, until int64
	look         *audit.Lookup
	marks, one   []bool
	ended        bool
}

// run looks at the blocks in memory, then at those of the database.
func (s *searching) run(ctx context.Context) error {
	held := s.x.tail
	if b := s.x.state.block; b != nil {
		held = append(held[:len(held):len(held)], b)
	}
	for i := len(held) - 1; i >= 0; i-- {
		if err := s.block(ctx, held[i].head, held[i]); err != nil || s.ended {
			return err
		}
	}
	if s.x.db == nil {
		return nil
	}
	before := sql.NullInt64{}
	if len(held) > 0 {
		before = sql.NullInt64{Int64: int64(held[0].first), Valid: true}
	}
	heads, err := s.x.db.heads(ctx, before)
	if err != nil {
		return err
	}
	for _, h := range heads {
		if err := s.block(ctx, h, nil); err != nil || s.ended {
			return err
		}
	}
	return nil
}

// block looks at one block; held is nil for one of the database.
func (s *searching) block(ctx context.Context, h head, held *block) error {
	if s.q.Before != 0 && h.first >= s.q.Before || h.high < s.since || h.low >= s.until {
		return nil
	}
	b := held
	if b == nil {
		b = &block{head: h}
	}
	marks := s.marks[:b.n]
	for i := range marks {
		marks[i] = s.q.Before == 0 || h.first+uint64(i) < s.q.Before
	}
	for _, c := range s.conditions {
		if left, err := s.narrow(ctx, b, held == nil, c); err != nil || !left {
			return s.damaged(ctx, err)
		}
	}
	if h.low < s.since || h.high >= s.until {
		if err := s.load(ctx, b, held == nil, colTime); err != nil {
			return s.damaged(ctx, err)
		}
		for i, t := range b.times {
			marks[i] = marks[i] && int64(t) >= s.since && int64(t) < s.until
		}
	}
	return s.give(ctx, b, held == nil)
}

// narrow leaves the marks of the records that meet c, and tells whether there
// are any.
func (s *searching) narrow(ctx context.Context, b *block, stored bool, c condition) (left bool, err error) {
	marks, one := s.marks[:b.n], s.one[:b.n]
	clear(one)
	for i := range c {
		if err := s.load(ctx, b, stored, c[i].column); err != nil {
			return false, err
		}
		c[i].mark(b, one)
	}
	for i := range marks {
		marks[i] = marks[i] && one[i]
		left = left || marks[i]
	}
	return left, nil
}

func (s *searching) load(ctx context.Context, b *block, stored bool, c column) error {
	if !stored {
		return nil
	}
	return s.x.db.column(ctx, s.x.pack, b, c)
}

// damaged says what an error of the database means.
func (s *searching) damaged(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w (%v)", ErrStale, err)
}

// give reads the marked records from the log, and gives out those that fit.
func (s *searching) give(ctx context.Context, b *block, stored bool) error {
	loaded := false
	for i := b.n - 1; i >= 0; i-- {
		if !s.marks[i] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !loaded {
			if err := s.load(ctx, b, stored, colOffset); err != nil {
				return s.damaged(ctx, err)
			}
			loaded = true
		}
		text, err := s.look.Line(b.first+uint64(i), b.file, int64(b.offsets[i]))
		var removed *audit.RemovedError
		switch {
		case errors.As(err, &removed):
			return nil // it expired just now
		case errors.Is(err, audit.ErrNotThere):
			return fmt.Errorf("%w (%v)", ErrStale, err)
		case err != nil:
			return err
		}
		r, ok := line.Parse(text)
		if !ok || !s.q.Fits(&r, s.x.opts.Hasher) {
			continue
		}
		if !s.found(text, &r) {
			s.ended = true
			return nil
		}
	}
	return nil
}
