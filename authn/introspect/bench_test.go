// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"testing"

	"durward/internal/allocs"
)

const opaque = "2YotnFZFEjr1zCsicMWpAA-mF_9.B5f-4.1JqM0123456789"

func BenchmarkARememberedToken(b *testing.B) {
	s := newServer(b)
	c, _ := newClient(b, s, nil)
	s.set(opaque, active)
	check(b, c, opaque, "accepted")
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Check(ctx, opaque); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadingAnAnswer(b *testing.B) {
	c := &Client{config: Config{Audiences: []string{"moot"}}.withDefaults()}
	var h digest
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.read([]byte(active), &h, start); err != nil {
			b.Fatal(err)
		}
	}
}

func TestARememberedTokenAllocatesNothing(t *testing.T) {
	s := newServer(t)
	c, _ := newClient(t, s, nil)
	s.set(opaque, active)
	check(t, c, opaque, "accepted")
	check(t, c, tok, "rejected")
	ctx := t.Context()
	for _, token := range []string{opaque, tok} {
		if n := allocs.PerRun(200, func() { _, _ = c.Check(ctx, token) }); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	}
}
