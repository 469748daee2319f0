// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

// ways is how many keys share a bucket. Their hashes fill one cache line.
const ways = 8

// table counts failures by key, in a fixed number of places. Keys are hashes
// under a key of the process, so that nobody can aim at a bucket.
//
// When the bucket of a new key is full, the entry with the lowest count makes
// room, the one that was quiet longest among equals; an entry that is locked
// never does. The new entry takes over the count of the old one, as in the
// Space-Saving algorithm (Metwally et al., 2005), so that an attacker who
// floods the table is not counted too low: delays go by that upper bound. A
// lock goes by what the key itself did since it has its place, the lower
// bound, so that a flood locks nobody else. When all of a bucket is locked, a
// new key has no place and is not counted in this table, but in the others.
type table struct {
	// made with the first failure: megabytes that most gateways need late, or
	// never.
	made atomic.Pointer[[]bucket]
	mask uint64

	evicted, untracked atomic.Uint64
}

type bucket struct {
	keys  [ways]atomic.Uint64 // 0: free
	until [ways]atomic.Int64  // refused until then; 0: not
	mu    sync.Mutex          // of states, and of writes to keys and until
	state [ways]state
}

// state is the count of one key.
type state struct {
	at        int64   // when level and own were right
	last      int64   // the last failure
	level     float64 // failures, no less than there were
	own       float64 // failures, no more than there were
	seen      uint64  // sketch of different ids or ranges
	seenSince int64
	tags      uint64 // the last four credentials, 16 bits each
	locked    bool
}

// newTable makes a table with places for at least n keys.
func newTable(n int) *table {
	count := uint64(1) << bits.Len(uint(max((n+ways-1)/ways, 1)-1))
	return &table{mask: count - 1}
}

// bucket is for what changes a table; empty tells whether there is nothing in
// it to be looked for.
func (t *table) bucket(key uint64) *bucket {
	all := t.made.Load()
	if all == nil {
		fresh := make([]bucket, t.mask+1)
		t.made.CompareAndSwap(nil, &fresh)
		all = t.made.Load()
	}
	return &(*all)[key&t.mask]
}

func (t *table) empty() bool { return t.made.Load() == nil }

// until tells until when a key is refused, 0 when it is not. It takes no lock.
func (t *table) until(key uint64) int64 {
	if key == 0 || t.empty() {
		return 0
	}
	b := t.bucket(key)
	for i := range b.keys {
		if b.keys[i].Load() == key {
			until := b.until[i].Load()
			if b.keys[i].Load() == key {
				return until
			}
		}
	}
	return 0
}

// has tells whether a key has a place. It takes no lock.
func (t *table) has(key uint64) bool { return key != 0 && !t.empty() && t.bucket(key).find(key) >= 0 }

func (b *bucket) find(key uint64) int {
	for i := range b.keys {
		if b.keys[i].Load() == key {
			return i
		}
	}
	return -1
}

// leak forgets what time has made good.
func (s *state) leak(now int64, rate float64) {
	if now <= s.at {
		return
	}
	gone := float64(now-s.at) * rate
	s.level, s.own, s.at = max(s.level-gone, 0), max(s.own-gone, 0), now
}

// less tells whether s matters less than o.
func (s *state) less(o *state) bool {
	return s.level < o.level || s.level == o.level && s.last < o.last
}

// place gives a new key its place, or -1. The caller holds mu.
func (t *table) place(b *bucket, key uint64, now int64, rate float64) int {
	best := -1
	for i := range b.keys {
		s := &b.state[i]
		if b.keys[i].Load() == 0 {
			*s = state{at: now, seenSince: now}
			return b.take(i, key)
		}
		if s.locked && b.until[i].Load() > now {
			continue
		}
		s.leak(now, rate)
		if best < 0 || s.less(&b.state[best]) {
			best = i
		}
	}
	if best < 0 {
		t.untracked.Add(1)
		return -1
	}
	t.evicted.Add(1)
	b.keys[best].Store(0)
	b.until[best].Store(0)
	b.state[best] = state{at: now, seenSince: now, level: b.state[best].level}
	return b.take(best, key)
}

func (b *bucket) take(i int, key uint64) int {
	b.keys[i].Store(key)
	return i
}

// failure is one failure as a table counts it.
type failure struct {
	now int64
	see uint64 // hash of what the sketch counts; 0: nothing
	tag uint64 // of the credential, for repeated; 0: not known
}

// charge counts a failure of key and tells whether this locked it.
func (t *table) charge(key uint64, f failure, th threshold, r *rules) (locked bool) {
	if key == 0 {
		return false
	}
	b := t.bucket(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(key)
	if i < 0 {
		if i = t.place(b, key, f.now, th.leak); i < 0 {
			return false
		}
	}
	s := &b.state[i]
	s.leak(f.now, th.leak)
	// Bounded, so that no burst of parallel attempts takes longer to forget
	// than two windows.
	s.level = min(s.level+1, 2*th.lockAfter)
	s.own = min(s.own+1, 2*th.lockAfter)
	s.last = f.now
	s.see(f, r.window)
	until := int64(0)
	if s.locks(&th) {
		locked = !s.locked || b.until[i].Load() <= f.now
		s.locked, until = true, f.now+r.lockFor
		if !locked {
			return false // it came in before the lock, which it does not prolong
		}
	} else if n := math.Round(s.level) - th.delayAfter; th.delayAfter > 0 && n >= 0 {
		until = f.now + r.delay(n)
	}
	if until > b.until[i].Load() {
		b.until[i].Store(until)
	}
	return locked
}

func (s *state) locks(th *threshold) bool {
	many := math.Round(s.own) >= th.lockAfter
	various := th.distinct > 0 && distinct[bits.OnesCount64(s.seen)] >= th.distinct
	if th.both {
		return many && various
	}
	return many || various
}

// see notes what was claimed, and with what.
func (s *state) see(f failure, window int64) {
	if f.now-s.seenSince > window {
		s.seen, s.seenSince = 0, f.now
	}
	if f.see != 0 {
		s.seen |= 1 << (f.see >> 58)
	}
	if f.tag != 0 {
		s.tags = s.tags<<16 | f.tag
	}
}

// delay is the delay after the nth failure that is delayed.
func (r *rules) delay(n float64) int64 {
	return int64(min(float64(r.delayBase)*math.Exp2(min(n, 40)), float64(r.delayMax)))
}

// repeated tells whether tag is among the last four of a key.
func (t *table) repeated(key, tag uint64) bool {
	b := t.bucket(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(key)
	if i < 0 {
		return false
	}
	for tags := b.state[i].tags; tags != 0; tags >>= 16 {
		if tags&0xffff == tag {
			return true
		}
	}
	return false
}

// admit lets one attempt of a key pass whose delay or lock is over, and makes
// the next one wait for the first delay, so that not all who waited come at
// once. It gives how long to wait when somebody else was first.
func (t *table) admit(key uint64, now int64, th threshold, r *rules) int64 {
	if key == 0 {
		return 0
	}
	b := t.bucket(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(key)
	if i < 0 {
		return 0
	}
	if wait := b.until[i].Load() - now; wait > 0 {
		return wait
	}
	s := &b.state[i]
	s.leak(now, th.leak)
	s.locked = false
	if th.delayAfter > 0 && math.Round(s.level) >= th.delayAfter {
		b.until[i].Store(now + r.delayBase)
	} else {
		b.until[i].Store(0)
	}
	return 0
}

// shorten lets a key wait no longer than until.
func (t *table) shorten(key uint64, until int64) {
	if key == 0 {
		return
	}
	b := t.bucket(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(key); i >= 0 && b.until[i].Load() > until {
		b.until[i].Store(until)
	}
}

// drop forgets a key.
func (t *table) drop(key uint64) {
	b := t.bucket(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(key); i >= 0 {
		b.keys[i].Store(0)
		b.until[i].Store(0)
		b.state[i] = state{}
	}
}

// distinct is how many different hashes set so many of 64 bits: linear
// counting (Whang et al., 1990).
var distinct = func() (n [65]int) {
	for set := range 64 {
		n[set] = int(-64 * math.Log(float64(64-set)/64))
	}
	n[64] = 2 * maxDistinct
	return n
}()
