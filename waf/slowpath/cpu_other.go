// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package slowpath

import "time"

func cpuTime(f func()) time.Duration { return wallTime(f) }
