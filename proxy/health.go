// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// health is what is known of one target. What a request asks is answered from
// atomics; only a change takes the lock.
type health struct {
	passive Passive
	counted [faults]bool // by fault
	now     func() time.Time

	// sick is set while active checks fail.
	sick atomic.Bool
	// until is when passive ejection ends, in Unix nanoseconds; 0: in service.
	until atomic.Int64
	// trial is when the request that tries the target after its ejection is
	// given up on; 0: there is none.
	trial atomic.Int64
	// failing tells that failures are counted, so that a success has to lock.
	failing atomic.Bool

	mu    sync.Mutex
	count int       // failures in a row, within the window
	first time.Time // of them
	since time.Time // of the last change
	last  string    // the last fault, for the console
	good  int       // active checks in a row
	bad   int
}

// faults is how many kinds of fault there are, none included.
const faults = int(serverFault) + 1

func newHealth(h Health, now func() time.Time) *health {
	s := &health{passive: h.Passive, now: now, since: now()}
	for i, word := range faultNames {
		s.counted[i] = i > 0 && !h.Passive.Off && slices.Contains(h.Passive.Count, word)
	}
	return s
}

// seed takes over what another health of the same target knows, so that a
// reload with other settings does not send traffic to a dead target. A state
// that the new settings could not end is not taken.
func (s *health) seed(from *health, active bool) {
	if active {
		s.sick.Store(from.sick.Load())
	}
	if !s.passive.Off {
		s.until.Store(from.until.Load())
	}
	from.mu.Lock()
	s.since, s.last = from.since, from.last
	from.mu.Unlock()
}

// usable tells that the target may get a request at now.
func (s *health) usable(now int64) bool {
	if s.sick.Load() {
		return false
	}
	until := s.until.Load()
	return until == 0 || past(until, now, s.passive.For.Std()) && past(s.trial.Load(), now, s.trialTime())
}

// past tells that a moment at most length ahead has passed. One that is
// further ahead was set before the clock was set back.
func past(moment, now int64, length time.Duration) bool {
	return now >= moment || moment-now > int64(length)
}

// trialTime is how long a trial may take before the next one may begin.
func (s *health) trialTime() time.Duration { return max(s.passive.For.Std(), time.Second) }

// claim takes a place for a request that was given to the target. After an
// ejection only one request at a time gets one.
func (s *health) claim(now int64) bool {
	if s.until.Load() == 0 {
		return true
	}
	old := s.trial.Load()
	return past(old, now, s.trialTime()) && s.trial.CompareAndSwap(old, now+int64(s.trialTime()))
}

// unclaim gives the place back when the request told nothing.
func (s *health) unclaim() {
	if s.until.Load() != 0 {
		s.trial.Store(0)
	}
}

// succeeded ends an ejection and the count. It tells whether the target came
// back.
func (s *health) succeeded() bool {
	if !s.failing.Load() && s.until.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count = 0
	s.failing.Store(false)
	back := s.until.Swap(0) != 0
	s.trial.Store(0)
	if back {
		s.since, s.last = s.now(), ""
	}
	return back
}

// failed counts a fault and tells whether it took the target out. last says
// that no other target is left; then only a fault to connect ejects.
func (s *health) failed(f fault, reason string, last bool) bool {
	if !s.counted[f] {
		s.unclaim()
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.count == 0 || now.Sub(s.first) > s.passive.Window.Std() {
		s.count, s.first = 0, now
	}
	s.count++
	s.last = reason
	s.failing.Store(true)
	// A target that is being tried has used up its chances.
	trying := s.until.Load() != 0
	if last && f != connectFault {
		// It is reached, and there is no other: it stays or comes back.
		s.until.Store(0)
		s.trial.Store(0)
		return false
	}
	if !trying && s.count < s.passive.Failures {
		return false
	}
	s.count, s.since = 0, now
	s.until.Store(now.Add(s.passive.For.Std()).UnixNano())
	s.trial.Store(0)
	return !trying
}

// checked takes the result of an active check; reason is "" for a good one. It
// tells whether the target's state changed.
func (s *health) checked(a *Active, reason string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason == "" {
		s.good, s.bad = s.good+1, 0
		if !s.sick.Load() || s.good < a.Healthy {
			return false
		}
		s.sick.Store(false)
		s.since, s.last = s.now(), ""
		return true
	}
	s.good, s.bad = 0, s.bad+1
	s.last = reason
	if s.sick.Load() || s.bad < a.Unhealthy {
		return false
	}
	s.sick.Store(true)
	s.since = s.now()
	return true
}

// backIn estimates when the target can take requests again.
func (s *health) backIn(now time.Time, interval time.Duration) time.Duration {
	if s.sick.Load() {
		return interval
	}
	if until := s.until.Load(); until != 0 {
		return max(time.Unix(0, until).Sub(now), time.Second)
	}
	return time.Second
}

// report gives since when the state has lasted and the last fault.
func (s *health) report() (time.Time, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.last
}
