// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"testing"

	"durward/internal/allocs"
)

func benchmark(b *testing.B, cfg IdentityConfig) {
	s, _ := newStage(b, cfg, newClock())
	x := newExchange()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		x.Out.Header = x.Out.Header[:0]
		s.Request(ctx, x)
	}
}

func BenchmarkATokenForEachRequest(b *testing.B) { benchmark(b, IdentityConfig{}) }

func BenchmarkATokenUsedAgain(b *testing.B) {
	benchmark(b, IdentityConfig{Claims: []string{"scopes", "roles"}})
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range []string{"EdDSA", "ES256"} {
		b.Run(alg, func(b *testing.B) {
			k, err := newKey(alg, start)
			if err != nil {
				b.Fatal(err)
			}
			payload := make([]byte, 400)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = k.token(buf[:0], "JWT", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestATokenCostsFewAllocations(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config IdentityConfig
		most   float64
	}{
		{"made for each request", IdentityConfig{}, 4},
		{"used again", IdentityConfig{Claims: []string{"scopes", "roles"}}, 0},
	} {
		s, _ := newStage(t, tc.config, newClock())
		x := newExchange()
		ctx := t.Context()
		s.Request(ctx, x)
		if n := allocs.PerRun(200, func() {
			x.Out.Header = x.Out.Header[:0]
			s.Request(ctx, x)
		}); n > tc.most {
			t.Errorf("a token %s costs %v allocations, want at most %v", tc.name, n, tc.most)
		}
	}
}
