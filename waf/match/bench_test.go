// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// english is ordinary text, not that of which the rarity of windows is told.
const english = `Last autumn my sister and I drove along the coast for nine days. We had planned to sleep in the car, but it rained so hard that
we took rooms in small hotels instead; the cheapest cost 45 euros, breakfast included. On the third day the engine began to make a noise like
a sewing machine. A mechanic in the next village (he must have been over 70) looked at it for an hour, changed a belt, and asked for nothing more
than a bottle of wine. "You'll get home with that," he told us, "if you don't drive too fast." We sent him a postcard from every town after that.
What I remember best is the light in the evenings: everything turned orange, then pink, and the sea was flat as a table. Would we do it again?
Of course - but with a better map and fewer books. Please find the pictures attached; the ones from the lighthouse are the best of the set.
`

var jsonValues = []string{
	"Blue cotton shirt", "4711", "2026-03-14T09:26:53Z", "maria.schmidt@example.org", "EUR", "in_stock", "7c9e6679-7425-40de-944b-e07fc1f90ae7",
	"14 Station Road, Flat 3b", "https://www.example.com/products/4711?ref=mail", "+44 1223 496000", "true", "A light shirt for warm days, made from organic cotton.",
	"sv-SE", "Kungsgatan 12", "Göteborg", "Please ring twice", "M", "19.95", "summer;men;sale", "a81bc81b",
}

const hostile = `1' UNION/**/SELECT username,password FROM users-- <script>alert(1)</script> ;cat /etc/passwd|bash -i ${jndi:ldap://x/a} ../../etc `

func benchmark(b *testing.B, texts ...string) {
	s, err := NewSet(argPatterns(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	var sc Scratch
	hits := make([]uint64, (s.Len()+63)/64)
	bytes := 0
	for _, text := range texts {
		s.Match(&sc, text, hits)
		bytes += len(text)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			clear(hits)
			s.Match(&sc, text, hits)
		}
	}
	per := quickest(func() {
		for _, text := range texts {
			clear(hits)
			s.Match(&sc, text, hits)
		}
	})
	b.ReportMetric(per/float64(max(bytes, 1)), "cpu-ns/byte")
	b.ReportMetric(per/float64(len(texts)), "cpu-ns/value")
}

// quickest is the least processor time of do in nanoseconds, which other
// processes on the machine disturb less than the time on the clock.
func quickest(do func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cpu := func() float64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
			return 0
		}
		return float64(ts.Nano())
	}
	times := 1
	best := math.Inf(1)
	for round := 0; round < 12; {
		start := cpu()
		for range times {
			do()
		}
		took := cpu() - start
		if took < 4e6 {
			times *= 2
			continue
		}
		best = min(best, took/float64(times))
		round++
	}
	return best
}

func BenchmarkEnglish100B(b *testing.B) {
	var texts []string
	for i := 0; i+100 < len(english); i += 100 {
		texts = append(texts, english[i:i+100])
	}
	benchmark(b, texts...)
}

func BenchmarkEnglish1KB(b *testing.B)   { benchmark(b, english) }
func BenchmarkEnglish16KB(b *testing.B)  { benchmark(b, strings.Repeat(english, 17)) }
func BenchmarkJSONValues(b *testing.B)   { benchmark(b, jsonValues...) }
func BenchmarkHostile128B(b *testing.B)  { benchmark(b, hostile) }
func BenchmarkHostile16KB(b *testing.B)  { benchmark(b, strings.Repeat(hostile, 128)) }
func BenchmarkWindows16KB(b *testing.B)  { benchmark(b, strings.Repeat("b'u$'s or c'a$(", 1092)) }
func BenchmarkEmptyValue(b *testing.B)   { benchmark(b, "") }
func BenchmarkOneByteValue(b *testing.B) { benchmark(b, "1") }
