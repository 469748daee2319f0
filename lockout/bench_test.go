// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"durward/internal/allocs"
)

// clean is an attempt with an API key of somebody who behaves.
var clean = Attempt{Source: netip.MustParseAddr("192.0.2.1"), Credential: "k7m2p9q4", Presented: "dw_live_k7m2p9q4_0123456789abcdefghijklmnopqrstuvwxyz"}

func TestNothingOnTheWayOfARequestAllocates(t *testing.T) {
	s := newScene(t, Config{})
	v := s.view
	both := Attempt{Source: netip.MustParseAddr("2001:db8::1"), Credential: "c", Account: "a", Presented: "p"}
	for _, a := range []Attempt{clean, both} {
		for name, f := range map[string]func(){
			"Begin":     func() { v.Begin(a) },
			"Succeeded": func() { v.Succeeded(a) },
			"Failed":    func() { v.Failed(a) },
		} {
			if n := allocs.PerRun(100, f); n != 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
	}
}

// crowded fills the tables of a guard.
func crowded(b *testing.B) *View {
	g := NewGuard(Options{})
	v, err := g.With(Config{})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 2 * DefaultEntries {
		v.Failed(Attempt{Source: randomSource(r), Credential: strconv.Itoa(i)})
	}
	return v
}

func BenchmarkBeginOfACleanRequest(b *testing.B) {
	v := crowded(b)
	b.ReportAllocs()
	for b.Loop() {
		v.Begin(clean)
	}
}

func BenchmarkBeginOfCleanRequestsFromManySources(b *testing.B) {
	v := crowded(b)
	r := rand.New(rand.NewPCG(2, 2))
	attempts := make([]Attempt, 4096)
	for i := range attempts {
		attempts[i] = Attempt{Source: randomSource(r), Credential: "key-" + strconv.Itoa(i)}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		v.Begin(attempts[i%len(attempts)])
	}
}

func BenchmarkBeginOfARefusedRequest(b *testing.B) {
	v := crowded(b)
	for range 100 {
		v.Failed(Attempt{Source: clean.Source, Credential: clean.Credential})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, blocked := v.Begin(clean); !blocked {
			b.Fatal("not refused")
		}
	}
}

func BenchmarkSucceededOfAKnownPair(b *testing.B) {
	v := crowded(b)
	b.ReportAllocs()
	for b.Loop() {
		v.Succeeded(clean)
	}
}

func BenchmarkSucceededInParallel(b *testing.B) {
	v := crowded(b)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v.Begin(clean)
			v.Succeeded(clean)
		}
	})
}

func BenchmarkFailed(b *testing.B) {
	v := crowded(b)
	r := rand.New(rand.NewPCG(3, 3))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		v.Failed(Attempt{Source: randomSource(r), Credential: clean.Credential})
	}
}
