// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"durward/waf/seclang"
	"durward/waf/transform"
)

// rule is a rule as the plan evaluates it.
type rule struct {
	id    int
	phase int
	// neutral rules may match on a clean request: they pass, log nothing, and
	// set nothing that another rule reads.
	neutral bool
	// dead says why the rule can never match on the fast path.
	dead string
	// open says why the rule is not understood; it then counts as matching.
	open string
	// every says that the rule matches every request.
	every bool
	// direct rules are evaluated on their own, the others with all the rest that
	// looks at the same values.
	direct bool
	// setup rules choose the reader of the body, in phase 1.
	setup bool
	// counted is set for a counter: a rule that counts names, and may match where
	// all of them are distinct.
	counted *counted
	// unless is the body processor with which the rule is skipped, or "".
	unless string
	// ordered says that a link depends on which match came before it.
	ordered bool
	// index is the rule's place among those of the plan.
	index int
	links []link
}

// link is one condition of a chain.
type link struct {
	source     *seclang.Rule
	targets    []target
	transforms []transform.T
	multi      bool
	capture    bool // stores the groups of its expression
	op         operator
	arg        []part // the operator's argument, when it has macros that are not constant
	// open says why the condition is not understood: it then counts as true.
	open string
	ctls []seclang.Ctl
	// sets are the variables that a match of this link sets.
	sets []seclang.SetVar
}

// captures gives how many groups a match of the link stores.
func (l *link) captures() int {
	if !l.capture || l.op.negated {
		return 0
	}
	return min(l.op.groups, 9)
}
