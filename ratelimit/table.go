// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"sync"
	"sync/atomic"
)

const (
	shardBits = 4
	shards    = 1 << shardBits
	ways      = 32 // counters of a bucket; a bucket overflows when the table is about half full
)

// bucket holds the counters of the keys that share it: a key's 64-bit hash, 0
// for none yet, and its time. The keys stand together, since most look-ups
// need no time but one.
type bucket struct {
	keys [ways]uint64
	tats [ways]int64
}

// table holds the counters of one limit by key. Its memory is bounded: it
// grows as buckets fill with live counters (those that are ahead of now), up
// to its bound, and keeps its size from then on.
//
// When a bucket is full of live counters and may not grow, a new key takes
// over the counter that is least ahead and goes on from its time, as in the
// Space-Saving sketch. Times in a bucket only go forward, so whoever was
// evicted finds at least its own time again: filling the table gives nobody a
// fresh burst, an attacker's own counter is the last to be evicted, and what
// is lost is that new clients share what the least active ones have left.
type table struct {
	shards  [shards]shard
	buckets int // most buckets of a shard
}

// shard is a part of the keys under one lock, on cache lines of its own.
type shard struct {
	mu      sync.Mutex
	buckets []bucket // a power of two of them
	floor   int64    // latest time of any evicted counter
	_       [128 - 8 - 24 - 8]byte
}

func newTable(maxKeys int) *table {
	t := &table{buckets: 1}
	for t.buckets*2*ways*shards <= maxKeys {
		t.buckets *= 2
	}
	for i := range t.shards {
		t.shards[i].buckets = make([]bucket, 1)
	}
	return t
}

// charge counts a request of key. Without ok nothing was counted. tat is the
// counter's time, for rate.state and rate.wait.
func (t *table) charge(r *rate, key uint64, now int64) (tat int64, ok bool) {
	s := &t.shards[key>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b := s.bucket(key)
		at, found := b.find(key)
		if !found && b.tats[at] > now && len(s.buckets) < t.buckets {
			s.grow()
			continue
		}
		before := r.bound(b.tats[at], now)
		if tat, ok = r.charge(before, now); ok {
			if !found && before > now {
				s.floor = max(s.floor, before)
			}
			b.keys[at] = key
		}
		b.tats[at] = tat
		return tat, ok
	}
}

// refund takes back a charge that brought the counter to tat, because another
// limit refused the request. It does nothing when the counter has moved since:
// how much of the charge still stands in it cannot be told then, and a request
// too many must not pass. It never takes a time behind one that was evicted.
func (t *table) refund(r *rate, key uint64, tat int64) {
	s := &t.shards[key>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bucket(key)
	if at, found := b.find(key); found && b.tats[at] == tat {
		b.tats[at] = min(tat, max(tat-r.interval, s.floor))
	}
}

func (s *shard) bucket(key uint64) *bucket {
	return &s.buckets[int(key)&(len(s.buckets)-1)]
}

// find gives the place of key, or else the one that is least ahead.
func (b *bucket) find(key uint64) (at int, found bool) {
	for i := range b.keys {
		if b.keys[i] == key {
			return i, true
		}
	}
	for i := range b.tats {
		if b.tats[i] < b.tats[at] {
			at = i
		}
	}
	return at, false
}

// grow doubles the buckets. It leaves free places, and so would give evicted
// keys a fresh burst: but a shard evicts only once it may grow no further.
func (s *shard) grow() {
	old := s.buckets
	s.buckets = make([]bucket, 2*len(old))
	for i := range old {
		low, high := &s.buckets[i], &s.buckets[i+len(old)]
		lows, highs := 0, 0
		for j, key := range old[i].keys {
			switch {
			case key == 0:
			case key&uint64(len(old)) == 0:
				low.keys[lows], low.tats[lows] = key, old[i].tats[j]
				lows++
			default:
				high.keys[highs], high.tats[highs] = key, old[i].tats[j]
				highs++
			}
		}
	}
}

// single is the counter of a limit with one key.
type single struct{ tat atomic.Int64 }

func (s *single) charge(r *rate, now int64) (tat int64, ok bool) {
	for {
		old := s.tat.Load()
		tat, ok = r.charge(r.bound(old, now), now)
		if s.tat.CompareAndSwap(old, tat) {
			return tat, ok
		}
	}
}

func (s *single) refund(r *rate, tat int64) { s.tat.CompareAndSwap(tat, tat-r.interval) }
