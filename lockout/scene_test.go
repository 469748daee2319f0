// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// scene is a guard with a clock that stands still, and hashes that are the same
// in every run.
type scene struct {
	t     testing.TB
	time  time.Time
	guard *Guard
	view  *View
	told  []Event
}

func newScene(t testing.TB, cfg Config) *scene { return newSceneOf(t, cfg, 0) }

func newSceneOf(t testing.TB, cfg Config, entries int) *scene {
	t.Helper()
	s := &scene{t: t, time: time.Unix(1_700_000_000, 0)}
	s.guard = NewGuard(Options{
		Entries: entries,
		Now:     func() time.Time { return s.time },
		OnEvent: func(e Event) { s.told = append(s.told, e) },
	})
	for i, h := range []*hasher{&s.guard.source, &s.guard.ranges, &s.guard.credential, &s.guard.account, &s.guard.presented} {
		h.fixed = uint64(i) + 1
	}
	s.reload(cfg)
	return s
}

func (s *scene) reload(cfg Config) {
	s.t.Helper()
	var err error
	if s.view, err = s.guard.With(lowered(cfg)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) pass(d time.Duration) { s.time = s.time.Add(d) }

// by makes an attempt of a source with a credential.
func by(source, credential string) Attempt {
	return Attempt{Source: netip.MustParseAddr(source), Credential: credential}
}

// wait is how long an attempt has to wait; 0 when it is let through.
func (s *scene) wait(a Attempt) time.Duration {
	s.t.Helper()
	d, blocked := s.view.Begin(a)
	if blocked != (d > 0) {
		s.t.Fatalf("blocked is %v, and the wait %v", blocked, d)
	}
	return d
}

// fail makes a bad attempt and tells whether it was checked.
func (s *scene) fail(a Attempt) bool {
	s.t.Helper()
	if s.wait(a) > 0 {
		return false
	}
	s.view.Failed(a)
	return true
}

// succeed makes a good attempt and tells whether it was checked.
func (s *scene) succeed(a Attempt) bool {
	s.t.Helper()
	if s.wait(a) > 0 {
		return false
	}
	s.view.Succeeded(a)
	return true
}

// insist fails n times, each as soon as it is let through, and gives how long
// it had to wait before each, and the wait that follows.
func (s *scene) insist(a Attempt, n int) (waits []time.Duration) {
	s.t.Helper()
	for range n {
		d := s.wait(a)
		waits = append(waits, d)
		s.pass(d)
		if !s.fail(a) {
			s.t.Fatalf("refused although it waited %v", d)
		}
	}
	return append(waits, s.wait(a))
}

// mustPass and mustWait say what an attempt has to be.
func (s *scene) mustPass(what string, a Attempt) {
	s.t.Helper()
	if d := s.wait(a); d > 0 {
		s.t.Errorf("%s: has to wait %v", what, d)
	}
}

func (s *scene) mustWait(what string, a Attempt, want time.Duration) {
	s.t.Helper()
	if d := s.wait(a); d != want {
		s.t.Errorf("%s: has to wait %v, want %v", what, d, want)
	}
}

// events are the kinds that were told.
func (s *scene) events() (kinds []string) {
	for _, e := range s.told {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// randomSource is a source of IPv4 or a /64 of IPv6.
func randomSource(r *rand.Rand) netip.Addr {
	n := r.Uint64()
	if n&1 == 0 {
		return netip.AddrFrom4([4]byte{byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32)})
	}
	return netip.AddrFrom16([16]byte{0x20, 1, byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32), byte(n >> 40), byte(n >> 48), 15: byte(n >> 56)})
}

// host is the ith address of 10.0.0.0/8, each in a /24 of its own.
func host(i int) string { return fmt.Sprintf("10.%d.%d.1", i>>8&255, i&255) }

// lowered gives c thresholds that a scene reaches soon, where it says nothing.
func lowered(c Config) Config {
	c.DelayAfter, c.LockAfter, c.SprayIDs = cmp.Or(c.DelayAfter, 5), cmp.Or(c.LockAfter, 20), cmp.Or(c.SprayIDs, 10)
	return c
}
