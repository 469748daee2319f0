// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package match decides which of many patterns occur in one short text: the
// regular expressions (@rx) and phrase lists (@pm, @pmFromFile) of a rule set,
// with exactly the verdicts of Coraza's operators, but in one pass for all.
//
// Expressions have RE2 syntax and the meaning of Go's regexp over any bytes:
// what is not UTF-8 counts as U+FFFD, one byte at a time. Expressions that name
// bytes that are not UTF-8 are held against single bytes, as Coraza does
// (rsc.io/binaryregexp). Phrases ignore ASCII case.
//
// How: each pattern is reduced to windows, short sequences of byte sets of which
// one must occur in every match; one scan over the text finds the windows of all
// patterns, two table look-ups a byte (after Hyperscan, Wang et al., NSDI 2019).
// What a window points to is verified by a deterministic automaton that is built
// while it runs (after RE2, Cox 2010), first only from where the window stands.
//
// Threat: a client chooses the text, so that automata grow and windows hit all
// the time. Memory is bounded by Options.MaxMemory for all automata of a Cache;
// when it is spent or new states come too fast, the same machine is simulated
// step by step, which needs no memory and takes time linear in the text for a
// given pattern. The verdict is exact in every case: there is no failure at
// run time. A pattern that does not compile is an error of NewSet.
//
// State kept: the automata's states, shared by all goroutines that use a Set.
package match
