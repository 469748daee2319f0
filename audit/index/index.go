// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package index finds records of the audit log by who, what, where and how it
// ended. It decides nothing; it only says where to look.
//
// # What it is
//
// A SQLite database of its own that follows the log. It is never the truth: it
// holds hashes and places, and every record that is found is read from the log
// again and held against the question before it is given out. It can be thrown
// away and made anew from the log at any time ([Remove]); one that is damaged,
// of another version, or of another log is made anew by itself.
//
// # Form
//
// Records are kept in blocks of up to 4096 with consecutive numbers, all of one
// file of the log. A block is a column for each thing that can be asked for,
// with 32 bits a record, compressed (zstd). A question reads the columns that it
// names, block by block from the newest, and leaves a block as soon as nothing
// in it is left. Taking in a record is no insert into any tree, and a million
// records are some hundred blocks. It is the way of column stores (Abadi, Madden and Hachem, "Column-Stores vs.
// Row-Stores: How Different Are They Really?", SIGMOD 2008).
//
// # Threat
//
// Who can write the database can hide records from a search, not from the log:
// reading the log itself, or making the index anew, shows them. It holds no
// text of any record, but its hashes let somebody who guesses a value learn
// whether it occurs; so it is for the owner's eyes only, as the log is.
//
// # Failure policy
//
// Nothing waits for it. While it cannot be written the log goes on, the reason
// is logged and [Index.Stats] tells; a search reads the records that it does
// not have from the log.
//
// # State
//
// One database file, bounded by the log: what the log let go, it lets go. Each
// gateway has one block of records in memory.
package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward/audit"
	"durward/internal/pace"
)

// Hasher gives the keyed hash by which a log with sealed personal fields names
// a value. kind is subject, client or credential.
type Hasher interface {
	Hash(kind, value string) string
}

// Options are what an Index needs beside the log.
type Options struct {
	// Path is the database; Default(directory) when empty.
	Path string
	// ReadOnly never writes the database: what it does not have is kept in
	// memory.
	ReadOnly bool
	// Memory uses no database at all.
	Memory bool
	// Hasher is for logs with sealed fields; nil for plain ones.
	Hasher Hasher
	// Stored counts the records of the log, so that Follow knows when requests
	// run; nil when nobody else has the processor.
	Stored func() uint64
	// Log gets a line when following fails, and when it works again; nil
	// discards.
	Log *slog.Logger
}

// Stats is how far an index is.
type Stats struct {
	Last    uint64 // number of the last record that it has
	Records uint64 // that it took in since Open
	Failing bool   // the last try to go on failed
}

// Index is an open index. CatchUp, Follow and Search may be called at the same
// time.
type Index struct {
	dir  string
	opts Options
	log  *slog.Logger
	pack *packer

	mu    sync.Mutex
	db    *database // nil: in memory only
	state writing
	tail  []*block // whole blocks that no database has

	last, records atomic.Uint64
	failing       atomic.Bool
}

// Open opens or makes the index of the log in dir. A log of which nothing can
// be read is only found out by CatchUp.
func Open(ctx context.Context, dir string, opts Options) (*Index, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Path == "" {
		opts.Path = Default(dir)
	}
	pack, err := newPacker()
	if err != nil {
		return nil, err
	}
	x := &Index{dir: dir, opts: opts, log: opts.Log, pack: pack}
	x.state.next = 1
	if opts.Memory {
		return x, nil
	}
	if err := x.open(ctx); err != nil {
		pack.close()
		return nil, err
	}
	return x, nil
}

// open opens the database, and begins anew with one that is of no use.
func (x *Index) open(ctx context.Context) error {
	db, err := openDatabase(ctx, x.opts.Path, x.opts.ReadOnly)
	if err == nil {
		if err = x.resume(ctx, db); err == nil {
			x.db = db
			return nil
		}
		err = errors.Join(err, db.close())
	}
	if x.opts.ReadOnly { // somebody else's: what it would tell is read from the log
		if !errors.Is(err, fs.ErrNotExist) {
			x.log.Warn("the audit index cannot be used; the log is read instead", slog.Any("error", err))
		}
		return nil
	}
	if !errors.Is(err, errUseless) {
		return fmt.Errorf("audit index: %w", err)
	}
	x.log.Info("the audit index is made anew", slog.String("reason", err.Error()))
	if err := Remove(x.opts.Path); err != nil {
		return err
	}
	if x.db, err = openDatabase(ctx, x.opts.Path, false); err != nil {
		return fmt.Errorf("audit index: %w", err)
	}
	return nil
}

// resume finds out where to go on, and whether the database is of this log.
func (x *Index) resume(ctx context.Context, db *database) error {
	heads, err := db.heads(ctx, sql.NullInt64{})
	if err != nil {
		return err
	}
	if len(heads) == 0 { // all expired: what it says of its progress is of no use
		if x.opts.ReadOnly {
			return nil
		}
		return db.clear(ctx)
	}
	end := heads[0] // the newest
	mark, at, err := db.mark(ctx)
	if err != nil {
		return err
	}
	files, err := audit.Files(x.dir)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%w: the log is empty", errUseless)
	}
	if files[0] <= end.last() { // else all that it has expired
		look := audit.NewLookup(x.dir)
		defer look.Close()
		line, err := look.Line(end.last(), end.file, at)
		if err != nil || string(lineMark(line)) != mark {
			return fmt.Errorf("%w: it is of another log", errUseless)
		}
	}
	b, err := db.block(ctx, x.pack, end)
	if err != nil {
		return fmt.Errorf("%w: %v", errUseless, err)
	}
	x.state = writing{next: end.last() + 1, saved: end.last() + 1, block: b, mark: []byte(mark)}
	x.last.Store(end.last())
	return nil
}

// Default is where the index of a log lies unless it is configured.
func Default(dir string) string { return dir + string(os.PathSeparator) + "index.db" }

// Remove removes an index; the next Open makes it anew.
func Remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("audit index: %w", err)
		}
	}
	return nil
}

// Stats tells how far it is.
func (x *Index) Stats() Stats {
	return Stats{Last: x.last.Load(), Records: x.records.Load(), Failing: x.failing.Load()}
}

// Close closes the database. Follow must have ended.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pack.close()
	if x.db == nil {
		return nil
	}
	db := x.db
	x.db = nil
	return db.close()
}

const (
	// lookEvery is how often Follow looks for more when it has all.
	lookEvery = time.Second
	// saveEvery is how long a block that is not full stays in memory alone. Who
	// asks meanwhile, or after a crash, reads its records from the log.
	saveEvery = 10 * time.Second
	// stepRecords is how many records are taken in at once: some tenths of a
	// millisecond.
	stepRecords = 256
)

// Follow takes in what the log gets until ctx ends. It takes at most an eighth
// of one processor, and a hundredth of all while records come (package pace): when the
// log grows faster than that it falls behind, and searches read the rest from
// the log.
func (x *Index) Follow(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	p := pace.Pace{Events: x.opts.Stored}
	saved := time.Now()
	for {
		select {
		case <-ctx.Done():
			_, _ = x.advance(context.WithoutCancel(ctx), 0, true)
			return
		case <-timer.C:
		}
		p.Begin()
		err := x.follow(ctx, &p, &saved)
		x.note(ctx, err)
		timer.Reset(lookEvery)
	}
}

// follow takes in what there is, and saves it when that is due.
func (x *Index) follow(ctx context.Context, p *pace.Pace, saved *time.Time) error {
	var looked time.Time
	for {
		if time.Since(looked) >= lookEvery {
			looked = time.Now()
			if err := x.letGo(ctx); err != nil {
				return err
			}
		}
		n, err := x.advance(ctx, stepRecords, false)
		if err != nil {
			return err
		}
		if n < stepRecords {
			break
		}
		if err := p.Rest(ctx); err != nil {
			return err
		}
	}
	if time.Since(*saved) < saveEvery {
		return nil
	}
	*saved = time.Now()
	_, err := x.advance(ctx, 0, true)
	return err
}

// note tells of a fault once, and when it is over.
func (x *Index) note(ctx context.Context, err error) {
	switch {
	case err == nil && x.failing.Swap(false):
		x.log.Info("the audit index goes on")
	case err != nil && ctx.Err() == nil && !x.failing.Swap(true):
		x.log.Warn("the audit index cannot go on; searches read the log", slog.Any("error", err))
	}
}
