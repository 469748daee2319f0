// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"testing"
	"time"

	"durward"
	"durward/internal/allocs"
)

// five is a token with five caveats that newExchange passes.
func five(t testing.TB) Token {
	return minted(t, after(time.Hour), Operations("getSpace", "listMessages"), Paths("/spaces/42"), Methods("GET"), nets("192.0.2.0/24"))
}

func TestHotPathAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it holds")
	}
	counted := minted(t, after(time.Hour), UseCount(1<<30), Paths("/spaces"), Methods("GET"), Query("space", "42"))
	for name, row := range map[string]struct {
		token string
		most  float64
	}{
		"five caveats":                {five(t).Text(), 2}, // the names of consumer and credential
		"five caveats and use counts": {counted.Text(), 5}, // and what is judged late, with the name of its space
		"refused":                     {minted(t, Methods("PUT")).Text(), 0},
		"no token":                    {"dwc_" + zeros, 0},
		"signed by nobody":            {five(t).Text()[:len(prefix)+120] + zeros[:40], 0},
	} {
		m, x := newMethod(t), newExchange(row.token)
		m.env.Revocations = nil // the one of the tests allocates
		if n := allocs.PerRun(200, func() {
			p, err := m.Authenticate(t.Context(), x)
			if err == nil && p.Restrictions != nil {
				err = p.Restrictions.Check(t.Context(), x)
			}
			if err != nil && row.most > 0 {
				t.Fatal(err)
			}
		}); n > row.most {
			t.Errorf("%s: %v allocations, at most %v were expected", name, n, row.most)
		}
	}
	m, x := newMethod(t), newExchange("")
	if n := allocs.PerRun(200, func() { m.Present(x) }); n > 0 {
		t.Errorf("Present allocates %v times", n)
	}
}

func benchmark(b *testing.B, x *durward.Exchange) {
	m := newMethod(b)
	m.env.Revocations = nil // the one of the tests allocates
	b.ReportAllocs()
	for b.Loop() {
		p, err := m.Authenticate(b.Context(), x)
		if err == nil && p.Restrictions != nil {
			err = p.Restrictions.Check(b.Context(), x)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFiveCaveats(b *testing.B) {
	tok := five(b)
	benchmark(b, newExchange(tok.Text()))
}

func BenchmarkUseCountAndBodyField(b *testing.B) {
	tok := minted(b, after(time.Hour), UseCount(1<<30), BodyString("/space/id", "42"))
	benchmark(b, withContent(newExchange(tok.Text()), `{"text":"hello","space":{"id":"42"}}`))
}

func Benchmark32Caveats(b *testing.B) {
	many := make([]Caveat, MaxCaveats)
	for i := range many {
		many[i] = Methods("GET")
	}
	tok := minted(b, many...)
	benchmark(b, newExchange(tok.Text()))
}

func BenchmarkAttenuate(b *testing.B) {
	tok := five(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tok.Attenuate(Methods("GET")); err != nil {
			b.Fatal(err)
		}
	}
}
