// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"log/slog"
)

// look forgets the keys that were erased, has that recorded, and destroys those
// that no record needs any more.
func (s *Sealer) look() {
	ctx, cancel := context.WithTimeout(context.Background(), fileWait)
	defer cancel()
	if err := s.forget(ctx); err != nil {
		s.opts.Log.Warn("erased keys of the audit log cannot be looked up", slog.Any("error", err))
		return
	}
	s.mu.Lock()
	taken := s.taken
	s.taken = map[string]int64{}
	s.mu.Unlock()
	if len(taken) > 0 {
		if err := s.keys.insert(ctx, nil, taken); err != nil {
			s.opts.Log.Warn("the use of audit keys cannot be noted", slog.Any("error", err))
		}
	}
	if oldest := s.oldest.Swap(0); oldest > keepBeyond {
		n, err := s.keys.expire(ctx, oldest-keepBeyond)
		switch {
		case err != nil:
			s.oldest.CompareAndSwap(0, oldest)
			s.opts.Log.Warn("audit keys that have expired cannot be removed", slog.Any("error", err))
		case n > 0:
			s.opts.Log.Info("audit keys were removed with the last records that needed them", slog.Int64("keys", n))
		}
	}
}

func (s *Sealer) forget(ctx context.Context) error {
	all, err := s.keys.erasures(ctx, s.seen)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.id > s.seen {
			// The lock keeps a reading of the key that began before its end from
			// coming into the cache after this.
			s.mu.Lock()
			s.subjects.drop(e.tag)
			s.creds.drop(e.tag)
			s.addresses.drop(e.tag)
			s.mu.Unlock()
			s.erased.Add(1)
			s.seen = e.id
		}
		if e.recorded || s.opts.Erased == nil {
			continue
		}
		if err := s.opts.Erased(e.kind, encoding.EncodeToString([]byte(e.tag))); err != nil {
			return err
		}
		if err := s.keys.recorded(ctx, e.id); err != nil {
			return err
		}
	}
	return nil
}
