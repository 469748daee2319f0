// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package finding has the words in which a test run tells what it found.
package finding

import "time"

// Severity is how bad a finding is when it is true.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Confidence is how sure the oracle is.
type Confidence string

// The confidences. Firm and Certain count for the exit code; Tentative is shown
// only on demand.
const (
	Certain   Confidence = "certain"   // the harm itself was observed
	Firm      Confidence = "firm"      // repeated, and different from the control
	Tentative Confidence = "tentative" // an indication
)

// Kind is one check: what can be found by it.
type Kind struct {
	ID       string   // "object-read-by-other", unique, kebab case
	Title    string   // a sentence without a full stop
	CWE      int      // of the Common Weakness Enumeration
	OWASP    string   // "API1:2023"
	Severity Severity // unless the finding says otherwise
	// Oracle says in a sentence what is compared with what.
	Oracle string
	// Fix names the Durward configuration that closes it, as YAML lines below an
	// API or operation; empty where no gateway can.
	Fix string
	// Advice is what the service's developers should do.
	Advice string
}

// Step is one exchange of the evidence, secrets masked in what is shown.
type Step struct {
	// Why says what the step is for: "control: the owner reads it".
	Why string
	// Curl is one line that repeats the request; credentials are shell variables
	// such as $TOKEN_ALICE.
	Curl   string
	Status int
	// Excerpt is the part of the answer that matters, at most 500 bytes.
	Excerpt string
	Took    time.Duration
}

// Finding is one thing found at one place.
type Finding struct {
	Kind       Kind
	Severity   Severity
	Confidence Confidence
	Operation  string // ID
	Method     string
	Path       string // template
	// Where is the place in the request or answer: "path.id", "query.q",
	// "body#/role", "header.Server"; empty for the operation as a whole.
	Where string
	// Detail says in one or two sentences what happened, without secrets.
	Detail string
	// Steps repeat it; the last one shows it.
	Steps []Step
	// Accepted is the reason of the baseline that accepts it, else empty.
	Accepted string
}

// Fingerprint identifies a finding over runs: kind, operation, place.
func (f *Finding) Fingerprint() string {
	return f.Kind.ID + " " + f.Method + " " + f.Path + " " + f.Where
}
