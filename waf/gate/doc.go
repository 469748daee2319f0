// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gate proves requests clean without running Coraza.
//
// At load the request rules of a firewall are compiled into a plan. For a
// request the plan decides one thing: that no rule of phases 1 and 2 can match
// it, or that this is not proven. What is not proven goes to Coraza, which alone
// decides; so the gate changes no verdict as long as it is sound, that is, as
// long as "Coraza would match" implies "not proven".
//
// Soundness comes from three habits. Where Coraza sees one value, the plan looks
// at a set of values that contains it, and asks whether any of them satisfies the
// rule's condition. Whatever the plan does not understand (an operator, an action,
// a variable that another rule sets) makes the rule uncovered: unless it is plain
// that the rule cannot apply, every request then takes the slow path. And bodies
// other than none, JSON and form, as well as anything near one of Coraza's limits,
// are never proven.
//
// Threat: hostile input that the fast path would pass and Coraza would catch.
// Failure policy: not proven, never passed. State kept: the immutable plan, and
// pooled scratch memory that holds nothing of a request after Clean returns.
package gate
