// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"time"
)

const (
	clockEvery = 5 * time.Second // how often the clock is looked at
	clockJump  = time.Second     // from how far on it was set, and did not drift
)

const (
	messageClockSet   = "clock set"
	messageClockState = "clock state changed"
)

// clockWatch holds the clock that people set against the one that only runs.
type clockWatch struct {
	offset time.Duration // of the wall clock from the monotonic one
	known  bool
	state  string
}

// look gives by how much the wall clock was set since the last time that it
// was seen to be; 0 when it was not. A machine that slept shows as well: the
// monotonic clock stands still meanwhile.
func (c *clockWatch) look(wall time.Time, running time.Duration) time.Duration {
	offset := time.Duration(wall.UnixNano()) - running
	if !c.known {
		c.offset, c.known = offset, true
		return 0
	}
	if by := offset - c.offset; by > clockJump || by < -clockJump {
		return by
	}
	return 0
}

// watchClock records until stop is closed when the clock was set, and when it
// begins or ceases to be synchronised. What cannot be recorded now is recorded
// once it can.
func (l *Log) watchClock(stop <-chan struct{}, watch clockWatch) {
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	started := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			l.lookAtClock(&watch, l.now(), time.Since(started))
		}
	}
}

func (l *Log) lookAtClock(watch *clockWatch, wall time.Time, running time.Duration) {
	if by := watch.look(wall, running); by != 0 {
		if l.System(messageClockSet, fmt.Sprintf("by %+.3fs", by.Seconds())) == nil {
			watch.offset += by
		}
	}
	if state := l.clock().State; state != watch.state {
		if l.System(messageClockState, watch.state+" before") == nil {
			watch.state = state
		}
	}
}
