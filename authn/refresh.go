// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// refresh fetches now, or joins the refresh under way.
func (s *source) refresh(ctx context.Context) error {
	s.mu.Lock()
	f := s.launch()
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// launch gives the refresh under way, or starts one. It needs s.mu. A refresh
// does not belong to the request that caused it, and outlives it.
func (s *source) launch() *flight {
	if s.flight != nil {
		return s.flight
	}
	f := &flight{done: make(chan struct{})}
	if s.ctx.Err() != nil {
		f.err = errStopped
		close(f.done)
		return f
	}
	s.flight, s.tried = f, s.now()
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
		defer cancel()
		doc, err := s.fetcher.fetch(ctx)
		s.finish(f, doc, err)
	})
	return f
}

// finish takes over what a refresh brought and lets its waiters go.
func (s *source) finish(f *flight, doc document, err error) {
	old := s.set.Load()
	if err == nil && doc.same && old == nil {
		err = errors.New("jwks: not modified, but nothing is known")
	}
	var set *keySet
	var left []error
	if err == nil && !doc.same {
		set, left, err = parseKeySet(doc.body, old)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if err == nil {
		s.failures = 0
		if set != nil {
			s.adopt(old, set, left)
			s.fetcher.accepted()
		}
		s.checked.Store(now.UnixNano())
		s.next = now.Add(s.interval(doc.maxAge))
	} else {
		s.failures++
		s.next = now.Add(jitter(backoff(s.failures, s.id.refresh)))
		if s.ctx.Err() == nil {
			s.log.Warn("key set could not be refreshed", "error", err, "failures", s.failures)
		}
	}
	s.err, f.err, s.flight = err, err, nil
	close(f.done)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// adopt puts set in place of old. Keys that are gone are marked, so that cached
// tokens which they signed are refused from now on.
func (s *source) adopt(old, set *keySet, left []error) {
	if set.same(old) {
		return
	}
	s.set.Store(set)
	clear(s.unknown)
	removed := 0
	if old != nil {
		for _, k := range old.keys {
			if !set.contains(k) {
				k.removed.Store(true)
				removed++
			}
		}
	}
	for _, err := range left {
		s.log.Warn("key is not used", "error", err)
	}
	s.log.Info("key set changed", "keys", len(set.keys), "removed", removed)
}

// interval is how long to the next refresh: well before the answer's freshness
// ends, within the configured bounds.
func (s *source) interval(maxAge time.Duration) time.Duration {
	d := s.id.refresh
	if maxAge >= 0 && maxAge < d {
		d = max(maxAge, min(minFresh, d))
	}
	if s.id.file != "" {
		return d
	}
	return jitter(d * 4 / 5)
}

func backoff(failures int, limit time.Duration) time.Duration {
	return min(retryAfter<<min(failures-1, 10), maxBackoff, limit)
}

// jitter spreads nodes that were started together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/10+1))
}

// start begins the background refresh, once.
func (s *source) start() {
	if !s.started.CompareAndSwap(false, true) {
		return
	}
	s.running.Go(func() {
		for s.ctx.Err() == nil {
			s.mu.Lock()
			due := s.next.Sub(s.now())
			if s.flight == nil && due <= 0 {
				s.launch()
			}
			s.mu.Unlock()
			timer := time.NewTimer(max(due, time.Second))
			select {
			case <-s.ctx.Done():
			case <-timer.C:
			case <-s.wake: // next has changed
			}
			timer.Stop()
		}
	})
}
