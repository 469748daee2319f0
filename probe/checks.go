// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"

	"durward/probe/check"
	"durward/probe/check/authn"
	"durward/probe/check/conform"
	"durward/probe/check/flow"
	"durward/probe/check/fuzz"
	"durward/probe/check/injection"
	"durward/probe/check/inventory"
	"durward/probe/check/lifecycle"
	"durward/probe/check/limits"
	"durward/probe/check/object"
	"durward/probe/check/platform"
	"durward/probe/check/policy"
	"durward/probe/check/property"
	"durward/probe/check/role"
	"durward/probe/check/tamper"
)

// Checks lists all tests, in the order in which they run: those that disturb
// least come first.
func Checks() []check.Check {
	return slices.Concat(
		one(policy.Check()),
		one(conform.Check()),
		object.Checks(),
		role.Checks(),
		authn.Checks(),
		property.Checks(),
		flow.Checks(),
		inventory.Checks(),
		platform.Checks(),
		one(lifecycle.Check()),
		one(tamper.Check()),
		one(injection.Check()),
		one(fuzz.Check()),
		limits.Checks(),
	)
}

func one(c check.Check) []check.Check { return []check.Check{c} }
