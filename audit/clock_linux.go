// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"syscall"
	"time"

	"durward"
)

// adjtimex(2): what the kernel says while nothing disciplines the clock.
const (
	timeError     = 5    // TIME_ERROR
	statusUnsynch = 0x40 // STA_UNSYNC
)

// systemClock asks the kernel what the clock is worth. Reading it needs no
// privilege; a container may forbid the call all the same.
func systemClock() durward.Clock {
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	switch {
	case err != nil:
		return durward.Clock{State: durward.ClockUnknown}
	case state == timeError, t.Status&statusUnsynch != 0:
		return durward.Clock{State: durward.ClockUnsynchronised}
	}
	return durward.Clock{State: durward.ClockSynchronised, Error: time.Duration(t.Maxerror) * time.Microsecond}
}
