// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"durward/probe/finding"
)

// Comparison is what a gateway makes of a service's flaws: the same tests run
// against the service itself and through the gateway.
type Comparison struct {
	Behind *Run `json:"behind"` // the service itself
	Front  *Run `json:"front"`  // through the gateway
	// Closed are the findings behind that the front does not have, Open those
	// that both have, and New those of the front alone.
	Closed []finding.Finding `json:"closed"`
	Open   []finding.Finding `json:"open"`
	New    []finding.Finding `json:"new"`
	// Unsure are findings behind on operations that the front run did not reach,
	// or of checks that it could not run: nothing says that they are closed.
	Unsure []finding.Finding `json:"unsure"`
}

// Compare sorts the findings that count (see Counts) of two runs.
func Compare(behind, front *Run, least finding.Severity) *Comparison {
	c := &Comparison{Behind: behind, Front: front}
	prints := func(r *Run) map[string]bool {
		set := map[string]bool{}
		for _, f := range r.Findings {
			if f.Confidence != finding.Tentative {
				set[f.Fingerprint()] = true
			}
		}
		return set
	}
	inFront, inBehind := prints(front), prints(behind)
	for _, f := range behind.Findings {
		switch {
		case !Counts(&f, least):
		case inFront[f.Fingerprint()]:
			c.Open = append(c.Open, f)
		case front.tested(&f):
			c.Closed = append(c.Closed, f)
		default:
			c.Unsure = append(c.Unsure, f)
		}
	}
	for _, f := range front.Findings {
		if Counts(&f, least) && !inBehind[f.Fingerprint()] {
			c.New = append(c.New, f)
		}
	}
	return c
}

// tested tells that a run would have had a finding if it were there: it came to
// its end, its check ran, and where the operation is known it was reached.
func (r *Run) tested(f *finding.Finding) bool {
	if r.Failed != "" || r.Stopped != "" {
		return false
	}
	if !slices.ContainsFunc(r.Checks, func(c Check) bool {
		return slices.Contains(c.Kinds, f.Kind.ID) && (c.Operations > 0 || c.Skipped == "")
	}) {
		return false
	}
	return !slices.ContainsFunc(r.Operations, func(o Operation) bool { return o.Method == f.Method && o.Path == f.Path && !o.Reached })
}

// ExitCode is Found while anything is open or new, and Untested while anything
// is unsure or a run was not whole.
func (c *Comparison) ExitCode() int {
	switch {
	case len(c.Open)+len(c.New) > 0:
		return Found
	case len(c.Unsure) > 0, c.Front.Failed+c.Front.Stopped+c.Behind.Failed+c.Behind.Stopped != "":
		return Untested
	}
	return Clean
}

// Text writes the comparison for a person.
func (c *Comparison) Text(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "behind %s: %d requests; through %s: %d requests\n\n", printable(c.Behind.Target), c.Behind.Requests, printable(c.Front.Target), c.Front.Requests)
	for _, r := range []*Run{c.Behind, c.Front} {
		for _, why := range []string{r.Failed, r.Stopped} {
			if why != "" {
				fmt.Fprintf(&b, "%s was not tested whole: %s\n\n", printable(r.Target), printable(why))
			}
		}
	}
	for _, part := range []struct {
		title    string
		findings []finding.Finding
		fix      bool
	}{{"Closed by the gateway", c.Closed, false}, {"Still open through the gateway", c.Open, true}, {"Found through the gateway only", c.New, true},
		{"Not known, for the gateway's run did not get there", c.Unsure, false}} {
		if len(part.findings) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s (%d):\n", part.title, len(part.findings))
		hinted := map[string]bool{}
		for _, f := range part.findings {
			fmt.Fprintf(&b, "  %-8s  %s  %s  %s\n", f.Severity, f.Kind.ID, place(&f), printable(f.Where))
			if part.fix && f.Kind.Fix != "" && !hinted[f.Kind.ID] {
				hinted[f.Kind.ID] = true
				for line := range strings.Lines(strings.TrimRight(f.Kind.Fix, "\n")) {
					fmt.Fprintf(&b, "            %s\n", strings.TrimRight(line, "\n"))
				}
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "of %d findings behind the gateway it closes %d\n", len(c.Closed)+len(c.Open)+len(c.Unsure), len(c.Closed))
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the comparison with both runs.
func (c *Comparison) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(c)
}
