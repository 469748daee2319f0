// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package uses

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkUse counts fresh ids that each live for a moment, from all
// processors, so that each call also clears one away.
func BenchmarkUse(b *testing.B) {
	m := New(0, time.Now)
	var worker atomic.Uint32
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var id [32]byte
		binary.BigEndian.PutUint32(id[:], worker.Add(1))
		for n := uint64(0); pb.Next(); n++ {
			binary.BigEndian.PutUint64(id[8:], n)
			if ok, err := m.Use(context.Background(), "dpop", id, 1, time.Now().Add(100*time.Millisecond)); !ok && err == nil {
				b.Error("a fresh id was refused")
			}
		}
	})
}

// BenchmarkReplay refuses one id again and again, beside 100,000 others.
func BenchmarkReplay(b *testing.B) {
	m := New(0, time.Now)
	var id [32]byte
	until := time.Now().Add(time.Hour)
	for n := range uint64(100_000) {
		binary.BigEndian.PutUint64(id[:], n)
		_, _ = m.Use(context.Background(), "dpop", id, 1, until)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := m.Use(context.Background(), "dpop", id, 1, until); ok {
			b.Fatal("granted again")
		}
	}
}

// BenchmarkFull says how many bytes an entry takes when the Memory is full.
func BenchmarkFull(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := New(0, time.Now)
		var id [32]byte
		until := time.Now().Add(time.Hour)
		for n := range uint64(DefaultMax) {
			binary.BigEndian.PutUint64(id[:], n)
			_, _ = m.Use(context.Background(), "dpop", id, 1, until)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(m.Len()), "B/entry")
		b.ReportMetric(float64(m.Len()), "entries")
	}
}
