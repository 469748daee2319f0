// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package strength decides whether a change of the configuration protects
// less, as well, or more. It holds one rule for each field that a document can
// set, compares two documents field by field, and says of each difference
// whether it is weaker, stronger or neutral, and why.
//
// Threat: protection that is lost by accident: a merge that drops a rule, a
// limit with a zero too many, a default that was meant for one API only.
//
// Weaker means: some request that was refused, also when it leaves out
// credentials, may now be allowed, or an attempt may leave less evidence.
//
// Failure policy: what has no rule, or cannot be ordered, counts as weaker.
// Package config holds the rules against its types: a field without one fails
// a test. It keeps no state.
package strength

import (
	"fmt"
	"slices"
	"strings"
)

// Label says what a change does to the protection.
type Label uint8

const (
	// Weaker is the zero value: a change that nobody judged is the worst one.
	Weaker Label = iota
	Neutral
	Stronger
)

var labels = [...]string{"weaker", "neutral", "stronger"}

func (l Label) String() string { return labels[l] }

// MarshalText writes the label's name.
func (l Label) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Side is one of the two documents, as far as a change is about it.
type Side struct {
	// Field is the field's path; empty where this side has no such thing.
	Field string `json:"field,omitempty"`
	// File and Line say where the field stands, or what it stands in.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Value is as the document would say it; secrets are not shown.
	Value string `json:"value"`
}

// Change is one difference of two documents.
type Change struct {
	Label Label `json:"label"`
	// Field is the path of what changed: that of the new document, where it has one.
	Field  string `json:"field"`
	Old    Side   `json:"old"`
	New    Side   `json:"new"`
	Reason string `json:"reason"`
	// Operations are those concerned, as API/operation. Empty with Everything.
	Operations []string `json:"operations"`
	// Everything tells that the change is not about single APIs.
	Everything bool `json:"everything"`
}

// Changes are all differences of two documents, weaker ones first.
type Changes []Change

// Weaker gives those that weaken.
func (c Changes) Weaker() Changes {
	var out Changes
	for _, one := range c {
		if one.Label == Weaker {
			out = append(out, one)
		}
	}
	return out
}

// Count tells how many have the label.
func (c Changes) Count(l Label) int {
	n := 0
	for i := range c {
		if c[i].Label == l {
			n++
		}
	}
	return n
}

// Summary is the changes in one line of at most about a thousand bytes, for
// records: how many of each label, and the fields that are weaker.
func (c Changes) Summary() string {
	const most = 10
	s := fmt.Sprintf("%d weaker, %d stronger, %d neutral", c.Count(Weaker), c.Count(Stronger), c.Count(Neutral))
	var fields []string
	for _, one := range c.Weaker() {
		if f := cut(one.Field, 80); !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return s
	}
	if n := len(fields) - most; n > 0 {
		return s + "; weaker: " + strings.Join(fields[:most], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return s + "; weaker: " + strings.Join(fields, ", ")
}

// Sort brings the changes into their order: weaker, neutral last, and by field.
func (c Changes) Sort() {
	rank := func(l Label) int { return [...]int{Weaker: 0, Stronger: 1, Neutral: 2}[l] }
	slices.SortStableFunc(c, func(a, b Change) int {
		if d := rank(a.Label) - rank(b.Label); d != 0 {
			return d
		}
		return strings.Compare(a.Field, b.Field)
	})
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
