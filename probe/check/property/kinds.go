// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package property tests single members of objects (OWASP API3:2023): whether a
// request can set those that are not the caller's to set, and whether answers
// show those that nobody needs to see.
//
// A member counts as set when it is read back with the value that was sent, while
// the same call without it leaves another. A member counts as shown when its name
// or form says that it is a secret, or personal and beyond the document.
package property

import (
	"durward/probe/check"
	"durward/probe/finding"
)

const owasp = "API3:2023"

var (
	assigned = finding.Kind{
		ID: "mass-assignment", Title: "A request sets a member that is not the caller's to set", CWE: 915, OWASP: owasp, Severity: finding.High,
		Oracle: "The call with the member is taken and the member is read back with the sent value; the same call without it leaves another value. Or a member of a group, let in with a low role, has its owner's role after a call of their own, as the owner reads it.",
		Fix:    "validation: {additional_properties: refuse, read_only: refuse}\n",
		Advice: "Copy the members that a request may set one by one; never bind a body to a record.",
	}
	exposed = finding.Kind{
		ID: "sensitive-data-exposed", Title: "An answer shows secrets or personal data", CWE: 200, OWASP: owasp, Severity: finding.High,
		Oracle: "A member named or formed like a secret that the caller did not send; or personal data of somebody else in a member that the document's answer does not have.",
		Fix:    "response: {contract: {undeclared_fields: strip, write_only: strip}}\n",
		Advice: "Answer with members that you list, not with records.",
	}
	echoed = finding.Kind{
		ID: "write-only-exposed", Title: "An answer holds a member that is for requests only", CWE: 200, OWASP: owasp, Severity: finding.Medium,
		Oracle: "The member is writeOnly in the document or is a password, and the answer repeats what the caller sent in it.",
		Fix:    "response: {contract: {undeclared_fields: strip, write_only: strip}}\n",
		Advice: "Leave passwords and the like out of all answers.",
	}
)

// Checks are the tests of this package.
func Checks() []check.Check {
	return []check.Check{
		{Name: "data-exposure", Kinds: []finding.Kind{exposed, echoed}, Operation: exposures},
		{Name: "mass-assignment", Kinds: []finding.Kind{assigned}, Writes: true, Operation: assign},
	}
}
