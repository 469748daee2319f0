// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package expect derives from a configuration what a security test should see:
// which calls its rules let which user make. The rules are then their own test
// suite: package probe makes the calls, and this package judges each by the
// compiled pipeline itself, which sends nothing.
//
// Failure policy: what cannot be judged (an issuer that is away, a limit, a
// credential that only the running gateway knows) is durward/probe/check's
// Unknown, so that it is neither a finding nor taken as right.
//
// It keeps the compiled configuration until it is closed.
package expect
