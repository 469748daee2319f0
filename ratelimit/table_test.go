// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"durward/durwardtest"
	"durward/internal/allocs"

	"durward"

	"pgregory.net/rapid"
)

func TestAShardHasItsOwnCacheLines(t *testing.T) {
	if n := unsafe.Sizeof(shard{}); n != 128 {
		t.Errorf("a shard takes %d bytes", n)
	}
	if n := unsafe.Sizeof(bucket{}); n != 16*ways {
		t.Errorf("a bucket takes %d bytes", n)
	}
}

// size is how many counters a table has room for.
func (t *table) size() (n int) {
	for i := range t.shards {
		n += len(t.shards[i].buckets) * ways
	}
	return n
}

func keys(n int) []uint64 {
	seed := maphash.MakeSeed()
	out := make([]uint64, n)
	for i := range out {
		out[i] = nonzero(maphash.Comparable(seed, i))
	}
	return out
}

func TestATableGrowsToItsBoundAndNoFurther(t *testing.T) {
	r := newRate(per("10/h", 0))
	for _, bound := range []int{1, 512, 1000, 4096} {
		tab := newTable(bound)
		for _, k := range keys(20000) {
			tab.charge(&r, k, 1)
		}
		most := max(bound, ways*shards)
		if n := tab.size(); n > most || n < most/2 {
			t.Errorf("a table of at most %d has room for %d", most, n)
		}
	}
}

func TestATableForgetsOnlyWhatHasRefilled(t *testing.T) {
	r := newRate(per("10/s", 1))
	tab := newTable(1 << 20)
	now := int64(1)
	for round := range 50 {
		for _, k := range keys(100) {
			if _, ok := tab.charge(&r, k, now); !ok {
				t.Fatalf("round %d: a new key was refused", round)
			}
		}
		now += int64(time.Second)
	}
	// 5000 keys, but never more than 100 live ones: 4 times those is room enough.
	if n := tab.size(); n > 1024 {
		t.Errorf("the table has room for %d keys, and 100 are live", n)
	}
}

func TestCountersSurviveGrowth(t *testing.T) {
	r := newRate(per("2/h", 0))
	tab, all := newTable(1<<16), keys(10000)
	for _, k := range all {
		tab.charge(&r, k, 1)
	}
	for i, k := range all {
		tat, ok := tab.charge(&r, k, 1)
		if !ok || tat != 1+2*r.interval {
			t.Fatalf("key %d: %v, TAT %d: its first request was forgotten", i, ok, tat)
		}
	}
	for i, k := range all {
		if _, ok := tab.charge(&r, k, 1); ok {
			t.Fatalf("key %d: a third request passed a limit of 2", i)
		}
	}
}

func TestCyclingAddressesGivesNobodyAFreshBurst(t *testing.T) {
	c := durwardtest.NewClock()
	s := ByClient(&Config{PerAddress: per("5/h", 0)}, "api", NewCounters(1024, c.Now))
	count(t, s, 5, always("192.0.2.1"))
	for i := range 100_000 {
		passes(t, s, spread(i))
		if i%1000 == 0 && passes(t, s, from("192.0.2.1")) {
			t.Fatalf("after %d other addresses the spent limit was forgotten", i)
		}
	}
}

func TestAFloodOfAddressesDoesNotLockOutWhoIsKnown(t *testing.T) {
	c := durwardtest.NewClock()
	s := ByClient(&Config{PerAddress: per("60/m", 30)}, "api", NewCounters(4096, c.Now))
	count(t, s, 10, always("192.0.2.1")) // an ordinary client, with 20 left
	for i := range 8192 {                // twice what the table holds, within a second
		passes(t, s, spread(i))
	}
	if n := count(t, s, 5, always("192.0.2.1")); n != 5 {
		t.Errorf("%d of 5 requests of the ordinary client passed", n)
	}
	if !passes(t, s, from("198.51.100.7")) {
		t.Error("a new client was refused at twice the table's size")
	}
}

// The promise holds for every key of a full table: with evictions, refunds and
// growth.
func TestAFullTableNeverLetsMoreThroughThanTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		burst := rapid.Int64Range(1, 4).Draw(rt, "burst")
		r := rate{interval: 100, capacity: burst * 100}
		tab := newTable(rapid.SampledFrom([]int{1, 1024}).Draw(rt, "bound"))
		// All keys are of one shard, and of one or two buckets, so that they overflow.
		n := rapid.IntRange(ways-2, 2*ways).Draw(rt, "keys")
		times := map[uint64][]int64{}
		type charge struct {
			key uint64
			tat int64
		}
		var pending []charge // that another limit is about to refuse
		now := int64(0)
		for range rapid.IntRange(200, 600).Draw(rt, "requests") {
			now += rapid.Int64Range(0, 2).Draw(rt, "step")
			choice := rapid.IntRange(0, 9).Draw(rt, "choice")
			if choice == 0 && len(pending) > 0 {
				tab.refund(&r, pending[0].key, pending[0].tat)
				pending = pending[1:]
				continue
			}
			key := uint64(rapid.IntRange(1, n).Draw(rt, "key")) << 1
			tat, ok := tab.charge(&r, key, now)
			if !ok {
				continue
			}
			if choice == 1 {
				pending = append(pending, charge{key, tat})
				continue
			}
			times[key] = append(times[key], now)
		}
		for key, at := range times {
			for i := range at {
				for j := i; j < len(at); j++ {
					if int64(j-i+1) > burst+(at[j]-at[i])/r.interval {
						rt.Fatalf("key %d: %d requests within %d, burst %d", key, j-i+1, at[j]-at[i], burst)
					}
				}
			}
		}
	})
}

func TestARefundTakesBackOneCharge(t *testing.T) {
	r := newRate(per("5/h", 0))
	tab := newTable(128)
	first, _ := tab.charge(&r, 7, 1)
	second, _ := tab.charge(&r, 7, 1)
	tab.refund(&r, 7, first)  // the counter has moved since: the charge stands
	tab.refund(&r, 8, second) // not there: nothing happens
	if tat, _ := tab.charge(&r, 7, 1); tat != 1+3*r.interval {
		t.Fatalf("TAT %d after three charges", tat)
	}
	third := 1 + 3*r.interval
	tab.refund(&r, 7, third)
	if tat, _ := tab.charge(&r, 7, 1); tat != third {
		t.Errorf("TAT %d after a refund and a charge, want %d", tat, third)
	}
}

func TestARefundOfASingleCounterTakesBackOneCharge(t *testing.T) {
	r := newRate(per("5/h", 0))
	var s single
	first, _ := s.charge(&r, 1)
	s.refund(&r, first)
	if tat, _ := s.charge(&r, 1); tat != first {
		t.Errorf("TAT %d after a refund, want %d", tat, first)
	}
	second, _ := s.charge(&r, 1)
	s.refund(&r, first)
	if tat, _ := s.charge(&r, 1); tat != second+r.interval {
		t.Errorf("TAT %d: a charge that moved on was taken back", tat)
	}
}

func TestCountersAreForgottenOnceTheyDoNotMatter(t *testing.T) {
	c := durwardtest.NewClock()
	counters := NewCounters(0, c.Now)
	for i := range 50 {
		s := ByClient(&Config{PerAddress: per("1/s", 0), Total: per("1/s", 0)}, fmt.Sprintf("api-%d", i), counters)
		passes(t, s, from("192.0.2.1"))
	}
	kept := ByClient(&Config{Total: per("1/h", 0)}, "kept", counters)
	passes(t, kept, from(""))
	c.Move(time.Minute)
	counters.get("sweep once", false)
	runtime.GC()
	counters.get("sweep again", false)
	if n := len(counters.byName); n > 3 {
		t.Errorf("%d limits are remembered, of which one is in use and two are new", n)
	}
	if passes(t, ByClient(&Config{Total: per("1/h", 0)}, "kept", counters), from("")) {
		t.Error("a limit that has not refilled was forgotten")
	}
	runtime.KeepAlive(kept)
}

func TestAStageKeepsItsCountersAlthoughTheyHaveRefilled(t *testing.T) {
	c := durwardtest.NewClock()
	counters := NewCounters(0, c.Now)
	old := ByClient(&Config{Total: per("1/s", 0)}, "api", counters)
	c.Move(time.Minute)
	counters.get("sweep", false)
	runtime.GC()
	passes(t, old, from(""))
	if passes(t, ByClient(&Config{Total: per("1/s", 0)}, "api", counters), from("")) {
		t.Error("the next generation got counters of its own")
	}
	runtime.KeepAlive(old)
}

func TestAKeyTakesAFewBytes(t *testing.T) {
	r := newRate(per("10/h", 0))
	tab, n := newTable(1<<20), 200_000
	for _, k := range keys(n) {
		tab.charge(&r, k, 1)
	}
	if b := tab.size() * 16 / n; b > 64 {
		t.Errorf("%d bytes for each of %d live keys", b, n)
	} else {
		t.Logf("%d bytes for each of %d live keys", b, n)
	}
}

func TestACheckCostsNextToNoAllocation(t *testing.T) {
	cfg := &Config{PerAddress: per("1000000/s", 0), PerRange: &RangeLimit{Limit: *per("1000000/s", 0)}, Total: per("1000000/s", 0)}
	full := &Config{PerAddress: per("1/h", 0)}
	quota := &PrincipalConfig{PerConsumer: per("1000000/s", 0)}
	for _, c := range []struct {
		name string
		s    durward.Stage
		most float64
	}{
		{"a passed request that says nothing", ByClient(&Config{PerAddress: cfg.PerAddress, Total: cfg.Total, Headers: HeadersOff}, "a", NewCounters(0, nil)), 0},
		{"a passed request", ByClient(cfg, "b", NewCounters(0, nil)), 1},
		{"a quota", ByPrincipal(quota, "c", NewCounters(0, nil)), 1},
		{"a refusal", ByClient(full, "d", NewCounters(0, nil)), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := from("2001:db8::1")
			x.Principal = durward.Principal{Method: "api_key", Subject: "s", Consumer: "app"}
			passes(t, c.s, x)
			if n := allocs.PerRun(200, func() {
				x.Extra, x.Violated = x.Extra[:0], x.Violated[:0]
				c.s.Request(t.Context(), x)
			}); n > c.most {
				t.Errorf("%v allocations, at most %v allowed", n, c.most)
			}
		})
	}
}

func benchmark(b *testing.B, cfg *Config, client func(int) *durward.Exchange) {
	s := ByClient(cfg, "api", NewCounters(1<<20, nil))
	addresses := make([]netip.Addr, 1<<16)
	for i := range addresses {
		addresses[i] = client(i).Client.Address
		passes(b, s, client(i))
	}
	b.ReportAllocs()
	x := &durward.Exchange{}
	for i := 0; b.Loop(); i++ {
		x.Client.Address = addresses[i&(1<<16-1)]
		x.Extra, x.Violated = x.Extra[:0], x.Violated[:0]
		s.Request(context.Background(), x)
	}
}

func BenchmarkRefused(b *testing.B) {
	benchmark(b, &Config{PerAddress: per("1/h", 0)}, always("192.0.2.1"))
}

func BenchmarkPassed(b *testing.B) {
	benchmark(b, &Config{PerAddress: per("1000000/s", 0), Total: per("100000000/s", 0)}, always("192.0.2.1"))
}

func BenchmarkPassedManyAddresses(b *testing.B) {
	benchmark(b, &Config{PerAddress: per("1000000/s", 0), Total: per("100000000/s", 0)}, spread)
}
