// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"durward/waf/match"
	"durward/waf/transform"
)

// bag is what is asked of the values of one place: every first link of a rule
// that looks there, as a tree of transformations with patterns at its nodes.
type bag struct {
	source source
	names  bool   // the keys are the values
	header string // the field that is meant, in lower case; "" for any other
	nodes  []node // parents before children; the first is the value as it is
	conds  []cond // what is asked in it

	// all holds the patterns of all nodes, and of other bags. It is held against
	// the value as it is, for the nodes whose transformations change nothing of it.
	all *match.Set
	// refs are the conditions by pattern of all.
	refs [][]nodeRef

	touch   uint64 // marks of which a value must have one for most nodes to change it
	always  []int  // the other nodes
	special []int  // nodes with tests, or with patterns whose absence matches
}

// node is a value after a chain of transformations.
type node struct {
	parent int
	t      transform.T
	touch  uint64 // the bit of t in the marks of a value
	// exact says that this is a step of a rule with multiMatch: when Coraza does
	// not report a change, the value stays what it was, changed or not.
	exact bool
	twins []int // nodes before this one with the same transformation
	set   *match.Set
	refs  []ref // by pattern of set
	// not are the patterns whose absence matches, by pattern of all and of set.
	not   [][2]int
	tests []test
}

// nodeRef is a condition of a node.
type nodeRef struct {
	ref
	node int
}

// ref is a condition's place among the rules.
type ref struct {
	rule   *rule
	target int
	not    bool
}

// test is a condition that is no pattern.
type test struct {
	ref
	op *operator
	// mark is the bit that a value must have for the operator to hold, or 0.
	mark uint64
	// exact says that the bit is all there is to the operator.
	exact bool
	// repeats says that the parent node has the same test, by multiMatch.
	repeats bool
}
