// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"net/netip"
	"sync"
	"testing"

	"durward/internal/allocs"
)

func TestOneClientHoldsOnlySoManyPlaces(t *testing.T) {
	var c crowd
	enter := func(address string) (netip.Addr, bool) { return c.enter(netip.MustParseAddr(address), 2) }
	for _, pair := range [][2]string{{"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff:2"}} {
		first, ok := enter(pair[0])
		if _, second := enter(pair[1]); !ok || !second {
			t.Fatalf("%v: refused within the limit", pair)
		}
		if _, ok := enter(pair[0]); ok {
			t.Errorf("%v: one too many was let in", pair)
		}
		if _, ok := enter("2001:db8:0:1::1"); !ok {
			t.Errorf("%v: another client was refused", pair)
		}
		c.leave(netip.MustParseAddr("2001:db8:0:1::"))
		c.leave(first)
		if _, ok := enter(pair[1]); !ok {
			t.Errorf("%v: a place that was left is still taken", pair)
		}
		c.leave(first)
		c.leave(first)
	}
	for i := range c.shards {
		if n := len(c.shards[i].by); n != 0 {
			t.Errorf("%d entries are left of nobody", n)
		}
	}
}

func TestPlacesAreCountedFromManyGoroutines(t *testing.T) {
	var c crowd
	var wg sync.WaitGroup
	a := netip.MustParseAddr("192.0.2.1")
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if who, ok := c.enter(a, 4); ok {
					c.leave(who)
				}
			}
		})
	}
	wg.Wait()
	if n := len(c.shard(a).by); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func TestCountingAPlaceCostsNoAllocation(t *testing.T) {
	var c crowd
	a := netip.MustParseAddr("2001:db8::1")
	if n := allocs.PerRun(1000, func() {
		who, _ := c.enter(a, 4)
		c.leave(who)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
