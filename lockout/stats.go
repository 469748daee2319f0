// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Kind is what failures are counted by.
type Kind uint8

const (
	KindSource   Kind = iota // an address, or an IPv6 /64
	KindRange                // a /24, or an IPv6 /48
	KindPair                 // a source with a claimed credential or account
	KindIdentity             // a claimed credential or account, from everywhere

	kinds = 4
)

var kindNames = [kinds]string{"source", "range", "pair", "identity"}

func (k Kind) String() string { return kindNames[k] }

// Event is a lock that began, or the alarm.
type Event struct {
	// Kind is "source", "range", "pair" or "identity" for a lock, "alarm" and
	// "calm" for the alarm.
	Kind string
	// Source is who was locked; invalid for identities and the alarm. What the
	// request claimed is in its audit record, and not here.
	Source netip.Prefix
	// For is how long a lock holds.
	For time.Duration
}

func (v *View) tell(e Event) {
	if v.guard.onEvent != nil {
		v.guard.onEvent(e)
	}
}

func (v *View) lockFor() time.Duration { return time.Duration(v.rules.lockFor) }

// pressure is the count of all failures, which leaks as the others do. It is
// kept as the time at which it will have leaked out (as in GCRA), which one
// word can hold.
type pressure struct {
	empty  atomic.Int64
	raised atomic.Bool
}

// level is the count at now.
func (p *pressure) level(now, window, after int64) int64 {
	return max(p.empty.Load()-now, 0) / max(window/after, 1)
}

// add counts a failure and gives the count.
func (p *pressure) add(now, window, after int64) int64 {
	one := max(window/after, 1)
	for {
		old := p.empty.Load()
		next := min(max(old, now)+one, now+2*window)
		if p.empty.CompareAndSwap(old, next) {
			return (next - now) / one
		}
	}
}

// alarm raises the alarm at a full count and ends it at half of one.
func (v *View) alarm(level int64) {
	p := &v.guard.pressure
	switch after := v.rules.alarmAfter; {
	case level >= after && p.raised.CompareAndSwap(false, true):
		v.tell(Event{Kind: "alarm"})
	case level < after/2 && p.raised.Load() && p.raised.CompareAndSwap(true, false):
		v.tell(Event{Kind: "calm"})
	}
}

// Stats is the state of a guard. The counts since the start never fall.
type Stats struct {
	Failures    uint64 // that were counted
	Repeats     uint64 // that were not, since the same was presented before
	Refused     uint64 // attempts that had to wait
	WouldRefuse uint64 // and those that would have had to, in report mode
	Locks       [kinds]uint64
	Evicted     uint64 // keys that made room for others
	Untracked   uint64 // failures of keys for which there was no room

	// As it is now.
	Locked  [kinds]int // by Kind
	Delayed [kinds]int
	Tracked int // keys with a place
	// Pressure is the leaky count of all failures, and Alarm whether it was
	// full and is not yet half empty.
	Pressure int64
	Alarm    bool
}

// Stats counts what there is. It looks at every place of the tables, which
// takes about a millisecond with as many as there are by default: it is for
// metrics, not for requests. A nil View has counted nothing.
func (v *View) Stats() (s Stats) {
	if v == nil {
		return s
	}
	g := v.guard
	now := g.clock()
	s.Pressure = g.pressure.level(now, v.rules.window, v.rules.alarmAfter)
	v.alarm(s.Pressure)
	s.Alarm = g.pressure.raised.Load()
	s.Failures, s.Repeats = g.counts.failures.Load(), g.counts.repeats.Load()
	s.Refused, s.WouldRefuse = g.counts.refused.Load(), g.counts.wouldRefuse.Load()
	for kind, t := range g.tables {
		s.Locks[kind] = g.counts.locks[kind].Load()
		s.Evicted += t.evicted.Load()
		s.Untracked += t.untracked.Load()
		tracked, locked, delayed := t.count(now)
		s.Tracked += tracked
		s.Locked[kind], s.Delayed[kind] = locked, delayed
	}
	return s
}

// count counts the places in use, and those that are refused now.
func (t *table) count(now int64) (tracked, locked, delayed int) {
	if t.empty() {
		return
	}
	all := *t.made.Load()
	for i := range all {
		b := &all[i]
		b.mu.Lock()
		for j := range b.keys {
			switch {
			case b.keys[j].Load() == 0:
				continue
			case b.until[j].Load() <= now:
			case b.state[j].locked:
				locked++
			default:
				delayed++
			}
			tracked++
		}
		b.mu.Unlock()
	}
	return tracked, locked, delayed
}
