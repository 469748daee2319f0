// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"context"
	"errors"
	"io"
	"slices"

	"durward/audit"
	"durward/audit/line"
)

// writing is how far an index is.
type writing struct {
	next   uint64 // number of the record to read
	saved  uint64 // number behind the last record in the database
	block  *block // that is being filled; nil for none
	mark   []byte // of the last record
	reader *audit.Reader
	first  uint64 // of the log, when it was looked at last
}

// CatchUp takes in all that the log has.
func (x *Index) CatchUp(ctx context.Context) error {
	if err := x.letGo(ctx); err != nil {
		return err
	}
	for moved := 0; ; {
		n, err := x.advance(ctx, 16*blockRecords, true)
		if errors.Is(err, errMoved) && moved < 10 {
			moved++ // it goes on from where the other one is
			continue
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// Rebuild forgets all and takes in the log from its beginning. A gateway that
// follows the log meanwhile goes on with what Rebuild made.
func (x *Index) Rebuild(ctx context.Context) error {
	if err := x.clear(ctx); err != nil {
		return err
	}
	return x.CatchUp(ctx)
}

func (x *Index) clear(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db != nil {
		if err := x.db.clear(ctx); err != nil {
			return err
		}
	}
	x.tail = nil
	if x.state.reader != nil {
		_ = x.state.reader.Close()
	}
	x.state = writing{next: 1}
	return nil
}

// advance takes in up to most records, and gives their number. Blocks that are
// full are saved; the last one is when that is asked for, or after a fault.
func (x *Index) advance(ctx context.Context, most int, save bool) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, err := x.read(ctx, most)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if save || err != nil {
		err = errors.Join(err, x.save(ctx)) // what came before the fault
	}
	if err != nil {
		x.forget(ctx)
	}
	x.last.Store(x.state.next - 1)
	return n, err
}

func (x *Index) read(ctx context.Context, most int) (n int, err error) {
	s := &x.state
	if s.reader == nil {
		s.reader = audit.NewReader(x.dir, s.next)
	}
	for n < most {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		text, sequence, err := s.reader.Next()
		if err != nil {
			var removed *audit.RemovedError
			if errors.As(err, &removed) {
				s.next = removed.First
				continue
			}
			return n, err
		}
		if err := x.add(ctx, text, sequence); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// add takes in one record. One that cannot be read takes part with its number
// alone, so that the others are found.
func (x *Index) add(ctx context.Context, text []byte, sequence uint64) error {
	s := &x.state
	first, offset := s.reader.Place()
	if first < s.first { // of a file that the log let go while it was read
		s.next = sequence + 1
		return nil
	}
	if b := s.block; b != nil && (b.n == blockRecords || b.file != first || b.last()+1 != sequence) {
		if err := x.save(ctx); err != nil {
			return err
		}
		if x.db == nil || x.opts.ReadOnly {
			x.tail = append(x.tail, b)
		}
		s.block = nil
	}
	if s.block == nil {
		s.block = newBlock(sequence, first)
	}
	record, _ := line.Parse(text)
	s.block.add(&record, offset)
	s.next, s.mark = sequence+1, append(s.mark[:0], lineMark(text)...)
	return nil
}

// save writes the block that is being filled.
func (x *Index) save(ctx context.Context) error {
	s := &x.state
	if s.block == nil || s.saved == s.next {
		return nil
	}
	if x.db != nil && !x.opts.ReadOnly {
		if err := x.db.save(ctx, x.pack, s); err != nil {
			return err
		}
	}
	x.records.Add(s.next - max(s.saved, s.block.first))
	s.saved = s.next
	return nil
}

// forget goes back to what the database has, after a failure or because
// another process went on with it.
func (x *Index) forget(ctx context.Context) {
	if s := &x.state; s.reader != nil {
		_ = s.reader.Close()
		s.reader = nil
	}
	if x.db == nil || x.opts.ReadOnly {
		return // what is in memory is good
	}
	x.state = writing{next: 1}
	if err := x.resume(ctx, x.db); errors.Is(err, errUseless) {
		x.state = writing{next: 1}
		if err := x.db.clear(ctx); err != nil {
			return // the next try finds it again
		}
	}
}

// letGo lets go what the log has let go.
func (x *Index) letGo(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.expire(ctx)
	if err != nil {
		x.forget(ctx)
	}
	return err
}

func (x *Index) expire(ctx context.Context) error {
	files, err := audit.Files(x.dir)
	if err != nil || len(files) == 0 {
		return err
	}
	s := &x.state
	if files[0] == s.first {
		return nil
	}
	if s.block != nil && s.block.file < files[0] {
		s.block = nil // it would be saved again
	}
	x.tail = slices.DeleteFunc(x.tail, func(b *block) bool { return b.file < files[0] })
	if x.db != nil && !x.opts.ReadOnly {
		if err := x.db.expire(ctx, files[0]); err != nil {
			return err
		}
	}
	s.first = files[0]
	return nil
}

// lineMark tells a record from one that another log has under its number: the
// end of its line, with the hash over all before it.
func lineMark(text []byte) []byte { return text[max(len(text)-66, 0):] }
