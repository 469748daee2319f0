// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package store keeps what outlives the process: consumers, the hashes of
// their API keys, when keys were used last, which keys have leaked, and which
// tokens were revoked, and what is known of the objects of APIs. It decides nothing about a request; it answers from
// memory what package authn asks.
//
// # State
//
// sqlite:PATH is a SQLite database in write-ahead mode, readable by its owner
// only; memory: is the same schema in memory, gone when it is closed. Beside
// the database, in PATH.pepper, are 32 random bytes under which key hashes are
// made (HMAC-SHA-256, RFC 2104). They are never in the database, so that a
// copy of it alone does not help to guess keys.
//
// All consumers, keys and denials are in an index in memory. A request takes no
// lock, runs no SQL and allocates nothing.
//
// The deny list holds the ids and hashes of leaked keys. A key on it is
// revoked, whatever its row says, and stays so when its row is deleted and
// stored again. Nothing is ever taken off it.
//
// Revoked tokens are kept until they would have expired anyway, at most a
// million of them. Only what changed is read again when another node revokes.
//
// Objects of APIs, with the relations that callers have to them, are JSON
// objects to the store; what they mean says the configuration. At most a million
// of them are kept, and 256 MiB of fields. Of them, too, only what changed is
// read again.
//
// # Many nodes
//
// What every store of this gateway promises, on whatever database:
//
//   - A change raises one counter, the revision, in the same transaction.
//   - The node that makes a change answers by it when the call returns.
//   - Every other node asks for the revision at least each Options.Poll, and
//     loads everything anew when it differs. From the commit on, a revoked key
//     is thus refused everywhere within the poll and the time to load.
//   - A node that cannot ask says so (Health, Stats.StaleSince) and goes on
//     with what it knows.
//   - Uses of keys are no change: they raise no revision.
//
// # Threats
//
// A stolen database (no secrets in it), a swapped or older database or pepper
// (refused at open: migration checksums, application id, pepper check), other
// users of the machine (file modes are checked).
//
// # Failure policy
//
// While the database is locked or gone, reads keep answering from the index,
// and Health and Stats tell since when it may be stale; writes fail with
// ErrUnavailable after the busy timeout. A corrupt, foreign or newer database
// is refused at open.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// Errors of a Store. What was asked for and is not there is
// durward.ErrNotFound.
var (
	// ErrUnavailable says that the database cannot be read or written now.
	ErrUnavailable = errors.New("store unavailable")
	// ErrExists says that the id is taken.
	ErrExists = durward.ErrExists
	// ErrInvalid says that a value cannot be stored.
	ErrInvalid = durward.ErrInvalid
	// ErrCorrupt says that the file is not a sound database of this gateway.
	ErrCorrupt = errors.New("not a sound database of this gateway")
	// ErrNewer says that the database is of a newer version of the gateway.
	ErrNewer = errors.New("the database is of a newer version")
	// ErrPepper says that the pepper is missing, or not the one that the keys
	// were made with.
	ErrPepper = errors.New("pepper is missing or is not the one of this database")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
)

// Options are what a Store needs beside its URL. The zero value is usable.
type Options struct {
	Now         func() time.Time // time.Now when nil
	Log         *slog.Logger     // gets a line when the store fails and recovers; nil discards
	BusyTimeout time.Duration    // how long a write waits for another process; 0 means 5s
	Poll        time.Duration    // how often changes of others are looked for; 0 means 200ms
	TouchEvery  time.Duration    // how often uses of keys are written; 0 means 1m
}

func (o *Options) withDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.TouchEvery == 0 {
		o.TouchEvery = time.Minute
	}
}

// Store is an open store. All its methods are safe for concurrent use.
type Store struct {
	opts   Options
	path   string      // "" in memory
	opened os.FileInfo // of path, to notice that it was replaced
	db     *sql.DB
	anchor *sql.Conn // keeps a database in memory alive; nil for a file
	pepper []byte

	mu          sync.Mutex // one writer or reloader at a time; never taken by Key or Touch
	closed      bool
	index       atomic.Pointer[index]
	revision    atomic.Int64 // of the index
	loaded      atomic.Int64 // when the index was last known to be fresh, Unix microseconds
	stale       atomic.Pointer[staleness]
	reloads     atomic.Uint64
	uses        uses
	mostRevoked int // MaxRevocations, but in tests
	mostObjects int // MaxObjects, but in tests
	mostWaiting int // MaxWaiting, but in tests

	stop      context.CancelFunc
	done      sync.WaitGroup
	closeOnce sync.Once
	closeErr  error
}

// staleness is why the index may be behind the database, and since when.
type staleness struct {
	since time.Time
	err   error
}

// Open opens or makes the store that url names: "sqlite:PATH" or "memory:". A
// database of an older version is migrated. ctx bounds the opening only.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	opts.withDefaults()
	path, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	s := &Store{opts: opts, path: path, mostRevoked: MaxRevocations, mostObjects: MaxObjects, mostWaiting: MaxWaiting}
	if err := s.open(ctx); err != nil {
		if s.db != nil {
			s.db.Close()
		}
		if path == "" {
			return nil, fmt.Errorf("open store in memory: %w", err)
		}
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	running, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.flushUses(running) })
	s.done.Go(func() { s.keepSwept(running) })
	if path != "" {
		s.done.Go(func() { s.watch(running) })
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.loadPepper(ctx); err != nil {
		return err
	}
	return s.reload(ctx)
}

// Close writes what is pending and closes the database. Calling it again gives
// the same answer. The index goes on answering, so that requests that still
// run end as they should.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.stop()
		s.done.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), s.opts.BusyTimeout)
		defer cancel()
		err := s.writeUses(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		s.closeErr = errors.Join(err, s.db.Close())
	})
	return s.closeErr
}

// Health is nil while the index is known to be as the database is; else an
// ErrUnavailable that tells since when it is not.
func (s *Store) Health() error {
	if st := s.stale.Load(); st != nil {
		return fmt.Errorf("%w since %s: %w", ErrUnavailable, st.since.UTC().Format(time.RFC3339), st.err)
	}
	return nil
}

// Stats describe the index.
type Stats struct {
	Consumers   int
	Keys        int
	Denials     int // leaked keys on the deny list
	Revocations int // tokens and subjects
	Objects     int
	Revision    int64     // of the database when the index was made
	Fresh       time.Time // when the index was last known to be as the database
	StaleSince  time.Time // zero while it is
	Reloads     uint64
	UsesDropped uint64 // uses of keys that were not noted, for lack of room
}

// Stats gives the state of the index.
func (s *Store) Stats() Stats {
	ix := s.index.Load()
	st := Stats{
		Consumers: int(ix.owners.size.Load()), Keys: int(ix.keys.size.Load()), Denials: ix.denials.size(), Revocations: ix.revoked.len(), Objects: int(ix.objects.size.Load()), Revision: s.revision.Load(),
		Fresh: time.UnixMicro(s.loaded.Load()).UTC(), Reloads: s.reloads.Load(), UsesDropped: s.uses.dropped.Load(),
	}
	if stale := s.stale.Load(); stale != nil {
		st.StaleSince = stale.since
	}
	return st
}
