// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"durward/internal/strictyaml"
	"durward/probe/finding"
)

// Baseline is the known findings that somebody has accepted.
type Baseline struct {
	Accepted []Acceptance `yaml:"accepted"`
}

// Acceptance accepts the findings of one kind at one place until a day.
type Acceptance struct {
	// Finding is the kind's id.
	Finding string `yaml:"finding"`
	// Operation is "GET /users/{id}", or "*" for every one.
	Operation string `yaml:"operation"`
	// Where is the place, as the report has it; empty for every one.
	Where string `yaml:"where"`
	// Reason says why it may stay.
	Reason string `yaml:"reason"`
	// Until is the last day that it holds, as 2027-01-31 (UTC). It must be given:
	// what is accepted for ever is forgotten.
	Until string `yaml:"until"`
}

const day = "2006-01-02"

// ParseBaseline reads a baseline. Every fault is reported, with its line.
func ParseBaseline(name string, data []byte) (*Baseline, error) {
	var b Baseline
	doc, err := strictyaml.Decode(data, &b, strictyaml.Options{Name: name})
	if err != nil {
		return nil, err
	}
	var faults []error
	for i, a := range b.Accepted {
		at := fmt.Sprintf("accepted[%d]", i)
		fault := func(field, reason string) {
			faults = append(faults, doc.Fault(at+"."+field, reason))
		}
		if a.Finding == "" {
			fault("finding", "names no finding")
		}
		if method, path, ok := strings.Cut(a.Operation, " "); a.Operation != "*" && (!ok || method == "" || !strings.HasPrefix(path, "/")) {
			fault("operation", `must be as "GET /users/{id}", or "*"`)
		}
		if strings.TrimSpace(a.Reason) == "" {
			fault("reason", "says not why the finding may stay")
		}
		if _, err := time.Parse(day, a.Until); err != nil {
			fault("until", "must be the last day, as 2027-01-31")
		}
	}
	return &b, errors.Join(faults...)
}

// Apply marks the findings that are accepted at the time now, and says which
// lines have run out or accept nothing.
func (b *Baseline) Apply(findings []finding.Finding, now time.Time) (notes []string) {
	for _, a := range b.Accepted {
		until, err := time.Parse(day, a.Until)
		expired := err != nil || now.UTC().After(until.AddDate(0, 0, 1).Add(-time.Nanosecond))
		hits := 0
		for i := range findings {
			f := &findings[i]
			if a.Finding != f.Kind.ID || (a.Operation != "*" && a.Operation != place(f)) || (a.Where != "" && a.Where != printable(f.Where)) {
				continue
			}
			hits++
			if !expired {
				f.Accepted = a.Reason
			}
		}
		switch name := strings.TrimSpace(a.Finding + " at " + a.Operation + " " + a.Where); {
		case hits == 0:
			notes = append(notes, "the baseline accepts "+name+", which was not found")
		case expired:
			notes = append(notes, "the baseline accepted "+name+" until "+a.Until+", which is over")
		}
	}
	return notes
}

// WriteBaseline writes a baseline that accepts the findings that count, for one
// reason and until one day.
func WriteBaseline(w io.Writer, findings []finding.Finding, reason, until string) error {
	if _, err := time.Parse(day, until); err != nil || strings.TrimSpace(reason) == "" {
		return errors.New("a baseline needs a reason and a last day, as 2027-01-31")
	}
	var s strings.Builder
	s.WriteString("accepted:")
	n := 0
	for _, f := range findings {
		if f.Confidence == finding.Tentative || f.Severity == finding.Info {
			continue
		}
		n++
		operation := "*"
		if f.Path != "" {
			operation = place(&f)
		}
		fmt.Fprintf(&s, "\n  - finding: %s\n    operation: %s\n", f.Kind.ID, quote(operation))
		if f.Where != "" {
			fmt.Fprintf(&s, "    where: %s\n", quote(printable(f.Where)))
		}
		why := reason
		if f.Accepted != "" {
			why = f.Accepted
		}
		fmt.Fprintf(&s, "    reason: %s\n    until: %s\n", quote(why), quote(until))
	}
	if n == 0 {
		s.WriteString(" []\n")
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// quote is text as a YAML scalar from which nothing is substituted.
func quote(s string) string {
	return strings.ReplaceAll(strconv.Quote(printable(s)), "${", "$${")
}
