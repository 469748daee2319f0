// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"context"
	"testing"
	"time"

	"durward"
	"durward/internal/allocs"
)

// anyUses takes every use, so that one signature can be checked again.
type anyUses struct{}

func (anyUses) Use(context.Context, string, [32]byte, int, time.Time) (bool, error) { return true, nil }

func TestAnHMACSignatureIsCheckedWithFewAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold")
	}
	m := newMethod(t, Config{}, Deps{Uses: anyUses{}})
	x := signedBy(t, signingKeys(t)[hmacID], SignOptions{})
	check := func() {
		if _, err := m.Authenticate(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	check() // reads the content, and fills the pools
	if n := allocs.PerRun(200, check); n > 4 {
		t.Errorf("%.0f allocations", n)
	}
	if n := allocs.PerRun(200, func() { m.Present(x) }); n > 0 {
		t.Errorf("Present: %.0f allocations", n)
	}
}

func TestARefusalCostsFewAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold")
	}
	m := newMethod(t, Config{}, Deps{Uses: anyUses{}})
	x := signedBy(t, signingKeys(t)[hmacID], SignOptions{})
	x.In.Method = "PUT"
	if n := allocs.PerRun(200, func() { _, _ = m.Authenticate(t.Context(), x) }); n > 4 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	keys := signingKeys(b)
	for _, id := range []string{hmacID, edID, eccID, pssID} {
		b.Run(keys[id].Algorithm(), func(b *testing.B) {
			m := newMethod(b, Config{}, Deps{Uses: anyUses{}})
			x := signedBy(b, keys[id], SignOptions{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Authenticate(b.Context(), x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("unknown key", func(b *testing.B) {
		m := newMethod(b, Config{Keys: map[string]Key{hmacID: rfcKeys(b)[hmacID]}}, Deps{Uses: anyUses{}})
		x := signedBy(b, keys[edID], SignOptions{})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Authenticate(b.Context(), x); err != errUnknown {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	for id, k := range signingKeys(b) {
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Sign("GET", "https://example.com/foo", durward.Header{}, nil, k, SignOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
