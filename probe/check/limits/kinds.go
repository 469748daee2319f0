// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits

import "durward/probe/finding"

var (
	pageUnbounded = finding.Kind{
		ID: "page-size-unbounded", Title: "A number in the request decides how large the answer gets", CWE: 770, OWASP: "API4:2023", Severity: finding.Medium,
		Oracle: "Asked for 100,000, twice, the answer has more than 1,000 items or more than the document's own maximum, and 20 times what it has for a small number.",
		Fix:    "validation: {mode: enforce}  # with a maximum for the parameter in the contract",
		Advice: "Give every number that decides on an amount a maximum, and cut or refuse what is above it.",
	}
	slowInput = finding.Kind{
		ID: "slow-input", Title: "A short text makes the service work for long", CWE: 1333, OWASP: "API4:2023", Severity: finding.Medium,
		Oracle: "A few characters more make the answer take many times as long, three times out of three, while a text of the same kind that is a little shorter is answered at once.",
		Fix:    "validation: {mode: enforce}  # with maxLength for the place in the contract",
		Advice: "Bound the length of texts before a pattern sees them, and use patterns or engines without backtracking (RE2).",
	}
	inflateUnbounded = finding.Kind{
		ID: "decompression-unbounded", Title: "Compressed content is unpacked without a bound", CWE: 409, OWASP: "API4:2023", Severity: finding.Medium,
		Oracle: "Content that unpacks to 12 MiB is accepted as the same content is when it is small, twice.",
		Fix:    "validation: {max_decompressed: 4MiB, max_ratio: 100}",
		Advice: "Bound what is unpacked, not only what is received, or take no compressed requests.",
	}
	deepFails = finding.Kind{
		ID: "deep-content-fails", Title: "Deeply nested content makes the service fail", CWE: 674, OWASP: "API4:2023", Severity: finding.Info,
		Oracle: "JSON of 20,000 levels is answered 5xx or not at all, twice, and JSON of 5 levels at the same place is not.",
		Fix:    "validation: {max_depth: 32}",
		Advice: "Bound the depth when parsing.",
	}
	noRateLimit = finding.Kind{
		ID: "no-rate-limit", Title: "Requests are not limited", CWE: 770, OWASP: "API4:2023", Severity: finding.Info,
		Oracle: "Forty reads in a row are all answered well and none names a limit.",
		Fix:    "rate_limit: {per_address: 20/s}",
		Advice: "Limit requests for each caller, and say so in RateLimit fields.",
	}
	loginUnlimited = finding.Kind{
		ID: "login-without-limit", Title: "Passwords may be tried as often as anybody likes", CWE: 307, OWASP: "API2:2023", Severity: finding.Medium,
		Oracle: "Thirty failed logins of one name in a row are all answered alike and as fast as the first: no 429, no lock, no delay, and the right password still works.",
		Fix:    "rate_limit: {per_address: 10/m}",
		Advice: "Slow down and lock after failures, by account and by address.",
	}
	userEnumeration = finding.Kind{
		ID: "user-enumeration", Title: "Failed logins tell who is a user", CWE: 204, OWASP: "API2:2023", Severity: finding.Low,
		Oracle: "Wrong passwords of a user whose right one is taken are answered otherwise than those of a name that nobody has, twice each.",
		Fix:    "# a rate limit slows down who asks for many names:\nrate_limit: {per_address: 10/m}",
		Advice: "Answer every failed login with the same status and words, and do the same work for names that nobody has.",
	}
)
