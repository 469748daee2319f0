// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"context"
	"errors"
	"sync"
	"time"

	"durward/internal/units"
)

const (
	breakAfter  = 5 // failures in a row that open the circuit
	firstPause  = time.Second
	longest     = 10 * time.Second
	waitersEach = 8 // questions that may wait for each that is under way
)

var (
	errFlood   = errors.New("introspection: too many tokens that were never seen before")
	errWaiting = errors.New("introspection: too many questions wait for the server")
	errOpen    = errors.New("introspection: the server has failed several times, and is left alone for a while")
	errTurn    = errors.New("introspection: no turn to ask the server came in time")
)

// lane is the way of one kind of question to the server: about tokens that
// were good before, or about those never seen. What happens in one does not
// hold up the other. Its counts are guarded by the Client's mu.
type lane struct {
	flights int // under way or waiting
	limit   int
	bucket  *bucket         // nil: not limited
	slots   []chan struct{} // to be taken in this order
	circuit circuit
}

// newLanes makes the two lanes for n questions at a time, of which those about
// tokens never seen may take three quarters.
func newLanes(n int, rate units.Rate) (known, unknown *lane) {
	all, some := make(chan struct{}, n), make(chan struct{}, n-(n+3)/4)
	known = &lane{limit: n * waitersEach, slots: []chan struct{}{all}}
	unknown = &lane{limit: n * waitersEach, slots: []chan struct{}{some, all}, bucket: newBucket(rate)}
	return known, unknown
}

// take waits for a turn. The caller gives it back with the function.
func (l *lane) take(ctx context.Context, timeout time.Duration) (back func(), err error) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	taken := 0
	back = func() {
		for i := range taken {
			<-l.slots[i]
		}
	}
	for _, s := range l.slots {
		select {
		case s <- struct{}{}:
			taken++
		case <-t.C:
			back()
			return nil, errTurn
		case <-ctx.Done():
			back()
			return nil, ctx.Err()
		}
	}
	return back, nil
}

// bucket is a token bucket. It is guarded by the Client's mu.
type bucket struct {
	each time.Duration // in which one more is let through
	span time.Duration // that a full bucket lasts
	full time.Time     // when it is full again
}

func newBucket(r units.Rate) *bucket {
	return &bucket{each: max(r.Per/time.Duration(r.Count), 1), span: r.Per}
}

func (b *bucket) take(now time.Time) bool {
	if limit := now.Add(b.span); b.full.After(limit) {
		b.full = limit // the clock went back
	}
	full := b.full
	if full.Before(now) {
		full = now
	}
	full = full.Add(b.each)
	if full.Sub(now) > b.span {
		return false
	}
	b.full = full
	return true
}

// circuit leaves a server alone that fails: after some failures in a row one
// question is let through now and then.
type circuit struct {
	mu       sync.Mutex
	failures int
	pause    time.Duration
	until    time.Time
	probing  bool // the one question is under way
}

// allow tells whether to ask now.
func (c *circuit) allow(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures < breakAfter {
		return true
	}
	if wait := c.until.Sub(now); wait > 0 && wait <= longest { // longer: the clock went back
		return false
	}
	c.until, c.probing = now.Add(c.pause), true // for all but this one
	return true
}

// report tells how a question went.
func (c *circuit) report(ok bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok {
		c.failures, c.pause, c.probing = 0, 0, false
		return
	}
	// Those that were under way when it opened do not make the pause longer.
	if c.failures++; c.failures == breakAfter || c.probing {
		c.pause = min(max(2*c.pause, firstPause), longest)
		c.until, c.probing = now.Add(c.pause), false
	}
}

func (c *circuit) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failures >= breakAfter
}
