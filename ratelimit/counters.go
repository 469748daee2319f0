// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// DefaultMaxKeys is how many keys a limit counts when NewCounters is not told.
const DefaultMaxKeys = 1 << 17

// Counters holds the counters of all limits. It is made once and outlives
// reloads: a limit finds its counters by scope and name, so that a reload gives
// nobody a fresh burst, also when it changes the rate. It is safe for
// concurrent use.
//
// A keyed limit takes 16 bytes for each of up to maxKeys counters, grown as
// needed, and has them to itself: filling one limit's table does not harm
// another's. Keys are 64-bit hashes under a random seed, so that nobody can aim
// at another's counter.
type Counters struct {
	maxKeys int
	now     func() time.Time
	start   time.Time
	seed    maphash.Seed

	unknownPlans atomic.Uint64

	mu     sync.Mutex
	byName map[string]*named
}

// named is a limit's counters. They are held while they matter or a stage has
// them: strong is given up once every counter has refilled, which loses
// nothing, and the entry once no generation uses it.
type named struct {
	strong *counter
	weak   weak.Pointer[counter]
}

// counter is the counters of one limit: many by key, or a single one.
type counter struct {
	table *table // nil for a single one
	one   single
}

// NewCounters makes empty counters. maxKeys bounds the keys of each limit; 0
// means DefaultMaxKeys. now is the clock, nil time.Now; differences between
// its times are what counts, so the monotonic clock is used where it has one.
func NewCounters(maxKeys int, now func() time.Time) *Counters {
	if maxKeys <= 0 {
		maxKeys = DefaultMaxKeys
	}
	if now == nil {
		now = time.Now
	}
	return &Counters{
		maxKeys: maxKeys, now: now, start: now(), seed: maphash.MakeSeed(),
		byName: map[string]*named{},
	}
}

// clock is the time in nanoseconds since the counters were made.
func (c *Counters) clock() int64 { return int64(c.now().Sub(c.start)) }

// get gives the counters of a name, new ones when there are none.
func (c *Counters) get(name string, keyed bool) *counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if keyed {
		name += "/keyed"
	}
	if n := c.byName[name]; n != nil {
		if found := n.weak.Value(); found != nil {
			n.strong = found
			return found
		}
	}
	c.sweep()
	fresh := &counter{}
	if keyed {
		fresh.table = newTable(c.maxKeys)
	}
	c.byName[name] = &named{strong: fresh, weak: weak.Make(fresh)}
	return fresh
}

// sweep forgets the counters that no longer matter.
func (c *Counters) sweep() {
	now := c.clock()
	for name, n := range c.byName {
		if n.strong != nil && n.strong.refilled(now) {
			n.strong = nil
		}
		if n.strong == nil && n.weak.Value() == nil {
			delete(c.byName, name)
		}
	}
}

func (c *counter) refilled(now int64) bool {
	if c.table != nil {
		return c.table.refilled(now)
	}
	return c.one.tat.Load() <= now
}

func (t *table) refilled(now int64) bool {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		ahead := s.floor > now
		for j := range s.buckets {
			for _, tat := range s.buckets[j].tats {
				ahead = ahead || tat > now
			}
		}
		s.mu.Unlock()
		if ahead {
			return false
		}
	}
	return true
}

// charge counts a request of key at now; see table.charge.
func (c *counter) charge(r *rate, key uint64, now int64) (tat int64, ok bool) {
	if c.table != nil {
		return c.table.charge(r, key, now)
	}
	return c.one.charge(r, now)
}

// refund takes back a charge that gave tat; see table.refund.
func (c *counter) refund(r *rate, key uint64, tat int64) {
	if c.table != nil {
		c.table.refund(r, key, tat)
	} else {
		c.one.refund(r, tat)
	}
}

// hashRange hashes the range of an address. An address that is not known (a
// peer without one) shares one counter with its like.
func (c *Counters) hashRange(a netip.Addr, bits4, bits6 int) uint64 {
	b := a.Unmap().As16() // IPv4 under ::ffff:0:0/96, which no shorter IPv6 range equals
	bits := bits6
	if a.Is4() || a.Is4In6() {
		bits = 96 + bits4
	}
	for i := range b {
		switch keep := bits - 8*i; {
		case keep <= 0:
			b[i] = 0
		case keep < 8:
			b[i] &= 0xff << (8 - keep)
		}
	}
	return nonzero(maphash.Bytes(c.seed, b[:]))
}

// hashNames hashes two names so that no other two give the same text.
func (c *Counters) hashNames(kind byte, a, b string) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.WriteByte(kind)
	h.WriteString(a)
	h.WriteByte(0)
	h.WriteString(b)
	return nonzero(h.Sum64())
}

// nonzero keeps zero for slots without a key.
func nonzero(key uint64) uint64 { return max(key, 1) }
