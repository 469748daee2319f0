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
	ID       string   `json:"id"`             // "object-read-by-other", unique, kebab case
	Title    string   `json:"title"`          // a sentence without a full stop
	CWE      int      `json:"cwe,omitzero"`   // of the Common Weakness Enumeration
	OWASP    string   `json:"owasp,omitzero"` // "API1:2023"
	Severity Severity `json:"severity"`       // unless the finding says otherwise
	// Oracle says in a sentence what is compared with what.
	Oracle string `json:"oracle,omitzero"`
	// Fix names the Durward configuration that closes it, as YAML lines below an
	// API or operation; empty where no gateway can.
	Fix string `json:"fix,omitzero"`
	// Advice is what the service's developers should do.
	Advice string `json:"advice,omitzero"`
}

// Step is one exchange of the evidence, secrets masked in what is shown.
type Step struct {
	// Why says what the step is for: "control: the owner reads it".
	Why string `json:"why"`
	// Method is the request's.
	Method string `json:"method"`
	// Curl is one line that repeats the request; credentials are shell variables
	// such as $TOKEN_ALICE.
	Curl   string `json:"curl"`
	Status int    `json:"status"`
	// Excerpt is the part of the answer that matters, at most 500 bytes.
	Excerpt string        `json:"excerpt,omitzero"`
	Took    time.Duration `json:"took_ns"`
}

// Finding is one thing found at one place.
type Finding struct {
	Kind       Kind       `json:"kind"`
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Operation  string     `json:"operation,omitzero"` // ID
	Method     string     `json:"method,omitzero"`
	Path       string     `json:"path,omitzero"` // template
	// Where is the place in the request or answer: "path.id", "query.q",
	// "body#/role", "header.Server"; empty for the operation as a whole.
	Where string `json:"where,omitzero"`
	// Detail says in one or two sentences what happened, without secrets.
	Detail string `json:"detail"`
	// Steps repeat it. The last one with the operation's own method shows it, for
	// what comes behind a change only reads it back; else the last one.
	Steps []Step `json:"steps"`
	// Accepted is the reason of the baseline that accepts it, else empty.
	Accepted string `json:"accepted,omitzero"`
}

// Fingerprint identifies a finding over runs: kind, operation, place.
func (f *Finding) Fingerprint() string {
	return f.Kind.ID + " " + f.Method + " " + f.Path + " " + f.Where
}
