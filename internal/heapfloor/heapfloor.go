// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package heapfloor keeps the garbage collector from running all the time in a
// process whose live heap is small. With GOGC=100 a gateway that holds 5 MB
// collects after every 5 MB of garbage, which costs it some 7% of its CPU under
// load; with a floor of 16 MB it collects after 16 MB, and as soon as more than
// that is alive everything is as GOGC says. It knows nothing of the gateway.
package heapfloor

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// Set lets at least floor bytes of garbage pile up between two collections. It
// does nothing when the environment sets GOGC: then somebody has decided. It is
// called once, and lasts as long as the process, or until stop is called, which
// leaves the percentage as it is.
func Set(floor uint64) (stop func()) {
	var stopped atomic.Bool
	if os.Getenv("GOGC") == "" {
		adjust(floor, &stopped)
	}
	return func() { stopped.Store(true) }
}

// adjust sets the percentage for the heap that is alive, and comes again after
// the next collection: a finalizer of an object that nobody holds runs once
// in each.
func adjust(floor uint64, stopped *atomic.Bool) {
	if stopped.Load() {
		return
	}
	debug.SetGCPercent(percent(floor, live()))
	runtime.SetFinalizer(new([16]byte), func(*[16]byte) { adjust(floor, stopped) })
}

func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// percent is what GOGC has to be for the garbage to be the larger of floor and
// what is alive.
func percent(floor, live uint64) int {
	const least = 1 << 20 // at the start nothing is known to be alive
	return int(max(100, floor*100/max(live, least)))
}
