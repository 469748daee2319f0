// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package tamper

import "durward/probe/finding"

// What the package finds. Package fuzz finds UnhandledError as well.
var (
	NegativeAccepted = finding.Kind{
		ID: "negative-accepted", Title: "A quantity or an amount below zero is taken", CWE: 1284, OWASP: "API6:2023", Severity: finding.Medium,
		Oracle: "The call with a positive number works; with the number negated it is answered 2xx and the negative number comes back where the positive one did, or a balance that went one way goes the other, twice.",
		Fix:    "validation: {mode: enforce}  # with minimum: 0 in the document",
		Advice: "Give every quantity and amount a lower bound in the document, and refuse what is below it before anything is counted.",
	}
	BoundaryAccepted = finding.Kind{
		ID: "boundary-accepted", Title: "A value beyond the document's bounds is taken", CWE: 1284, OWASP: "API8:2023", Severity: finding.Low,
		Oracle: "The valid call works and gives the value back; with a value outside minimum, maximum or enum it is answered 2xx and gives that one back, twice.",
		Fix:    "validation: {mode: enforce}",
		Advice: "Hold input against the document's schema, and refuse what breaks it with 400 or 422.",
	}
	InvalidAccepted = finding.Kind{
		ID: "invalid-input-accepted", Title: "Input that the document forbids is taken", CWE: 20, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "The valid call works and gives the value back; with one of the wrong type, length, format or pattern it is answered 2xx and gives that one back, twice.",
		Fix:    "validation: {mode: enforce}",
		Advice: "Hold input against the document's schema, and refuse what breaks it with 400 or 422.",
	}
	UnhandledError = finding.Kind{
		ID: "unhandled-error", Title: "Input ends in an error of the service", CWE: 755, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "The valid call is answered 2xx, the changed one twice with a status of class 5 other than 501 and 503, and the valid one works after it. Low where the document allows the input and it is none that careful services seldom think of (NUL, numbers beyond 32 bits).",
		Fix:    "validation: {mode: enforce}\nresponse: {errors: mask}",
		Advice: "Check input before it is used, and answer 400 or 422; look for the error in the service's log.",
	}
)
