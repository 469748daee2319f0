// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"
)

// A refresh may end between a request's look at the keys and its turn to wait
// for one. The request must then take the keys, and not think that the refresh
// failed.
func TestRefreshThatEndsAtTheWrongMomentIsNoFailure(t *testing.T) {
	start := time.Now()
	for range 300 {
		looked := make(chan struct{}, 8)
		now := func() time.Time {
			select {
			case looked <- struct{}{}:
			default:
			}
			return start
		}
		s := newSource(sourceID{name: "corp", stale: time.Hour, min: time.Minute}, nil, now, slog.New(slog.DiscardHandler))
		s.tried = start // as if a refresh were under way
		s.mu.Lock()
		result := make(chan error, 1)
		go func() { result <- s.ready(context.Background()) }()
		<-looked
		for range 20 {
			runtime.Gosched() // the request goes on to the lock
		}
		s.checked.Store(start.UnixNano()) // the refresh ends
		s.mu.Unlock()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		s.cancel()
	}
}
