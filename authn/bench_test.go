// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"durward"
	"durward/durwardtest"
	"durward/internal/allocs"
)

// browserFields are what a browser sends along.
var browserFields = []string{
	"User-Agent", "Mozilla/5.0", "Accept", "application/json", "Accept-Language", "en", "Accept-Encoding", "gzip",
	"Referer", "https://app.example.com/", "Origin", "https://app.example.com", "Sec-Fetch-Mode", "cors",
	"Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "empty", "Cache-Control", "no-cache", "X-Request-Id", "1",
}

func withBrowser(name, value string) *durward.Exchange {
	return exchange(append(browserFields[:len(browserFields):len(browserFields)], name, value)...)
}

func TestHotPathAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it holds")
	}
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	s := newFakeKeys()
	st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}, {APIKey: &APIKey{}}}, Env{Issuers: f.issuers, Keys: s, Cache: f.cache, Now: f.clock.Now}, true)
	if err != nil {
		t.Fatal(err)
	}
	tok := f.fresh(ec) // by the clock of the key set, which would be old by the wall's
	for name, row := range map[string]struct {
		x    *durward.Exchange
		most float64
	}{
		"cached token":          {withBrowser("Authorization", "Bearer "+tok), 0},
		"key":                   {withBrowser("X-Api-Key", s.mint(t, "live", nil)), 0},
		"nobody":                {withBrowser("X-Other", "x"), 0},
		"malformed token":       {withBrowser("Authorization", "Bearer x.y"), 3},
		"key that cannot exist": {withBrowser("X-Api-Key", "x"), 2},
	} {
		want := st.Request(context.Background(), row.x).Verdict
		got := allocs.PerRun(200, func() {
			row.x.Extra, row.x.Principal = row.x.Extra[:0], durward.Principal{}
			if v := st.Request(context.Background(), row.x).Verdict; v != want {
				t.Errorf("%s: %v, then %v", name, want, v)
			}
		})
		if got > row.most {
			t.Errorf("%s: %v allocations, want at most %v", name, got, row.most)
		}
	}
}

func benchStage(b *testing.B, cache *Cache, keys ...signingKey) durward.Stage {
	jwks := ""
	for i, k := range keys {
		if i > 0 {
			jwks += ","
		}
		jwks += k.jwk()
	}
	f := newFixture(b, setOf(jwks), nil)
	st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}, {APIKey: &APIKey{}}}, Env{Issuers: f.issuers, Keys: newFakeKeys(), Cache: cache, Now: f.clock.Now}, false)
	if err != nil {
		b.Fatal(err)
	}
	return st
}

func runBench(b *testing.B, st durward.Stage, x *durward.Exchange) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		x.Extra, x.Principal = x.Extra[:0], durward.Principal{}
		if d := st.Request(ctx, x); d.Verdict != durward.Allow {
			b.Fatal(d.Err)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	for _, k := range []signingKey{rs("r"), {"p", "PS256", rsaKey()}, es("e"), {"d", "EdDSA", edKey()}} {
		tok := k.sign(k.header(), claims(durwardtest.NewClock().Now(), nil))
		for name, cache := range map[string]*Cache{"cached": NewCache(0), "uncached": nil} {
			b.Run(fmt.Sprintf("%s/%s", k.alg, name), func(b *testing.B) {
				runBench(b, benchStage(b, cache, k), withBrowser("Authorization", "Bearer "+tok))
			})
		}
	}
}

func BenchmarkKey(b *testing.B) {
	s := newFakeKeys()
	st := keyStage(b, APIKey{}, s, nil)
	runBench(b, st, withBrowser("X-Api-Key", s.mint(b, "live", nil)))
}

func BenchmarkRefusal(b *testing.B) {
	st := benchStage(b, nil, es("a"))
	x := withBrowser("Authorization", "Bearer x.y.z")
	b.ReportAllocs()
	for b.Loop() {
		x.Extra = x.Extra[:0]
		if d := st.Request(context.Background(), x); d.Verdict != durward.Deny {
			b.Fatal("accepted")
		}
	}
}

// FuzzToken: whatever is sent, nothing panics, and nothing but a token that the
// issuer signed is accepted.
func FuzzToken(f *testing.F) {
	ec := es("a")
	fix := newFixture(f, setOf(ec.jwk()), nil)
	good := fix.fresh(ec)
	for _, s := range []string{good, "", ".", "..", "a.b.c", good + ".", good[:40], b64(`{"alg":"none"}`) + "." + b64("{}") + "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		d := fix.ask(raw)
		switch {
		case d.Verdict == durward.Allow && strings.TrimLeft(raw, " ") != good:
			t.Errorf("accepted %q", raw)
		case d.Verdict == durward.Deny && d.Code != durward.CodeUnauthenticated:
			t.Errorf("refused with %s", d.Code)
		case d.Verdict != durward.Allow && d.Verdict != durward.Deny:
			t.Errorf("verdict %v", d.Verdict)
		}
		if tok, err := parseToken(raw); err == nil && tok.raw != raw {
			t.Error("the parsed token has another spelling")
		}
	})
}
