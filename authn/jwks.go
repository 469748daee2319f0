// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fetchTimeout = 5 * time.Second  // of one refresh, discovery included
	waitTimeout  = 3 * time.Second  // that a request waits for one
	retryAfter   = 5 * time.Second  // between attempts while there are no keys
	minFresh     = 30 * time.Second // between regular refreshes
	maxBackoff   = 5 * time.Minute  // after a failed one
	maxUnknown   = 256              // kids remembered as unknown
	unknownFor   = 10               // times MinRefresh that one is remembered
)

var (
	errUnavailable = errors.New("jwks: no keys that are fresh enough")
	errSignature   = errors.New("jwt: signature does not match")
	errUnknownKey  = errors.New("jwt: no key of the issuer fits")
	errStopped     = errors.New("jwks: source is stopped")
)

// source keeps the key set of one issuer. Reading it takes no lock.
type source struct {
	id      sourceID
	fetcher fetcher
	now     func() time.Time
	log     *slog.Logger
	own     *http.Client // of this source alone; nil when it is shared
	users   int          // under sources.mu

	set     atomic.Pointer[keySet] // nil until the first success
	checked atomic.Int64           // Unix nanoseconds of the last success

	ctx     context.Context // ends with stop
	cancel  context.CancelFunc
	running sync.WaitGroup
	started atomic.Bool
	wake    chan struct{}

	mu       sync.Mutex
	flight   *flight   // the refresh under way
	tried    time.Time // start of the last refresh
	demanded time.Time // start of the last one that a token caused
	next     time.Time // when the background refreshes again
	failures int
	err      error
	unknown  map[string]time.Time // kids that the present set lacks, and when that was seen
}

// flight is one refresh, which all who want one wait for.
type flight struct {
	done chan struct{}
	err  error
}

func newSource(id sourceID, client *http.Client, now func() time.Time, log *slog.Logger) *source {
	s := &source{id: id, now: now, log: log.With("issuer", id.name), wake: make(chan struct{}, 1), unknown: map[string]time.Time{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if id.file != "" {
		s.fetcher = &fileFetcher{path: id.file}
	} else {
		s.fetcher = &httpFetcher{client: client, issuer: id.issuer, discovery: discoveryURL(id.discovery), jwks: id.url}
	}
	return s
}

// fresh tells whether the keys may be used at that time.
func (s *source) fresh(now time.Time) bool {
	at := s.checked.Load()
	return at != 0 && now.UnixNano()-at <= int64(s.id.stale)
}

// verify gives the key that signed t. It fetches only when there are no fresh
// keys, or when none fits t and the last such fetch was long enough ago.
func (s *source) verify(ctx context.Context, t *token) (*verifyKey, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	set := s.set.Load()
	if k := set.verify(t); k != nil {
		return k, nil
	}
	if t.kid != "" && set.has(t.kid) {
		return nil, errSignature
	}
	if s.renew(ctx, t.kid) {
		if next := s.set.Load(); next != set {
			if k := next.verify(t); k != nil {
				return k, nil
			}
		}
	}
	return nil, errUnknownKey
}

// ready makes sure that there are fresh keys.
func (s *source) ready(ctx context.Context) error {
	if s.fresh(s.now()) {
		return nil
	}
	s.mu.Lock()
	if s.fresh(s.now()) { // a refresh has ended since
		s.mu.Unlock()
		return nil
	}
	if s.flight == nil && !s.tried.IsZero() && s.now().Sub(s.tried) < min(retryAfter, s.id.min) {
		s.mu.Unlock()
		return errUnavailable
	}
	f := s.launch()
	s.mu.Unlock()
	if err := wait(ctx, f); err != nil || !s.fresh(s.now()) {
		return errors.Join(errUnavailable, err)
	}
	return nil
}

// renew refreshes because of a token whose key is not in the set; kid is "" for
// one that names none. However many such tokens come, it fetches once in
// MinRefresh, and for the same kid in ten times that: an issuer may sign with
// a key a little before it publishes it.
func (s *source) renew(ctx context.Context, kid string) bool {
	s.mu.Lock()
	now := s.now()
	if seen, ok := s.unknown[kid]; ok && now.Sub(seen) < unknownFor*s.id.min {
		s.mu.Unlock()
		return false
	}
	if s.flight == nil {
		if !s.demanded.IsZero() && now.Sub(s.demanded) < s.id.min {
			s.mu.Unlock()
			return false
		}
		s.demanded = now
	}
	f := s.launch()
	s.mu.Unlock()
	if wait(ctx, f) != nil {
		return false
	}
	if kid != "" && !s.set.Load().has(kid) {
		s.forget(kid)
	}
	return true
}

// forget notes that the set lacks kid, so that nobody asks for it again soon.
func (s *source) forget(kid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if len(s.unknown) >= maxUnknown {
		maps.DeleteFunc(s.unknown, func(_ string, seen time.Time) bool { return now.Sub(seen) >= unknownFor*s.id.min })
	}
	if len(s.unknown) < maxUnknown {
		s.unknown[kid] = now
	}
}

func wait(ctx context.Context, f *flight) error {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *source) stop() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.running.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

func (s *source) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Err: s.err}
	if set := s.set.Load(); set != nil {
		st.Keys = len(set.keys)
	}
	if at := s.checked.Load(); at != 0 {
		st.Checked = time.Unix(0, at)
	}
	return st
}
