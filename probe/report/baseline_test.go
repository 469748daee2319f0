// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/probe/finding"
)

func TestABaselineAcceptsWhatItNamesUntilItsLastDay(t *testing.T) {
	const known = "accepted:\n  - finding: object-read-by-other\n    operation: GET /orders/{id}\n    where: path.id\n    reason: orders are public\n    until: 2027-01-31\n"
	for _, tt := range []struct {
		name, baseline, now string
		accepted            []string
		notes               []string
	}{
		{"by kind, operation and place", known, "2026-11-22T00:00:00Z", []string{"orders are public", "", ""}, nil},
		{"to the end of the last day", known, "2027-01-31T23:59:59Z", []string{"orders are public", "", ""}, nil},
		{"and not the day after", known, "2027-02-01T00:00:00Z", []string{"", "", ""}, []string{"the baseline accepted object-read-by-other at GET /orders/{id} path.id until 2027-01-31, which is over"}},
		{"days are those of UTC", known, "2027-02-01T01:00:00+02:00", []string{"orders are public", "", ""}, nil},
		{"on every operation", "accepted:\n  - {finding: server-banner, operation: '*', reason: harmless, until: 2027-01-31}\n", "2026-11-22T00:00:00Z", []string{"", "", "harmless"}, nil},
		{"a stale line is told", "accepted:\n  - {finding: server-banner, operation: GET /gone, reason: harmless, until: 2027-01-31}\n", "2026-11-22T00:00:00Z", []string{"", "", ""},
			[]string{"the baseline accepts server-banner at GET /gone, which was not found"}},
		{"an empty one accepts nothing", "accepted: []\n", "2026-11-22T00:00:00Z", []string{"", "", ""}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := ParseBaseline("baseline.yaml", []byte(tt.baseline))
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			r := example()
			notes := b.Apply(r.Findings, now)
			var accepted []string
			for _, f := range r.Findings {
				accepted = append(accepted, f.Accepted)
			}
			if diff := cmp.Diff(tt.accepted, accepted) + cmp.Diff(tt.notes, notes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFaultsOfABaselineAreToldWithTheirLine(t *testing.T) {
	_, err := ParseBaseline("b.yaml", []byte("accepted:\n  - finding: x\n    operation: users\n    until: soon\n  - operation: '*'\n    reason: because\n    until: 2027-13-01\n"))
	if err == nil {
		t.Fatal("it was read")
	}
	for _, want := range []string{"b.yaml:3", "operation", "reason: says not why", "b.yaml:4", "finding: names no finding", "b.yaml:7"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, err := ParseBaseline("b.yaml", []byte("accept: []\n")); err == nil {
		t.Error("an unknown field was read")
	}
}

func TestAWrittenBaselineAcceptsTheRunItWasMadeOf(t *testing.T) {
	r := example()
	r.Findings = append(r.Findings, finding.Finding{Kind: slow, Severity: finding.Medium, Confidence: finding.Firm, Where: hostile})
	var b bytes.Buffer
	if err := WriteBaseline(&b, r.Findings, `a "reason": # ${HOME}`, "2027-01-31"); err != nil {
		t.Fatal(err)
	}
	base, err := ParseBaseline("b.yaml", b.Bytes())
	if err != nil {
		t.Fatal(err, b.String())
	}
	notes := base.Apply(r.Findings, r.Started)
	if code := r.ExitCode(finding.Info, 0); code != Clean || len(notes) > 0 {
		t.Error(code, notes, b.String())
	}
	b.Reset()
	if err := WriteBaseline(&b, nil, "none", "2027-01-31"); err != nil {
		t.Fatal(err)
	}
	if base, err := ParseBaseline("b.yaml", b.Bytes()); err != nil || len(base.Accepted) > 0 {
		t.Error(err)
	}
	if WriteBaseline(&b, nil, " ", "2027-01-31") == nil || WriteBaseline(&b, nil, "x", "") == nil {
		t.Error("a baseline without a reason or day was written")
	}
}

func FuzzParseBaseline(f *testing.F) {
	f.Add([]byte("accepted:\n  - {finding: a, operation: '*', reason: b, until: 2027-01-31}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := ParseBaseline("b.yaml", data); err == nil {
			b.Apply(example().Findings, time.Unix(0, 0))
		}
	})
}
