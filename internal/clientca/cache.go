// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"crypto/sha256"
	"sync"
)

const shards = 16

// cache holds a bounded number of verdicts. Which one goes when a shard is full
// is left to chance: a flood then costs those that it pushes out one check each.
type cache struct {
	shards [shards]shard
	limit  int // verdicts a shard
}

type shard struct {
	mu   sync.RWMutex
	byID map[[sha256.Size]byte]*Verdict
	_    [64]byte // a cache line of its own
}

func newCache(limit int) *cache {
	c := &cache{limit: limit / shards}
	for i := range c.shards {
		c.shards[i].byID = map[[sha256.Size]byte]*Verdict{}
	}
	return c
}

func (c *cache) get(key *[sha256.Size]byte) *Verdict {
	s := &c.shards[key[0]%shards]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[*key]
}

func (c *cache) put(key *[sha256.Size]byte, v *Verdict) {
	s := &c.shards[key[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.byID[*key]; !known && len(s.byID) >= c.limit {
		for other := range s.byID {
			delete(s.byID, other)
			break
		}
	}
	s.byID[*key] = v
}

func (c *cache) len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.byID)
		s.mu.RUnlock()
	}
	return n
}
