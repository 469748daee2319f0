// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/durwardtest"

	"durward"
)

// entry makes a cached token of an issuer whose keys are fresh.
func cachedToken(i *issuer, key *verifyKey, until time.Time, claimBytes int) *verified {
	return &verified{
		principal: durward.Principal{Subject: "s", Claims: make([]byte, claimBytes)},
		until:     until.UnixNano(), issuer: i, key: key,
	}
}

func freshIssuer(now time.Time) *issuer {
	s := &source{id: sourceID{stale: time.Hour}}
	s.checked.Store(now.UnixNano())
	return &issuer{source: s}
}

func hashNo(n int) digest { return digestOf(fmt.Sprint("token ", n)) }

func TestCacheStaysWithinItsBytes(t *testing.T) {
	now := durwardtest.NewClock().Now()
	i, key := freshIssuer(now), &verifyKey{}
	c := NewCache(shards * 10_000)
	for n := range 5000 {
		c.put(ptr(hashNo(n)), cachedToken(i, key, now.Add(time.Hour), 360))
	}
	if n := c.Len(); n == 0 || n > shards*10 {
		t.Errorf("%d entries of 1000 bytes in %d bytes", n, shards*10_000)
	}
	for n := range c.shards {
		s := &c.shards[n]
		ring := 0
		for e := s.list.next; e != &s.list; e = e.next {
			ring += e.bytes
		}
		if s.bytes > c.limit || ring != s.bytes {
			t.Errorf("shard %d: %d bytes, ring of %d, limit %d", n, s.bytes, ring, c.limit)
		}
	}
	before := c.Len()
	c.put(ptr(hashNo(-1)), cachedToken(i, key, now.Add(time.Hour), 20_000))
	if c.Len() != before {
		t.Error("an entry larger than a shard was taken, or drove others out")
	}
}

func TestCacheForgetsWhatWasUsedLeastRecently(t *testing.T) {
	now := durwardtest.NewClock().Now()
	i, key := freshIssuer(now), &verifyKey{}
	c := NewCache(shards * 3000) // three entries a shard
	var same []digest            // of one shard
	for n := 0; len(same) < 4; n++ {
		if h := hashNo(n); h[0]%shards == 5 {
			same = append(same, h)
		}
	}
	for n := range 3 {
		c.put(&same[n], cachedToken(i, key, now.Add(time.Hour), 300))
	}
	if c.get(&same[0], []*issuer{i}, now) == nil {
		t.Fatal("lost at once")
	}
	c.put(&same[3], cachedToken(i, key, now.Add(time.Hour), 300))
	for n, want := range []bool{true, false, true, true} {
		if got := c.get(&same[n], []*issuer{i}, now) != nil; got != want {
			t.Errorf("entry %d there: %v, want %v", n, got, want)
		}
	}
}

func TestCacheHonoursWhatEndsAToken(t *testing.T) {
	now := durwardtest.NewClock().Now()
	h := hashNo(1)
	for name, row := range map[string]struct {
		change func(i *issuer, k *verifyKey)
		after  time.Duration
		ask    func(i *issuer) []*issuer
		hit    bool
	}{
		"nothing":             {hit: true},
		"just before its end": {after: time.Minute - 1, hit: true},
		"its end":             {after: time.Minute},
		"its key's removal":   {change: func(_ *issuer, k *verifyKey) { k.removed.Store(true) }},
		"keys too old":        {change: func(i *issuer, _ *verifyKey) { i.source.checked.Store(now.Add(-2 * time.Hour).UnixNano()) }},
		"another API":         {ask: func(*issuer) []*issuer { return []*issuer{freshIssuer(now)} }},
	} {
		t.Run(name, func(t *testing.T) {
			i, k, c := freshIssuer(now), &verifyKey{}, NewCache(0)
			c.put(&h, cachedToken(i, k, now.Add(time.Minute), 10))
			if row.change != nil {
				row.change(i, k)
			}
			ask := []*issuer{i}
			if row.ask != nil {
				ask = row.ask(i)
			}
			if got := c.get(&h, ask, now.Add(row.after)) != nil; got != row.hit {
				t.Errorf("hit %v, want %v", got, row.hit)
			}
		})
	}
}

func TestNoCacheIsACacheThatKnowsNothing(t *testing.T) {
	var c *Cache
	h := hashNo(1)
	c.put(&h, &verified{})
	if c.get(&h, nil, time.Time{}) != nil || c.Len() != 0 {
		t.Error("a nil cache remembers")
	}
}

func TestCacheUnderManyHands(t *testing.T) {
	now := durwardtest.NewClock().Now()
	i, key := freshIssuer(now), &verifyKey{}
	c := NewCache(shards * 4000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 2000 {
				h := hashNo((n*7 + g) % 500)
				if v := c.get(&h, []*issuer{i}, now); v == nil {
					c.put(&h, cachedToken(i, key, now.Add(time.Duration(n%3)*time.Second), 100))
				} else if v.issuer != i {
					t.Error("another issuer's token")
				}
			}
		})
	}
	wg.Wait()
	if c.Len() > shards*5 {
		t.Errorf("%d entries", c.Len())
	}
}

func TestCachedTokenEndsWithItsExp(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	tok := ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"exp": f.clock.Now().Add(time.Minute).Unix()}))
	allowed(t, f.ask(tok))
	f.clock.Move(time.Minute + 29*time.Second)
	allowed(t, f.ask(tok))
	f.clock.Move(time.Second)
	refused(t, f.ask(tok), errExpired)
	if f.cache.Len() != 0 {
		t.Error("an expired token is still in the cache")
	}
}

type revoked map[string]bool

func (r revoked) Revoked(issuer, credential, subject string, issued time.Time) bool {
	return r[issuer+" "+credential] || r[issuer+" of "+subject+" "+issued.UTC().Format(time.RFC3339)]
}

func TestRevokedTokenIsRefusedThoughCached(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	list := revoked{}
	s, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: f.issuers, Cache: f.cache, Now: f.clock.Now, Revocations: list}, false)
	if err != nil {
		t.Fatal(err)
	}
	one := f.fresh(ec)
	allowed(t, s.Request(context.Background(), bearer(one)))
	list["corp t-1"] = true
	refused(t, s.Request(context.Background(), bearer(one)), errRevoked)
	// Another spelling of the same token is revoked as well.
	refused(t, s.Request(context.Background(), bearer(f.fresh(ec))), errRevoked)
	delete(list, "corp t-1")
	list["other t-1"] = true
	allowed(t, s.Request(context.Background(), bearer(one)))
}

func TestBadTokensAreNotCached(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	tok := f.fresh(ec)
	refused(t, f.ask(tok[:strings.LastIndexByte(tok, '.')+1]+b64(strings.Repeat("x", 64))), errSignature)
	if f.cache.Len() != 0 {
		t.Error("a bad token is in the cache")
	}
}
