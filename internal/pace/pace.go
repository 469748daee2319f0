// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pace keeps work that nobody waits for out of the way of requests: it
// is done in small pieces, and takes an eighth of one processor, or a hundredth of
// all while there is something else to do.
//
// It decides nothing but when to rest. What is put off has to be bounded by who
// puts it off. It keeps the time and the count of the last rest.
package pace

import (
	"context"
	"runtime"
	"time"
)

const (
	// piece is how long work goes on before it rests: where there is one
	// processor, a request that comes meanwhile waits as long.
	piece = time.Millisecond
	// idleShare is the part of one processor that the work takes at most,
	// busyShare the part of all, as their divisors.
	idleShare = 8
	busyShare = 100
	// busyRate is from how many events a second on there is something else to
	// do. Below, the work costs each of them little.
	busyRate = 500
	// longest bounds a rest: a piece that took long did so because it was not
	// its turn.
	longest = 500 * time.Millisecond
)

// Pace is the pace of one worker. The zero value is never busy. It is for one
// goroutine.
type Pace struct {
	// Events counts what the work must not hold up, since the start; nil when
	// there is no such thing.
	Events func() uint64

	began  time.Time // of the piece of work that is under way
	rested time.Time // when the last rest began
	events uint64    // then
	timer  *time.Timer
}

// Begin is called when work begins after a time without any.
func (p *Pace) Begin() { p.began = time.Now() }

// Rest is called after each small step of the work, of some tens of
// microseconds to a millisecond. It waits when it is time for that, and ends
// with ctx, whose error it gives.
func (p *Pace) Rest(ctx context.Context) error {
	now := time.Now()
	if p.began.IsZero() {
		p.began = now
	}
	took := now.Sub(p.began)
	if took < piece {
		return ctx.Err()
	}
	if p.timer == nil {
		p.timer = time.NewTimer(0)
		p.timer.Stop()
	}
	p.timer.Reset(min(time.Duration(p.share(now)-1)*took, longest))
	select {
	case <-ctx.Done():
		p.timer.Stop()
	case <-p.timer.C:
	}
	p.began = time.Now()
	return ctx.Err()
}

// share tells the divisor, by what came since the last rest.
func (p *Pace) share(now time.Time) int {
	if p.Events == nil {
		return idleShare
	}
	events, since := p.Events(), now.Sub(p.rested)
	came := events - p.events
	p.rested, p.events = now, events
	// At the first rest nothing is known, and came is all there ever was.
	if since > time.Minute || float64(came) >= busyRate*since.Seconds() {
		return max(busyShare/runtime.GOMAXPROCS(0), idleShare)
	}
	return idleShare
}
