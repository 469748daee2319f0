// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import "slices"

// Phases of a transaction, in the order in which Coraza runs them.
const (
	PhaseRequestHeaders  = 1
	PhaseRequestBody     = 2
	PhaseResponseHeaders = 3
	PhaseResponseBody    = 4
	PhaseLogging         = 5
)

// Set is what the directives came to: the rules and markers in the order of
// evaluation, and the settings of the engine. It may be read concurrently.
type Set struct {
	Items    []Item
	Settings Settings
}

// Item is a *Rule or a Marker.
type Item interface{ isItem() }

// Marker is a SecMarker: where a skipAfter of this name ends. It counts as one
// item for skip:n and belongs to every phase.
type Marker string

func (Marker) isItem() {}
func (*Rule) isItem()  {}

// Rule is one SecRule or SecAction with everything that Coraza would apply.
type Rule struct {
	ID    int // 0 in a chained rule, which goes by the ID of the first
	Phase int // 1 to 5; a chained rule runs in the phase of the first and has 0
	File  string
	Line  int // line of File at which the directive ends

	// Variables are the targets in their order. Empty in a SecAction.
	Variables []Variable
	// Operator is nil in a SecAction, which always matches.
	Operator *Operator
	// Transformations are in lower case and in their order, after t:none has
	// cleared what stood before it.
	Transformations []string
	MultiMatch      bool // the operator sees the value after each transformation that changed it
	Capture         bool // the operator stores its groups in TX:0 to TX:9

	// Actions that are evaluated each time a variable matches, also in the
	// links of a chain: default actions come first. Actions holds all of them
	// in order, the others by kind.
	Actions []Action
	SetVars []SetVar
	Ctls    []Ctl

	// Flow and disruptive actions, evaluated once when the whole chain has
	// matched; those of a chained rule are never evaluated.
	Disruptive string // allow, block, deny, drop, pass, redirect, or "" for none; a default action is resolved
	DisruptArg string // argument of allow and redirect
	Status     int    // of status:, 0 if absent
	Skip       int
	SkipAfter  string

	Tags     []string
	Message  Macro // of msg:
	LogData  Macro
	Severity int // 0 (emergency) to 7 (debug), -1 if absent
	Log      bool
	Audit    bool

	// HasChain says that the rule has a chain action; Chain is the next link,
	// nil if none followed (Coraza then treats the rule as unchained).
	HasChain bool
	Chain    *Rule

	// Unknown tells why a reader must not rely on its understanding of this
	// rule; empty if it may. The reason of a chained rule is not repeated in the
	// first: see Chained.
	Unknown string
}

// Action is one action as written: the name in lower case, the argument
// without its quotes.
type Action struct{ Name, Argument string }

// Links returns the rule and its chained rules in their order.
func (r *Rule) Links() []*Rule {
	links := []*Rule{r}
	for n := r.Chain; n != nil; n = n.Chain {
		links = append(links, n)
	}
	return links
}

// HasTag reports whether the rule carries the tag, in the same case.
func (r *Rule) HasTag(tag string) bool { return slices.Contains(r.Tags, tag) }

// Variable is one target of a rule: a collection, whole or in part.
type Variable struct {
	Collection string // in upper case, as ARGS or REQUEST_HEADERS
	// Selector chooses members: none if Selector.Whole() holds.
	Selector Selector
	Count    bool // the value is the number of members, in decimal
	// Except are the members left out. Coraza applies an exclusion such as
	// !ARGS:x only to the targets that stand before it and name the very same
	// collection; that is resolved here.
	Except []Selector
}

// Selector chooses members of a collection by key.
type Selector struct {
	// Key is the name or, with Regexp, the expression without its slashes, as
	// Coraza keeps it: in lower case unless it chooses members of one of the
	// ARGS collections, or is an exception that names a member. Variable.Selects
	// says what comes of that.
	Key    string
	Regexp bool
}

// Whole reports whether the selector chooses every member.
func (s Selector) Whole() bool { return s.Key == "" && !s.Regexp }

// Operator is the test of a rule.
type Operator struct {
	Name     string // in lower case, as rx or pmfromfile
	Negated  bool
	Argument string
	// Macro is the argument taken apart, nil if it has no %{...} or the operator
	// does not expand macros.
	Macro Macro
	// Data are the lines of the files that a ...FromFile operator names, without
	// empty lines and comments; or the records of the data set of a
	// ...FromDataset one. Phrases of pm and pmFromFile are in lower case.
	Data []string
}

// SetVar is one setvar action on the TX collection.
type SetVar struct {
	Key    Macro // in any case: Coraza lowers the expanded key
	Remove bool  // setvar:!tx.x
	// Value is what is written; nil for none. A value that, expanded, begins
	// with + or - and continues with an integer adds to the variable.
	Value Macro
}

// Ctl is one ctl action.
type Ctl struct {
	Name  string // in lower case, as ruleremovetargetbyid
	Value string
	// Collection and Selector are the target of a ruleRemoveTarget... action.
	Collection string
	Selector   Selector
}
