// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package allocs counts allocations for tests, as testing.AllocsPerRun does but
// so that the result is no matter of chance: a garbage collection in the middle
// empties pools, whose users then allocate anew, and what other goroutines
// allocate is counted too.
package allocs

import (
	"runtime/debug"
	"testing"
)

// tries is how often is counted where something was allocated.
const tries = 5

// PerRun gives the least average of allocations of f in several rounds, each of
// runs calls after one that is not counted, with no garbage collection in the
// meantime. What f always allocates is counted in every round, so that a ceiling
// means the same. It must not be used in parallel tests.
func PerRun(runs int, f func()) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // waits for one under way
	least := testing.AllocsPerRun(runs, f)
	for i := 1; i < tries && least > 0; i++ {
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
