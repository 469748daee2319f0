// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe/finding"
)

func TestAComparisonClaimsOnlyWhatWasTested(t *testing.T) {
	drop := func(r *Run, id string) {
		r.Findings = slices.DeleteFunc(r.Findings, func(f finding.Finding) bool { return f.Kind.ID == id })
	}
	for _, tt := range []struct {
		name                       string
		front, behind              func(*Run)
		closed, open, fresh, doubt []string
		code                       int
	}{
		{"what is gone is closed, what stays is open", func(r *Run) { drop(r, "object-read-by-other") }, nil, []string{"object-read-by-other"}, []string{"server-banner"}, nil, nil, Found},
		{"all is closed", func(r *Run) { r.Findings = nil }, nil, []string{"object-read-by-other", "server-banner"}, nil, nil, nil, Clean},
		{"an operation that the front never answered", func(r *Run) { r.Findings, r.Operations[0].Reached = nil, false }, nil, nil, nil, nil, []string{"object-read-by-other", "server-banner"}, Untested},
		{"a check that did not run", func(r *Run) { r.Findings, r.Checks[1].Operations, r.Checks[1].Skipped = nil, 0, "forbidden" }, nil, []string{"object-read-by-other"}, nil, nil, []string{"server-banner"}, Untested},
		{"a front that was not up", func(r *Run) { r.Findings, r.Failed = nil, "nobody answers" }, nil, nil, nil, nil, []string{"object-read-by-other", "server-banner"}, Untested},
		{"a flaw of the gateway's own", nil, func(r *Run) { drop(r, "server-banner") }, nil, []string{"object-read-by-other"}, []string{"server-banner"}, nil, Found},
		{"an indication behind is none", func(r *Run) { r.Findings = nil }, func(r *Run) { r.Findings = r.Findings[1:2] }, nil, nil, nil, nil, Clean},
	} {
		t.Run(tt.name, func(t *testing.T) {
			behind, front := example(), example()
			if tt.front != nil {
				tt.front(front)
			}
			if tt.behind != nil {
				tt.behind(behind)
			}
			c := Compare(behind, front, finding.Low)
			ids := func(list []finding.Finding) (ids []string) {
				for _, f := range list {
					ids = append(ids, f.Kind.ID)
				}
				return ids
			}
			if diff := cmp.Diff([][]string{tt.closed, tt.open, tt.fresh, tt.doubt}, [][]string{ids(c.Closed), ids(c.Open), ids(c.New), ids(c.Unsure)}); diff != "" {
				t.Error(diff)
			}
			if got := c.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
			var b bytes.Buffer
			if err := c.Text(&b); err != nil || strings.Contains(b.String(), "\x1b") {
				t.Error(err, b.String())
			}
			for _, f := range slices.Concat(c.Closed, c.Open, c.New, c.Unsure) {
				if !strings.Contains(b.String(), f.Kind.ID+"  "+place(&f)) {
					t.Errorf("%s is missing in %s", f.Kind.ID, b.String())
				}
			}
			if err := c.JSON(&b); err != nil {
				t.Error(err)
			}
		})
	}
}
