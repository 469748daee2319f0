// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// DefaultCacheBytes is room for about 20,000 tokens of usual size.
const DefaultCacheBytes = 32 << 20

const shards = 64

// Cache remembers tokens that were verified, by the SHA-256 of their text, so
// that a token costs one hash instead of one signature check. It forgets what
// was used least recently, holds at most the bytes that it was made for, and
// never answers with a token that has expired, whose key was removed, or whose
// issuer's configuration has changed. Safe for concurrent use; it outlives
// reloads. A nil Cache remembers nothing.
type Cache struct {
	shards [shards]shard
	limit  int // bytes a shard
}

type digest [sha256.Size]byte

type shard struct {
	mu     sync.Mutex
	byHash map[digest]*cached
	list   cached // ring; list.next is the one used last
	bytes  int
	_      [64]byte // a cache line of its own
}

type cached struct {
	prev, next *cached
	hash       digest
	token      *verified
	bytes      int
}

// NewCache makes a cache of at most maxBytes; 0 is DefaultCacheBytes.
func NewCache(maxBytes int64) *Cache {
	if maxBytes <= 0 {
		maxBytes = DefaultCacheBytes
	}
	c := &Cache{limit: int(maxBytes / shards)}
	for i := range c.shards {
		s := &c.shards[i]
		s.byHash = map[digest]*cached{}
		s.list.prev, s.list.next = &s.list, &s.list
	}
	return c
}

// digestOf hashes a token without copying it.
func digestOf(raw string) digest { return sha256.Sum256(view(raw)) }

// view is the bytes of s, not to be written to or kept. A conversion would copy
// every token to the heap, because hashes are reached through assembly.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// get gives the verified token, if it may still be used by one of issuers. One
// that may never be used again is forgotten.
func (c *Cache) get(hash *digest, issuers []*issuer, now time.Time) *verified {
	if c == nil {
		return nil
	}
	s := &c.shards[hash[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byHash[*hash]
	if e == nil {
		return nil
	}
	v := e.token
	if now.UnixNano() >= v.until || v.key.removed.Load() {
		s.drop(e)
		return nil
	}
	if !slices.Contains(issuers, v.issuer) || !v.issuer.source.fresh(now) {
		return nil
	}
	s.toFront(e)
	return v
}

func (c *Cache) put(hash *digest, v *verified) {
	if c == nil {
		return
	}
	size := v.size()
	if size > c.limit {
		return
	}
	s := &c.shards[hash[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byHash[*hash]; old != nil {
		s.drop(old)
	}
	e := &cached{hash: *hash, token: v, bytes: size}
	s.byHash[*hash] = e
	s.bytes += size
	s.link(e)
	for s.bytes > c.limit {
		s.drop(s.list.prev)
	}
}

// Len is the number of tokens remembered, for a metric.
func (c *Cache) Len() int {
	if c == nil {
		return 0
	}
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += len(s.byHash)
		s.mu.Unlock()
	}
	return n
}

func (s *shard) link(e *cached) {
	e.prev, e.next = &s.list, s.list.next
	e.prev.next, e.next.prev = e, e
}

func (s *shard) unlink(e *cached) { e.prev.next, e.next.prev = e.next, e.prev }

func (s *shard) toFront(e *cached) {
	if s.list.next != e {
		s.unlink(e)
		s.link(e)
	}
}

func (s *shard) drop(e *cached) {
	s.unlink(e)
	delete(s.byHash, e.hash)
	s.bytes -= e.bytes
}

// size is about what v costs: the claims, the strings cut out of them, and the
// structs and map slots around them.
func (v *verified) size() int {
	p := &v.principal
	n := 640 + len(p.Claims) + len(p.Subject) + len(p.Consumer) + len(p.Credential)
	for _, list := range [][]string{p.Roles, p.Scopes} {
		for _, s := range list {
			n += 16 + len(s)
		}
	}
	return n
}
