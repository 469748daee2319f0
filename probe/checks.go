// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"

	"durward/probe/check"
	"durward/probe/check/injection"
	"durward/probe/check/lifecycle"
	"durward/probe/check/platform"
	"durward/probe/check/policy"
)

// Checks lists all tests, in the order in which they run: those that disturb
// least come first.
func Checks() []check.Check {
	return slices.Concat(
		one(policy.Check()),
		platform.Checks(),
		one(lifecycle.Check()),
		one(injection.Check()),
	)
}

func one(c check.Check) []check.Check { return []check.Check{c} }
