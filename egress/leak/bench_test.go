// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"durward/internal/allocs"
)

// everything has all detectors.
func everything() *Set { return NewSet(func(Detector) bool { return true }, nil) }

// standard has those that are on without a word of the configuration.
func standard() *Set { return NewSet(func(d Detector) bool { return !d.Optional }, nil) }

// cleanJSON is an answer such as a list of orders.
func cleanJSON(size int) []byte {
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `{"id":"ord_%06d","customer":{"name":"Grete Hansen","email":"grete.hansen%d@example.com","city":"Trondheim"},"total":%d.%02d,"currency":"NOK",`+
			`"created_at":"2026-03-%02dT08:%02d:11Z","status":"shipped","description":"Two pairs of woollen socks, and a hat for the winter","tags":["gift","express"],"paid":true},`,
			i, i, i%900, i%100, i%28+1, i%60)
	}
	b.WriteString(`{}]}`)
	return []byte(b.String())
}

func BenchmarkScan(b *testing.B) {
	content := cleanJSON(64 << 10)
	for name, s := range map[string]*Set{"standard": standard(), "everything": everything()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			var found []Finding
			for b.Loop() {
				found = s.Scan(found[:0], content)
			}
			if len(found) > 0 {
				b.Fatal(found)
			}
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	content := cleanJSON(1 << 20)
	s := standard()
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		f := s.Filter(io.NopCloser(strings.NewReader(string(content))), false, func(Finding) Action { return Mask })
		if _, err := io.Copy(io.Discard, f); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAScanOfCleanContentAllocatesNothing(t *testing.T) {
	s, content := standard(), cleanJSON(4<<10)
	if n := allocs.PerRun(50, func() { s.Scan(nil, content) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
