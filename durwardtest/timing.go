// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durwardtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	timingRounds = 200 // batches of each way in one try
	timingBatch  = 20 * time.Microsecond
	timingTries  = 3
)

// SameTime checks that several ways take the same time, within a factor of
// bound, so that who measures an answer does not learn which way it went. All
// ways are measured in turn, in batches, in an order that chance makes anew each
// round, and compared by the lower quartile of the batches, which a busy machine
// does not move: it makes some batches slower, and none faster. It fails the
// test when three tries in a row find a difference.
func SameTime(t testing.TB, bound float64, ways map[string]func()) {
	t.Helper()
	var found string
	for range timingTries {
		times := timeWays(ways)
		if found = compareTimes(times, bound); found == "" {
			return
		}
	}
	t.Errorf("the time tells which way was taken:%s", found)
}

// timeWays gives the lower quartile of each way's batches, by call.
func timeWays(ways map[string]func()) map[string]time.Duration {
	names := slices.Sorted(maps.Keys(ways))
	// As many calls to a batch as the first way takes to be measurable.
	calls, first := 1, ways[names[0]]
	for calls < 1<<16 && measure(first, calls) < timingBatch {
		calls *= 2
	}
	batches := map[string][]time.Duration{}
	for range timingRounds {
		rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			batches[name] = append(batches[name], measure(ways[name], calls))
		}
	}
	times := map[string]time.Duration{}
	for name, all := range batches {
		slices.Sort(all)
		times[name] = all[len(all)/4] / time.Duration(calls)
	}
	return times
}

func measure(do func(), calls int) time.Duration {
	start := time.Now()
	for range calls {
		do()
	}
	return time.Since(start)
}

// compareTimes says what is wrong with the times; "" is nothing.
func compareTimes(times map[string]time.Duration, bound float64) string {
	least := slices.Min(slices.Collect(maps.Values(times)))
	most := slices.Max(slices.Collect(maps.Values(times)))
	if float64(most) <= bound*float64(least) {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(times)) {
		fmt.Fprintf(&b, "\n\t%v %s", times[name], name)
	}
	return b.String()
}
