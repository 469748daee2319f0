// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"crypto/sha256"
	"sync"
	"time"
	"unsafe"
)

const (
	shards  = 16
	maxBad  = 8192 // remembered bad tokens
	perItem = 640  // bytes of the structs and map slots around an answer
)

// span is the time for which an answer holds. A clock that is set back does not
// make it longer: where the times have a monotonic reading that is what counts,
// and an answer from the future holds no more.
type span struct{ since, until time.Time }

func spanOf(now time.Time, d time.Duration) span { return span{now, now.Add(d)} }

// has tells whether now is within s. The second is for requests that read the
// clock before the one that brought the answer.
func (s *span) has(now time.Time) bool {
	return now.Before(s.until) && now.UnixNano() < s.until.UnixNano() && s.since.Sub(now) <= time.Second
}

type digest [sha256.Size]byte

// digestOf hashes a token without copying it.
func digestOf(token string) digest {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
}

// goodTokens remembers active tokens within a number of bytes. One that must
// be asked about again stays, so that its holder is known from others.
type goodTokens struct {
	shards [shards]goodShard
	limit  int // bytes a shard
}

type goodShard struct {
	mu     sync.Mutex
	byHash map[digest]*goodToken
	ring   goodToken // ring.next is the one used last
	bytes  int
	_      [64]byte // a cache line of its own
}

type goodToken struct {
	prev, next *goodToken
	hash       digest
	result     *Result
	span       span // after it the server is asked again
	bytes      int
}

func newGoodTokens(limit int) *goodTokens {
	g := &goodTokens{limit: limit / shards}
	for i := range g.shards {
		s := &g.shards[i]
		s.byHash = make(map[digest]*goodToken)
		s.ring.prev, s.ring.next = &s.ring, &s.ring
	}
	return g
}

func (g *goodTokens) shard(h *digest) *goodShard { return &g.shards[h[0]%shards] }

// get gives what is known of a token: a result that may be used now, or only
// that the token was good before.
func (g *goodTokens) get(h *digest, now time.Time) (r *Result, known bool) {
	s := g.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byHash[*h]
	if e == nil {
		return nil, false
	}
	s.unlink(e)
	s.link(e)
	if !e.span.has(now) {
		return nil, true
	}
	return e.result, true
}

// put remembers a token for a time.
func (g *goodTokens) put(h *digest, r *Result, life span) {
	s := g.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(h)
	e := &goodToken{hash: *h, result: r, span: life, bytes: perItem + 3*len(r.Principal.Claims)}
	if e.bytes > g.limit {
		return
	}
	s.byHash[*h] = e
	s.bytes += e.bytes
	s.link(e)
	for s.bytes > g.limit {
		s.drop(&s.ring.prev.hash)
	}
}

func (g *goodTokens) forget(h *digest) {
	s := g.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(h)
}

func (g *goodTokens) len() (n int) {
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		n += len(s.byHash)
		s.mu.Unlock()
	}
	return n
}

func (s *goodShard) link(e *goodToken) {
	e.prev, e.next = &s.ring, s.ring.next
	e.prev.next, e.next.prev = e, e
}

func (s *goodShard) unlink(e *goodToken) { e.prev.next, e.next.prev = e.next, e.prev }

func (s *goodShard) drop(h *digest) {
	if e := s.byHash[*h]; e != nil {
		s.unlink(e)
		delete(s.byHash, *h)
		s.bytes -= e.bytes
	}
}

// badTokens remembers why tokens were refused, the last maxBad of them. It has
// nothing that a good token could lose.
type badTokens struct {
	mu     sync.Mutex
	byHash map[digest]badToken
	order  []digest // a ring
	next   int
}

type badToken struct {
	span span
	why  error
}

func newBadTokens() *badTokens {
	return &badTokens{byHash: make(map[digest]badToken)}
}

// get gives why a token is refused, nil when nothing is known of it.
func (b *badTokens) get(h *digest, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.byHash[*h]; ok && t.span.has(now) {
		return t.why
	}
	return nil
}

// ended tells whether the token was good before it was bad, as long as it is
// remembered.
func (b *badTokens) ended(h *digest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byHash[*h].why == errEnded
}

func (b *badTokens) put(h *digest, why error, s span) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, has := b.byHash[*h]
	b.byHash[*h] = badToken{s, why}
	switch {
	case has:
	case len(b.order) < maxBad:
		b.order = append(b.order, *h)
	default:
		delete(b.byHash, b.order[b.next])
		b.order[b.next] = *h
		b.next = (b.next + 1) % maxBad
	}
}

func (b *badTokens) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.byHash)
}
