// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package seclang reads firewall rules written in SecLang, the language of
// ModSecurity and Coraza, into typed Go values, so that the gate of the
// firewall can be compiled from the very same files that Coraza loads.
//
// Coraza remains the judge. What this package returns is a description of what
// Coraza v3 will do with the text: the same rules in the same order, with the
// default actions merged, t:none resolved, exclusions applied and variables
// read as Coraza's parser reads them, its peculiarities included, since a gate
// built on another reading would not be sound. Where the reading is not certain
// (an operator or an action of a plugin, say) the rule carries the reason in
// Unknown, and who relies on the rule must leave the request to Coraza.
//
// Failure policy: an unknown directive, a malformed rule or an unreadable file
// is an error with file and line; nothing is skipped in silence. Some things
// that Coraza passes over without a word are errors here, because rules would
// be lost: a line of 64 KiB or more (Coraza stops reading the file there), a
// continued line at the end of a file, SecIgnoreRuleCompilationErrors On,
// SecRuleScript and SecRuleUpdateTargetByMsg. So is a rule without an id, which
// nobody could name or exclude, and a SecRuleRemoveByMsg on which Coraza would
// panic.
//
// The package keeps no state; a Parser is for one goroutine, a Set may be read
// by many.
//
// Sources: the SecLang reference of Coraza (coraza.io/docs/seclang) and the
// behaviour of github.com/corazawaf/coraza/v3 v3.8.1, to which the tests
// compare.
package seclang
