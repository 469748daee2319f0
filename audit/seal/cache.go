// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"hash/maphash"
	"sync"
)

const cacheShards = 16

// cache keeps the entries that were used last, up to a number. It is safe for
// concurrent use.
type cache[K comparable] struct {
	seed   maphash.Seed
	shards [cacheShards]shard[K]
}

// shard is a map with a ring from the entry that was used last to the one that
// was not for longest.
type shard[K comparable] struct {
	mu    sync.Mutex
	nodes map[K]*node[K]
	ring  node[K] // its next is the newest
	most  int
}

type node[K comparable] struct {
	key        K
	entry      *entry
	prev, next *node[K]
}

func newCache[K comparable](most int) *cache[K] {
	c := &cache[K]{seed: maphash.MakeSeed()}
	for i := range c.shards {
		s := &c.shards[i]
		s.nodes, s.most = map[K]*node[K]{}, max(most/cacheShards, 1)
		s.ring.prev, s.ring.next = &s.ring, &s.ring
	}
	return c
}

func (c *cache[K]) shard(key K) *shard[K] {
	return &c.shards[maphash.Comparable(c.seed, key)%cacheShards]
}

func (n *node[K]) unlink() { n.prev.next, n.next.prev = n.next, n.prev }

func (s *shard[K]) front(n *node[K]) {
	n.prev, n.next = &s.ring, s.ring.next
	n.prev.next, n.next.prev = n, n
}

// get gives the entry of a key; nil when it is not there.
func (c *cache[K]) get(key K) *entry {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[key]
	if n == nil {
		return nil
	}
	if s.ring.next != n {
		n.unlink()
		s.front(n)
	}
	return n.entry
}

// put adds an entry, and lets the one go that was not used for longest.
func (c *cache[K]) put(key K, e *entry) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.nodes[key]; n != nil {
		n.entry = e
		return
	}
	if len(s.nodes) >= s.most {
		oldest := s.ring.prev
		oldest.unlink()
		delete(s.nodes, oldest.key)
	}
	n := &node[K]{key: key, entry: e}
	s.nodes[key] = n
	s.front(n)
}

// drop removes the entries with a tag.
func (c *cache[K]) drop(tag string) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for key, n := range s.nodes {
			if n.entry.tag == tag {
				n.unlink()
				delete(s.nodes, key)
			}
		}
		s.mu.Unlock()
	}
}
