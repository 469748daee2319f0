// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime runs f and tells how much processor time its thread took, which does
// not count while the thread waits for a processor. What f starts on other
// goroutines is not counted; the rule engine starts nothing.
func cpuTime(f func()) (took time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began, ok := threadTime()
	if !ok {
		return wallTime(f)
	}
	defer func() {
		if now, ok := threadTime(); ok {
			took = now - began
		}
	}()
	f()
	return 0
}

func threadTime() (time.Duration, bool) {
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano()), err == nil
}
