// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package waftest is what the firewall is tested with: the regression tests of
// the OWASP Core Rule Set, read from its module; an oracle, which is Coraza
// alone with the rules as they are; and corpora of benign and hostile requests,
// the same for the same seed.
//
// It decides nothing, keeps no state and is imported by tests and benchmarks
// only.
package waftest
