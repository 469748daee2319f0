// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"durward/audit"
)

// BenchmarkTakeIn takes in a log, in processor time for each record.
func BenchmarkTakeIn(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "audit")
	w := newWriter(b, audit.Config{Directory: dir, Compress: audit.CompressNone, Checkpoints: audit.Checkpoints{Off: true}})
	w.requests(50_000)
	b.ReportAllocs()
	records, began := uint64(0), processor()
	for b.Loop() {
		x := openIndex(b, dir, Options{Path: filepath.Join(b.TempDir(), "index.db")})
		catchUp(b, x)
		records += x.Stats().Records
		x.Close()
	}
	b.ReportMetric(float64((processor()-began).Nanoseconds())/float64(records), "cpu-ns/record")
}

func processor() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
