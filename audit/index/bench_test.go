// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"durward"
	"durward/audit"
	"durward/audit/line"
)

// million makes a log of a million records, compressed as those of a gateway
// are, of 20,000 people and 100,000 things, and its index.
func million(b *testing.B) (dir string, x *Index, people int) {
	b.Helper()
	if testing.Short() {
		b.Skip("it makes a log of a million records")
	}
	dir = b.TempDir()
	w := newWriter(b, audit.Config{Directory: dir, MaxQueue: 1 << 20})
	for range 500_000 {
		w.request(w.rng.IntN(20_000), w.rng.IntN(100_000))
	}
	files, err := audit.Files(dir)
	if err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if packed, _ := filepath.Glob(filepath.Join(dir, "*.zst")); len(packed) >= len(files)-1 {
			break
		}
	}
	if err := w.log.Close(); err != nil {
		b.Fatal(err)
	}
	x = openIndex(b, dir, Options{})
	began := time.Now()
	catchUp(b, x)
	took := time.Since(began)
	info, err := os.Stat(Default(dir))
	if err != nil {
		b.Fatal(err)
	}
	n := float64(x.Stats().Records)
	b.Logf("%.0f records indexed in %v, %.1f us each; %.1f bytes each", n, took.Round(time.Millisecond), float64(took.Microseconds())/n, float64(info.Size())/n)
	return dir, x, 20_000
}

// BenchmarkSearchAMillion asks each kind of question for a page of 100 records;
// worst-ms is the slowest of all runs.
func BenchmarkSearchAMillion(b *testing.B) {
	_, x, people := million(b)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	one, _ := ParseAddress("203.0.1.77")
	network, _ := ParseAddress("203.0.2.0/28")
	for name, q := range map[string]Query{
		"subject": {Subject: fmt.Sprintf("user-%d", people/2)}, "credential": {Credential: "key-77"}, "consumer": {Consumer: "team-3"},
		"address": {Address: one}, "network": {Address: network}, "operation": {Operation: "buy"}, "object": {Object: "s4711"},
		"outcome": {Outcome: "refused"}, "code": {Code: string(durward.CodeForbidden)}, "detection": {Detection: "aws_key"},
		"time": {Since: at(250_000), Until: at(250_600)}, "request": {RequestID: "R0000042"}, "nobody": {Subject: "nobody"},
		"subject and time": {Subject: "user-5", Since: at(1000), Until: at(400_000)}, "rare and common": {Consumer: "team-1", Outcome: "failed", Credential: "key-16"},
		"no such pair": {Consumer: "team-1", Credential: "key-2"},
		"context":      {Actor: &Actor{Subject: "user-9", Consumer: "team-4", Credential: "key-9", Address: one.Addr()}, Since: at(300_000), Until: at(301_800)},
	} {
		b.Run(name, func(b *testing.B) {
			worst, n := time.Duration(0), 0
			for b.Loop() {
				began := time.Now()
				n = 0
				if err := x.Search(context.Background(), &q, func([]byte, *line.Record) bool { n++; return n < 100 }); err != nil {
					b.Fatal(err)
				}
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
			b.ReportMetric(float64(n), "found")
		})
	}
}
