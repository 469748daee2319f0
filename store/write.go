// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"time"

	"durward"
)

// write runs do in a transaction that makes a new revision, then brings the
// index to it: with apply, when the index was at the revision before, else
// from the database. The action, to which do may add, is noted in the same
// transaction; byGateway notes nothing.
func (s *Store) write(ctx context.Context, a *durward.AdminAction, do func(*sql.Tx) error, apply func(*index)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return classify(err)
	}
	if a != byGateway {
		if err := s.note(ctx, tx, a); err != nil {
			return err
		}
	}
	var revision int64
	if err := tx.QueryRowContext(ctx, "UPDATE state SET revision = revision + 1 RETURNING revision").Scan(&revision); err != nil {
		return classify(err)
	}
	if err := tx.Commit(); err != nil {
		return classify(err)
	}
	if revision == s.revision.Load()+1 {
		apply(s.index.Load())
		s.revision.Store(revision)
		return nil
	}
	if err := s.reload(context.WithoutCancel(ctx)); err != nil {
		s.noteStale(err)
		return fmt.Errorf("the change is stored, but not in force here yet: %w", err)
	}
	return nil
}

var errReplaced = errors.New("the database file was removed or replaced: restart to open the new one")

// watch looks for changes that other processes made.
func (s *Store) watch(ctx context.Context) {
	ticker := time.NewTicker(s.opts.Poll)
	defer ticker.Stop()
	w := watcher{store: s}
	defer w.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := w.poll(ctx); err != nil && ctx.Err() == nil {
			s.noteStale(err)
		}
	}
}

// watcher keeps one connection, because PRAGMA data_version tells what other
// connections changed since this one last asked.
type watcher struct {
	store   *Store
	conn    *sql.Conn
	version int64
}

func (w *watcher) poll(ctx context.Context) error {
	s := w.store
	if info, err := os.Stat(s.path); err != nil || !os.SameFile(info, s.opened) {
		return errReplaced
	}
	if err := w.connect(ctx); err != nil {
		return err
	}
	var version int64
	if err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		w.close()
		return classify(err)
	}
	if version == w.version {
		s.fresh()
		return nil
	}
	// Our own writes and noted uses come by here too; only a new revision is
	// worth a reload.
	var revision int64
	if err := w.conn.QueryRowContext(ctx, "SELECT revision FROM state").Scan(&revision); err != nil {
		return classify(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision > s.revision.Load() || revision < s.revision.Load() && !w.current(ctx) {
		if err := s.reload(ctx); err != nil {
			return err
		}
	}
	w.version = version
	s.fresh()
	return nil
}

// current tells whether the index is at the revision of the database: the one
// that poll read may be older than a write of ours that came between. A
// revision that went back means that the file was restored from a copy.
func (w *watcher) current(ctx context.Context) bool {
	var revision int64
	err := w.conn.QueryRowContext(ctx, "SELECT revision FROM state").Scan(&revision)
	return err == nil && revision == w.store.revision.Load()
}

// connect takes a connection that waits for nobody: the next poll comes soon.
func (w *watcher) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.store.db.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 20"); err != nil {
		conn.Close()
		return classify(err)
	}
	w.conn, w.version = conn, -1
	return nil
}

func (w *watcher) close() {
	if w.conn != nil {
		discard(w.conn) // not back to the pool with its short timeout
		w.conn.Close()
		w.conn = nil
	}
}

// discard makes database/sql end a connection instead of using it again.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
