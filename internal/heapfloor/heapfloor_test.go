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

// finalized waits until the finalizers of what has died so far have run. They
// run one after the other, in a goroutine of their own.
func finalized() {
	for range 2 { // what a finalizer leaves behind dies in the next collection
		ran := make(chan struct{})
		runtime.SetFinalizer(new([16]byte), func(*[16]byte) { close(ran) })
		for waiting := true; waiting; {
			runtime.GC()
			select {
			case <-ran:
				waiting = false
			default:
				runtime.Gosched()
			}
		}
	}
}

// inForce is the percentage now.
func inForce() int {
	now := debug.SetGCPercent(-1)
	debug.SetGCPercent(now)
	return now
}

func TestThePercentageFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	finalized() // of the heap of other tests nothing is left
	stop := Set(1 << 30)
	defer func() { stop(); finalized() }()
	small := inForce()
	if small <= 500 {
		t.Fatalf("a small heap has %d", small)
	}
	held := make([]byte, 256<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	finalized()
	if now := inForce(); now > 400 || now <= 100 {
		t.Errorf("with 256 MB alive it is %d, and was %d", now, small)
	}
	runtime.KeepAlive(held)
}

func TestItEndsWhenItIsStopped(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	Set(1 << 30)()
	debug.SetGCPercent(77)
	finalized()
	if now := inForce(); now != 77 {
		t.Errorf("changed to %d", now)
	}
}

func TestAnOperatorsGOGCWins(t *testing.T) {
	t.Setenv("GOGC", "50")
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	defer Set(1 << 30)()
	finalized()
	if now := inForce(); now != 77 {
		t.Errorf("changed to %d", now)
	}
}
