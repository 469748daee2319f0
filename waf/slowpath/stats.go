// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"sync/atomic"
	"time"
)

// buckets are the upper bounds of a histogram of runs, in seconds.
var buckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// stats are counters over reloads.
type stats struct {
	outcomes [7]atomic.Int64  // in the order of outcomes
	runs     [12]atomic.Int64 // by bucket, not summed up
	count    atomic.Int64
	sum      atomic.Int64 // nanoseconds
	spent    atomic.Int64 // nanoseconds, without the engine
}

func (s *stats) outcome(o Outcome) {
	for i := range outcomes {
		if outcomes[i] == o {
			s.outcomes[i].Add(1)
		}
	}
}

func (s *stats) took(d time.Duration) {
	s.count.Add(1)
	s.sum.Add(int64(d))
	for i, bound := range buckets {
		if d.Seconds() <= bound {
			s.runs[i].Add(1)
			return
		}
	}
}

// Outcomes gives how often each outcome came up, also with a count of 0.
func (s *Scheduler) Outcomes(yield func(n int64, outcome string)) {
	for i, o := range outcomes {
		yield(s.stats.outcomes[i].Load(), string(o))
	}
}

// Seconds gives the processor time of the runs as a histogram: their number,
// its sum, and how many took at most so many seconds.
func (s *Scheduler) Seconds() (count uint64, sum float64, atMost map[float64]uint64) {
	atMost = make(map[float64]uint64, len(buckets))
	n := uint64(0)
	for i, bound := range buckets {
		n += uint64(s.stats.runs[i].Load())
		atMost[bound] = n
	}
	return max(uint64(s.stats.count.Load()), n), time.Duration(s.stats.sum.Load()).Seconds(), atMost
}

// Spent is the processor time that Spend was charged for.
func (s *Scheduler) Spent() time.Duration { return time.Duration(s.stats.spent.Load()) }

// Waiting is how many requests are in the queue.
func (s *Scheduler) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}
