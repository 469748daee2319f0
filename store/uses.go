// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// maxUses is how many keys' uses may wait to be written.
const maxUses = 64 << 10

// uses are the keys that were used since the last write, with the minute.
type uses struct {
	mu      sync.Mutex
	pending map[string]int64
	dropped atomic.Uint64
}

// Touch remembers that a key was used at the time, to the minute. It never
// waits for the database: a key is noted at most once a minute, and all that
// were noted are written together. For an unknown key it does nothing.
func (s *Store) Touch(id string, at time.Time) {
	e, ok := s.index.Load().keys.find(id)
	if !ok {
		return
	}
	minute := at.Unix() / 60
	for {
		was := e.touched.Load()
		if minute <= was {
			return // the common case: no lock
		}
		if e.touched.CompareAndSwap(was, minute) {
			break
		}
	}
	s.uses.add(e.key.ID, minute)
}

func (u *uses) add(id string, minute int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending == nil {
		u.pending = map[string]int64{}
	}
	if _, known := u.pending[id]; !known && len(u.pending) >= maxUses {
		u.dropped.Add(1)
		return
	}
	u.pending[id] = max(u.pending[id], minute)
}

func (u *uses) take() map[string]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	pending := u.pending
	u.pending = nil
	return pending
}

// flushUses writes uses until ctx ends.
func (s *Store) flushUses(ctx context.Context) {
	ticker := time.NewTicker(s.opts.TouchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.writeUses(ctx); err != nil && ctx.Err() == nil {
				s.opts.Log.Warn("uses of keys are not written yet", "error", err)
			}
		}
	}
}

// writeUses writes what is pending; what cannot be written stays pending.
func (s *Store) writeUses(ctx context.Context) (err error) {
	pending := s.uses.take()
	if len(pending) == 0 {
		return nil
	}
	defer func() {
		if err != nil {
			for id, minute := range pending {
				s.uses.add(id, minute)
			}
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	// The key may have been deleted meanwhile.
	insert, err := tx.PrepareContext(ctx, `INSERT INTO key_uses (key, last_used) SELECT id, ?2 FROM keys WHERE id = ?1
		ON CONFLICT (key) DO UPDATE SET last_used = max(last_used, excluded.last_used)`)
	if err != nil {
		return classify(err)
	}
	defer insert.Close()
	for id, minute := range pending {
		if _, err := insert.ExecContext(ctx, id, minute*60*1e6); err != nil {
			return classify(err)
		}
	}
	return classify(tx.Commit())
}
