// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	reuseShards = 16
	reuseLimit  = 1024 // tokens a shard; a token is at most 16 KiB, usually 1 KiB
)

// reuse remembers tokens that say nothing of one request, so that a caller's
// next request costs one hash instead of a signature. It is bounded: a full
// shard forgets whatever it comes upon first.
type reuse struct{ shards [reuseShards]reuseShard }

type reuseShard struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]signed
	_      [64]byte // a cache line of its own
}

// signed is a token that may be used again.
type signed struct {
	value string // of the field
	key   *key
	until int64 // Unix seconds; from then on a new one is made
	exp   int64
}

func newReuse() *reuse {
	r := new(reuse)
	for i := range r.shards {
		r.shards[i].tokens = make(map[[sha256.Size]byte]signed)
	}
	return r
}

// get gives the token of a content, if it may be used now: made by the key
// that signs now, and of no longer life than last (Unix seconds, 0 for any).
func (r *reuse) get(content *[sha256.Size]byte, k *key, now time.Time, last int64) (string, bool) {
	s := &r.shards[content[0]%reuseShards]
	s.mu.Lock()
	t, ok := s.tokens[*content]
	s.mu.Unlock()
	if !ok || t.key != k || now.Unix() >= t.until || last != 0 && t.exp > last {
		return "", false
	}
	return t.value, true
}

func (r *reuse) put(content *[sha256.Size]byte, t signed) {
	s := &r.shards[content[0]%reuseShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) >= reuseLimit {
		for old := range s.tokens {
			delete(s.tokens, old)
			break
		}
	}
	s.tokens[*content] = t
}
