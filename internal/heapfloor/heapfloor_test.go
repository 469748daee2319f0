// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package heapfloor

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheFloorHoldsForSmallHeapsOnly(t *testing.T) {
	const mb = 1 << 20
	for _, tt := range []struct {
		name        string
		floor, live uint64
		want        int
	}{
		{"nothing is known yet", 16 * mb, 0, 1600},
		{"a small heap", 16 * mb, 4 * mb, 400},
		{"as much alive as the floor", 16 * mb, 16 * mb, 100},
		{"a large heap is GOGC's", 16 * mb, 500 * mb, 100},
		{"no floor", 0, 4 * mb, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := percent(tt.floor, tt.live); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestThePercentageFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	Set(1 << 30)
	small := debug.SetGCPercent(-1)
	debug.SetGCPercent(small)
	if small <= 100 {
		t.Fatalf("a small heap has %d", small)
	}
	held := make([]byte, 256<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	for range 50 { // the finalizer runs some time after a collection
		runtime.GC()
		now := debug.SetGCPercent(-1)
		debug.SetGCPercent(now)
		if now < small {
			runtime.KeepAlive(held)
			return
		}
		runtime.Gosched()
	}
	t.Errorf("with 256 MB alive it is still %d", small)
}

func TestAnOperatorsGOGCWins(t *testing.T) {
	t.Setenv("GOGC", "50")
	before := debug.SetGCPercent(77)
	Set(1 << 30)
	if now := debug.SetGCPercent(before); now != 77 {
		t.Errorf("changed to %d", now)
	}
}
