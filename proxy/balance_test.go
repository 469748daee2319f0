// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"durward/internal/allocs"
)

// candidates makes targets with the weights.
func candidates(weights ...int) (list []candidate) {
	for i, w := range weights {
		m := &member{name: fmt.Sprintf("http://10.0.0.%d", i), load: new(atomic.Int64), health: newHealth(Health{}.withDefaults(), time.Now)}
		list = append(list, candidate{member: m, weight: w})
	}
	return list
}

func all(n int) set { return set(1)<<n - 1 }

// distribution counts the choices of n turns.
func distribution(b *balancer, s set, n int) []int {
	got := make([]int, len(b.list))
	for range n {
		got[b.choose(s, netip.Addr{})]++
	}
	return got
}

func TestRoundRobinTakesTurns(t *testing.T) {
	b := newBalancer("round_robin", candidates(1, 1, 1))
	for i := range 9 {
		if got := b.choose(all(3), netip.Addr{}); got != i%3 {
			t.Fatalf("turn %d went to %d", i, got)
		}
	}
}

func TestRoundRobinFollowsWeightsAndSpreadsThem(t *testing.T) {
	b := newBalancer("round_robin", candidates(50, 10, 20))
	if got := distribution(b, all(3), 800); got[0] != 500 || got[1] != 100 || got[2] != 200 {
		t.Errorf("distribution %v, want 500 100 200", got)
	}
	longest, run, last := 0, 0, -1
	for range 80 {
		i := b.choose(all(3), netip.Addr{})
		if i != last {
			run, last = 0, i
		}
		run++
		longest = max(longest, run)
	}
	if longest > 3 {
		t.Errorf("%d turns in a row for one target: not spread", longest)
	}
}

func TestTheTurnsOfALostTargetGoToAllOthers(t *testing.T) {
	b := newBalancer("round_robin", candidates(1, 1, 1, 1))
	got := distribution(b, all(4)&^1, 6000)
	if got[0] != 0 {
		t.Errorf("a lost target got %d requests", got[0])
	}
	for i := 1; i < 4; i++ {
		if got[i] < 1800 || got[i] > 2200 {
			t.Errorf("distribution %v, want about 2000 each", got)
		}
	}
}

func TestLeastRequestsTakesTheLeastLoadedForItsWeight(t *testing.T) {
	b := newBalancer("least_requests", candidates(1, 1, 4))
	b.list[0].load.Store(3)
	b.list[1].load.Store(1)
	b.list[2].load.Store(4)
	if got := b.choose(all(3), netip.Addr{}); got != 2 {
		t.Errorf("chose %d: (4+1)/4 is less than (1+1)/1", got)
	}
	if got := b.choose(all(2), netip.Addr{}); got != 1 {
		t.Errorf("chose %d, want 1", got)
	}
	even := newBalancer("least_requests", candidates(1, 1, 1))
	if got := distribution(even, all(3), 300); got[0] != 100 || got[1] != 100 || got[2] != 100 {
		t.Errorf("idle targets do not take turns: %v", got)
	}
}

func TestHashKeepsAClientAtItsTarget(t *testing.T) {
	b := newBalancer("hash", candidates(1, 1, 2))
	again := newBalancer("hash", candidates(1, 1, 2)) // as after a reload
	counts, moved := make([]int, 3), 0
	const clients = 4000
	addr := netip.MustParseAddr("10.1.0.0")
	for range clients {
		addr = addr.Next()
		i := b.choose(all(3), addr)
		counts[i]++
		if j := again.choose(all(3), addr); j != i {
			t.Fatalf("%v moved from %d to %d", addr, i, j)
		}
		j := b.choose(all(3)&^1, addr)
		if j == 0 {
			t.Fatal("chose a lost target")
		}
		if i != 0 && j != i {
			moved++
		}
	}
	if moved != 0 {
		t.Errorf("%d clients of healthy targets moved", moved)
	}
	if counts[0] < 850 || counts[0] > 1150 || counts[2] < 1800 || counts[2] > 2200 {
		t.Errorf("distribution %v, want about 1000 1000 2000", counts)
	}
}

func TestDrainedAndSickAndTriedTargetsAreNotUsable(t *testing.T) {
	list := candidates(1, 1, 1, 1)
	list[1].drain = true
	list[2].health.sick.Store(true)
	b := newBalancer("round_robin", list)
	if got := b.usable(time.Now().UnixNano(), 1); got != 1<<3 {
		t.Errorf("usable = %b, want only the last", got)
	}
}

func TestChoosingAllocatesNothing(t *testing.T) {
	for _, kind := range []string{"round_robin", "least_requests", "hash"} {
		b := newBalancer(kind, candidates(1, 2, 3))
		addr := netip.MustParseAddr("2001:db8::1")
		if n := allocs.PerRun(100, func() { b.choose(b.usable(1, 0), addr) }); n != 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}
