// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"durward"
	"durward/audit"
	"durward/store"
)

const (
	adminPoll  = 200 * time.Millisecond
	adminRetry = 5 * time.Second // also how often is looked without a sign of a change
)

// adminRecords brings what people changed from the store, where it waits since
// the transaction of its change, into the audit log: one by one, and each is
// taken off the store once it is on the disk. What cannot be recorded now
// stays in the store.
type adminRecords struct {
	store    *store.Store
	audit    *audit.Log
	log      *slog.Logger
	name     string // of the log, to whoever else reads the store
	recorded atomic.Uint64
	failing  atomic.Bool
}

// startAdminRecords records until the returned function is called, which does
// so a last time.
func startAdminRecords(s *store.Store, records *audit.Log, log *slog.Logger) (*adminRecords, func(context.Context) error) {
	host, _ := os.Hostname()
	directory := records.Directory()
	if abs, err := filepath.Abs(directory); err == nil {
		directory = abs
	}
	r := &adminRecords{store: s, audit: records, log: log, name: host + ":" + directory}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.run(ctx) })
	return r, func(ctx context.Context) error {
		cancel()
		running.Wait()
		r.drain(ctx)
		return nil
	}
}

// run looks whenever the store has a new revision, as after every change, and
// now and then besides, such as for what another gateway left behind.
func (r *adminRecords) run(ctx context.Context) {
	ticker := time.NewTicker(adminPoll)
	defer ticker.Stop()
	revision, looked := int64(-1), time.Now()
	for {
		if now := r.store.Stats().Revision; now != revision || time.Since(looked) >= adminRetry {
			if looked = time.Now(); r.drain(ctx) {
				revision = now
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// drain records all that waits; false when something is left that could not be
// recorded.
func (r *adminRecords) drain(ctx context.Context) bool {
	for ctx.Err() == nil {
		a, err := r.store.NextAction(ctx, r.name)
		if errors.Is(err, durward.ErrNotFound) {
			r.failing.Store(false)
			return true
		}
		if err == nil {
			err = r.audit.Admin(a)
		}
		if err == nil {
			err = r.store.Recorded(ctx, a)
		}
		if err != nil {
			if ctx.Err() == nil && !r.failing.Swap(true) {
				r.log.Error("changes by administrators are not recorded yet; they wait in the store", "error", err)
			}
			return false
		}
		r.recorded.Add(1)
	}
	return false
}

// waiting counts what is not recorded yet; -1 when the store does not say.
func (r *adminRecords) waiting() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n, err := r.store.WaitingActions(ctx)
	if err != nil {
		return -1
	}
	return float64(n)
}
