// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report writes down what a test run did and found: for people (Text,
// HTML), for programs (JSON), and for the tools of a build (JUnit, SARIF 2.1.0).
// A baseline accepts known findings with a reason and a last day.
//
// Whatever the tested service sent is untrusted: text for terminals has no
// control characters, HTML and XML are escaped, and nothing is fetched when a
// report is opened. Findings come with their secrets already masked.
package report

import (
	"slices"
	"strings"
	"time"

	"durward/probe/finding"
)

// Run is what one run did.
type Run struct {
	// Version is that of the program.
	Version string `json:"version"`
	// Target is the base URL that was tested, without credentials.
	Target string `json:"target"`
	// API and APIVersion are the document's title and version.
	API        string `json:"api"`
	APIVersion string `json:"api_version"`
	// Seed repeats the run.
	Seed uint64 `json:"seed"`
	// Started and Took are the only members that differ between runs with the
	// same seed against a service that answers the same.
	Started  time.Time     `json:"started"`
	Took     time.Duration `json:"took_ns"`
	Requests int           `json:"requests"`
	// Stopped says why the run ended before its end ("interrupted", "budget of
	// requests", "time"); empty when it is whole.
	Stopped string `json:"stopped,omitempty"`
	// Failed says why nothing could be tested; empty when it could.
	Failed string `json:"failed,omitempty"`
	// Users are the names of those it acted as.
	Users      []string    `json:"users"`
	Operations []Operation `json:"operations"`
	Checks     []Check     `json:"checks"`
	// Findings are in the order of Rank.
	Findings []finding.Finding `json:"findings"`
	// Notes are what a reader must know: parts of the document left out, things
	// that could not be deleted, stale lines of the baseline.
	Notes []string `json:"notes,omitempty"`
}

// Operation is one operation and whether it was reached.
type Operation struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Reached tells that some call of it was answered 2xx.
	Reached bool `json:"reached"`
	// Why says what is known when it was not: "last answer 404: no such order".
	Why string `json:"why,omitempty"`
	// Answers counts answers by status.
	Answers map[int]int `json:"answers,omitempty"`
}

// Check is one check and what became of it.
type Check struct {
	Name string `json:"name"`
	// Kinds are the ids of what it can find.
	Kinds []string `json:"kinds"`
	// Operations is on how many it ran to its end.
	Operations int `json:"operations"`
	Requests   int `json:"requests"`
	// Skipped says why it did not run, or not on all; empty when it did.
	Skipped string `json:"skipped,omitempty"`
}

// Reached counts the operations that were reached, and all.
func (r *Run) Reached() (reached, all int) {
	for _, o := range r.Operations {
		if o.Reached {
			reached++
		}
	}
	return reached, len(r.Operations)
}

var severities = []finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Info}
var confidences = []finding.Confidence{finding.Certain, finding.Firm, finding.Tentative}

// AtLeast tells that a severity is as bad as another, or worse. An unknown one
// is the worst.
func AtLeast(s, least finding.Severity) bool {
	return slices.Index(severities, s) <= slices.Index(severities, least)
}

// Counts tells that a finding is one to fail for: as bad as least, observed or
// confirmed by repetition, and not accepted.
func Counts(f *finding.Finding, least finding.Severity) bool {
	return f.Accepted == "" && f.Confidence != finding.Tentative && AtLeast(f.Severity, least)
}

// Rank puts findings in order, worst and surest first, and then by kind and
// place, and drops those with the fingerprint of an earlier one.
func Rank(all []finding.Finding) []finding.Finding {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b finding.Finding) int {
		if d := slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity); d != 0 {
			return d
		}
		if d := slices.Index(confidences, a.Confidence) - slices.Index(confidences, b.Confidence); d != 0 {
			return d
		}
		return strings.Compare(a.Fingerprint(), b.Fingerprint())
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(sorted, func(f finding.Finding) bool {
		print := f.Fingerprint()
		was := seen[print]
		seen[print] = true
		return was
	})
}

// Exit codes of a run.
const (
	Clean    = 0 // tested, and nothing found that counts
	Found    = 1
	Untested = 2 // could not test, or too little was reached
)

// ExitCode says what a program that ran this ends with. coverage is the least
// share of operations that must have been reached, 0 to 1. What was found
// outweighs what was not reached.
func (r *Run) ExitCode(least finding.Severity, coverage float64) int {
	if slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return Counts(&f, least) }) {
		return Found
	}
	reached, all := r.Reached()
	if r.Failed != "" || r.Stopped != "" || float64(reached) < coverage*float64(all) {
		return Untested
	}
	return Clean
}

// group is the findings of one kind, severity and confidence.
type group struct {
	Kind       finding.Kind
	Severity   finding.Severity
	Confidence finding.Confidence
	Findings   []finding.Finding
}

// groups gathers ranked findings, those that are accepted or tentative left to
// the caller's choice.
func groups(all []finding.Finding, keep func(*finding.Finding) bool) []group {
	var list []group
	at := map[string]int{}
	for _, f := range all {
		if !keep(&f) {
			continue
		}
		key := f.Kind.ID + " " + string(f.Severity) + " " + string(f.Confidence)
		i, ok := at[key]
		if !ok {
			i = len(list)
			at[key] = i
			list = append(list, group{Kind: f.Kind, Severity: f.Severity, Confidence: f.Confidence})
		}
		list[i].Findings = append(list[i].Findings, f)
	}
	return list
}
