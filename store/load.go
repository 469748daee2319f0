// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"time"

	"durward"
)

// reload makes the index anew from one snapshot of the database. The caller
// holds mu, or is the only one that knows the store.
func (s *Store) reload(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	// Not BeginTx, which would take the write lock.
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return classify(err)
	}
	defer func() {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
			discard(conn)
		}
	}()
	var revision int64
	if err := conn.QueryRowContext(ctx, "SELECT revision FROM state").Scan(&revision); err != nil {
		return classify(err)
	}
	consumers, err := queryConsumers(ctx, conn, "")
	if err != nil {
		return err
	}
	keys, err := queryKeys(ctx, conn, durward.KeyFilter{})
	if err != nil {
		return err
	}
	next := buildIndex(consumers, keys)
	if err := next.denials.load(ctx, conn); err != nil {
		return err
	}
	if next.revoked, err = s.loadRevoked(ctx, conn, revision); err != nil {
		return err
	}
	if next.objects, err = s.loadObjects(ctx, conn, revision); err != nil {
		return err
	}
	if old := s.index.Load(); old != nil {
		next.keepTouched(old)
	}
	s.index.Store(next)
	s.revision.Store(revision)
	s.reloads.Add(1)
	s.fresh()
	return nil
}

func buildIndex(consumers []durward.Consumer, keys []durward.Key) *index {
	ix := newIndex()
	for _, c := range consumers {
		o := &owner{keys: map[string]struct{}{}}
		o.consumer.Store(&c)
		ix.owners.fill(c.ID, o)
	}
	for _, k := range keys {
		o, ok := ix.owners.find(k.Consumer)
		if !ok {
			continue // the schema does not allow it
		}
		o.keys[k.ID] = struct{}{}
		ix.keys.fill(k.ID, newEntry(k, o))
	}
	return ix
}

// keepTouched takes over what is known of uses that are not written yet.
func (ix *index) keepTouched(old *index) {
	old.keys.all(func(was *entry) {
		if e, ok := ix.keys.find(was.key.ID); ok {
			e.touched.Store(max(e.touched.Load(), was.touched.Load()))
		}
	})
}

// fresh notes that the index is as the database is.
func (s *Store) fresh() {
	s.loaded.Store(s.opts.Now().UnixMicro())
	if s.stale.Swap(nil) != nil {
		s.opts.Log.Info("store is available again")
	}
}

// noteStale notes that the index may be behind the database.
func (s *Store) noteStale(err error) {
	if old := s.stale.Load(); old != nil {
		s.stale.Store(&staleness{old.since, err})
		return
	}
	s.stale.Store(&staleness{s.opts.Now(), err})
	s.opts.Log.Error("store is unavailable, keys are answered from memory", "error", err, "fresh", time.UnixMicro(s.loaded.Load()).UTC())
}
