// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

// rate is a Limit in the terms of GCRA. Times are nanoseconds on the clock of
// Counters.
type rate struct {
	interval int64 // one request uses up this much
	capacity int64 // burst * interval: how far a TAT may be ahead of now
}

func newRate(l *Limit) rate {
	t := int64(interval(l.Rate))
	return rate{interval: t, capacity: l.burst() * t}
}

// bound takes back a theoretical arrival time (TAT) that is further ahead than
// this limit can bring it. Such a time is from a larger limit before a reload,
// or from before the clock was set back: it counts as a spent burst, so that
// nobody waits longer than this limit takes to refill.
func (r *rate) bound(tat, now int64) int64 { return min(tat, now+r.capacity) }

// charge takes a bounded TAT to the one after a request at now. Without ok the
// request comes too early, and next is the TAT as it stands.
func (r *rate) charge(tat, now int64) (next int64, ok bool) {
	next = max(tat, now) + r.interval
	if next-now > r.capacity {
		return tat, false
	}
	return next, true
}

// state tells what a TAT leaves a client.
func (r *rate) state(tat, now int64) (remaining int64, reset time.Duration) {
	ahead := min(max(tat-now, 0), r.capacity)
	return (r.capacity - ahead) / r.interval, time.Duration(ahead)
}

// wait is how long a refused client must wait for its next request.
func (r *rate) wait(tat, now int64) time.Duration {
	return time.Duration(tat + r.interval - now - r.capacity)
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
