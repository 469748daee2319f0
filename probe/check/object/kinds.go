// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package object tests with two users whether one gets at what is the other's:
// reads it, finds it in a list, changes it, deletes it (OWASP API1:2023).
//
// The owner's own call is the control. What is for all to see is recognised: by
// what the other user's own lists show, by members that say so, and by what the
// thing is. A change and a deletion count when the owner sees them.
package object

import (
	"durward/probe/check"
	"durward/probe/finding"
)

const (
	owasp = "API1:2023"
	fix   = "authorize:\n  owner: [{operations: [getOrder], claim: sub, equals: path.user}]  # or objects with a directory that knows the owners\n"
)

var (
	read = finding.Kind{
		ID: "object-read-by-other", Title: "A user reads what belongs to another", CWE: 639, OWASP: owasp, Severity: finding.High,
		Oracle: "The owner reads the object; another user sends the same call and gets values of it that are in none of that user's own lists and answers.",
		Fix:    fix,
		Advice: "Look the object up together with its owner (WHERE id = ? AND owner = ?), for every identifier that a request brings.",
	}
	list = finding.Kind{
		ID: "object-list-of-other", Title: "A list shows what belongs to others", CWE: 639, OWASP: owasp, Severity: finding.High,
		Oracle: "One user makes an object of a kind that is private by nature or by the document; another user's list shows it.",
		Fix:    fix,
		Advice: "Filter lists by the caller, not by what the request says.",
	}
	changed = finding.Kind{
		ID: "object-changed-by-other", Title: "A user changes what belongs to another", CWE: 639, OWASP: owasp, Severity: finding.High,
		Oracle: "The owner reads the object before and after another user's call; it differs, and holds what the other sent.",
		Fix:    fix,
		Advice: "Check the owner before a change, in the same transaction.",
	}
	deleted = finding.Kind{
		ID: "object-deleted-by-other", Title: "A user deletes what belongs to another", CWE: 639, OWASP: owasp, Severity: finding.High,
		Oracle: "The owner reads or lists an object of their own; after another user's deletion it is gone.",
		Fix:    fix,
		Advice: "Check the owner before a deletion, in the same transaction.",
	}
)

// Checks are the tests of this package.
func Checks() []check.Check {
	return []check.Check{
		{Name: "object-access", Kinds: []finding.Kind{read, list, changed, deleted}, Writes: true, Operation: operation},
	}
}
