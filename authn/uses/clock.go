// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package uses

import (
	"sync/atomic"
	"time"
)

// instant is one moment on two clocks. The wall clock is the one that credentials
// are dated by, and may be set forward and back; the other runs evenly. An entry is
// forgotten when both say that it is over: a wall clock that jumps ahead forgets
// nothing early, and one that is set back makes nothing usable again.
type instant struct {
	wall int64 // ns since 1970
	mono int64 // ns since the Memory was made
}

// clock reads both. Times without a monotonic reading have only one clock, which
// then is never seen to go back.
type clock struct {
	now  func() time.Time
	made time.Time
	high atomic.Int64
}

func (c *clock) start(now func() time.Time) {
	c.now, c.made = now, now()
	c.high.Store(c.made.UnixNano())
}

func (c *clock) read() instant {
	t := c.now()
	at := instant{t.UnixNano(), int64(t.Sub(c.made))}
	if t != t.Round(0) { // it has a monotonic reading, which Sub used
		return at
	}
	for {
		high := c.high.Load()
		if at.wall <= high {
			return instant{high, high - c.made.UnixNano()}
		}
		if c.high.CompareAndSwap(high, at.wall) {
			return at
		}
	}
}
