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
	ways      = 8 // slots of a bucket: two cache lines
)

// slot is the counter of one key, told by its 64-bit hash.
type slot struct {
	key uint64
	tat int64
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
	mu    sync.Mutex
	slots []slot // buckets of ways, a power of two of them
	floor int64  // latest time of any evicted counter
	_     [128 - 8 - 24 - 8]byte
}

func newTable(maxKeys int) *table {
	t := &table{buckets: 1}
	for t.buckets*2*ways*shards <= maxKeys {
		t.buckets *= 2
	}
	for i := range t.shards {
		t.shards[i].slots = make([]slot, ways)
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
		bucket := s.bucket(key)
		at, found := find(bucket, key)
		one := &bucket[at]
		if !found && one.tat > now && len(s.slots) < t.buckets*ways {
			s.grow()
			continue
		}
		one.tat = r.bound(one.tat, now)
		if tat, ok = r.charge(one.tat, now); ok {
			if !found && one.tat > now {
				s.floor = max(s.floor, one.tat)
			}
			one.key, one.tat = key, tat
		}
		return tat, ok
	}
}

// refund takes back a charge, because another limit refused the request. It
// does nothing when the counter was taken over, and never takes a time behind
// one that was evicted.
func (t *table) refund(r *rate, key uint64) {
	s := &t.shards[key>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket := s.bucket(key)
	if at, found := find(bucket, key); found {
		one := &bucket[at]
		one.tat = min(one.tat, max(one.tat-r.interval, s.floor))
	}
}

func (s *shard) bucket(key uint64) []slot {
	i := int(key) & (len(s.slots)/ways - 1) * ways
	return s.slots[i : i+ways : i+ways]
}

// find gives the slot of key, or else the one that is least ahead.
func find(bucket []slot, key uint64) (at int, found bool) {
	for i := range bucket {
		if bucket[i].key == key {
			return i, true
		}
		if bucket[i].tat < bucket[at].tat {
			at = i
		}
	}
	return at, false
}

// grow doubles the slots. New slots begin at floor, so that an evicted key
// does not find a fresh one.
func (s *shard) grow() {
	old := s.slots
	s.slots = make([]slot, 2*len(old))
	for i := range s.slots {
		s.slots[i].tat = s.floor
	}
	var filled [2]int
	for i := range old {
		if i%ways == 0 {
			filled = [2]int{}
		}
		one := old[i]
		if one.key == 0 {
			continue
		}
		bucket := s.bucket(one.key)
		half := int(one.key) & (len(old) / ways) / (len(old) / ways)
		bucket[filled[half]] = one
		filled[half]++
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

func (s *single) refund(r *rate) { s.tat.Add(-r.interval) }
