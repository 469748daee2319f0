// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import "strings"

// Live is what the request phases still have to do when everything is done that
// is the same for every request: settings are folded in, and rules that cannot
// match, that are skipped, or that only set such settings are gone.
//
// It holds for every request on which no rule of Rules matches, the Silent ones
// aside: on such a request no other rule of phases 1 and 2 matches in Coraza
// either, but those that match every request and leave no trace. If a rule of
// Rules that is not Silent matches, nothing is said about the rest. A Silent
// rule may match: what it does then can only take rules or targets out of what
// Coraza evaluates, but for its ctl actions on the body (requestBodyProcessor,
// requestBodyAccess, requestBodyLimit, forceRequestBodyVariable), which the
// reader has to follow. So it has for those of the inner links of any rule,
// which act as soon as the links up to them match.
//
// What is TXUnsure is set by an inner link in the same way, by a capture or by
// Coraza: the reader has to follow that too, or flag.
type Live struct {
	Rules []LiveRule // phase 1, then phase 2, in the order of evaluation
	// Ctls are carried out for every request; those that remove rules and
	// targets are not here, since they are applied.
	Ctls []Ctl
	TX   *TX // after phase 2
}

// LiveRule is a rule that may match some requests and not others, or one that
// matches always and leaves a trace.
type LiveRule struct {
	ID, Phase int
	// Links are the rule and its chain, as copies: macros on settings are put
	// in, and targets that are excluded for every request are among Except. The
	// chain may be shorter than in the file, if what an inner link does upsets
	// the plan: its match then counts as one of the rule.
	Links []LiveLink
	// Always says that every link matches whatever the request.
	Always bool
	// Silent says that a match leaves no trace in verdict, score or log. See
	// Live.
	Silent bool
	// TX is what is known of the TX collection when the rule runs.
	TX *TX
	// Source is the rule as read.
	Source *Rule
}

// LiveLink is one link of a chain.
type LiveLink struct {
	*Rule
	Always bool // the link matches whatever the request
}

// Live folds the rules of phases 1 and 2. The variables of initial are taken
// for set before the first rule, by key in any case; nil is usual, since a set
// has its settings in its own SecActions.
func (s *Set) Live(initial map[string]string) *Live { return s.fold(initial).live }

func (s *Set) fold(initial map[string]string) *folder {
	f := &folder{
		set: s, live: &Live{}, tx: &TX{vars: map[string]txValue{}},
		removed: map[int]bool{}, except: map[int][]Ctl{}, settled: map[*Rule]bool{}, hopeless: map[*Rule]bool{},
	}
	for key, value := range initial {
		f.tx.put(strings.ToLower(key), value)
	}
	f.phase(PhaseRequestHeaders)
	f.phase(PhaseRequestBody)
	f.live.TX = f.tx
	f.settle()
	return f
}
