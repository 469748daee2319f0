// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package audit

import "durward"

// systemClock does not know what the clock is worth on this system.
func systemClock() durward.Clock { return durward.Clock{State: durward.ClockUnknown} }
