// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"durward"
	"durward/waf"
)

// wafVerdict is what is told of a request.
type wafVerdict struct {
	API         string     `json:"api"`
	Operation   string     `json:"operation"`
	Mode        string     `json:"mode"`
	Paranoia    int        `json:"paranoia"`
	Verdict     string     `json:"verdict"` // clean, found or refused
	Status      int        `json:"status,omitempty"`
	Code        string     `json:"code,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Score       int        `json:"score"`
	Threshold   int        `json:"threshold"`
	Uninspected string     `json:"uninspected,omitempty"`
	Looks       []wafLook  `json:"looks"`
	Matches     []wafMatch `json:"matches"`
}

type wafLook struct {
	At   string `json:"at"`   // request or decoded values
	Path string `json:"path"` // fast or slow
	Why  string `json:"why"`
}

type wafMatch struct {
	Rule     int    `json:"rule"`
	Message  string `json:"message,omitempty"`
	Class    string `json:"class,omitempty"`
	Severity string `json:"severity,omitempty"`
	Paranoia int    `json:"paranoia,omitempty"`
	In       string `json:"in,omitempty"`
	Name     string `json:"name,omitempty"`
	Decoding string `json:"decoding,omitempty"`
}

func newWAFVerdict(op *durward.Operation, t *waf.Trial) *wafVerdict {
	v := &wafVerdict{
		API: op.API, Operation: op.ID, Mode: t.Mode.String(), Paranoia: t.Paranoia, Verdict: waf.OutcomeClean,
		Score: t.Verdict.Score, Threshold: t.Threshold, Looks: []wafLook{}, Matches: []wafMatch{},
	}
	d := &t.Decision
	switch {
	case d.Verdict != durward.Allow:
		k := durward.Lookup(d.Code)
		v.Verdict, v.Status, v.Code = waf.OutcomeRefused, k.Status, string(d.Code)
		if d.Err != nil {
			v.Reason = d.Err.Error()
		}
	case len(t.Verdict.Rules) > 0:
		v.Verdict = waf.OutcomeFound
	}
	if d.Verdict == durward.Allow && d.Err != nil {
		v.Uninspected = d.Err.Error()
	}
	for _, l := range t.Looks {
		v.Looks = append(v.Looks, newWAFLook(l))
	}
	told := map[int]bool{}
	for _, f := range t.Verdict.Findings {
		told[f.Rule] = true
		v.Matches = append(v.Matches, newWAFMatch(t, wafMatch{Rule: f.Rule, Class: f.Class, In: f.In, Name: f.Name, Decoding: f.Decoding}))
	}
	for _, id := range t.Verdict.Rules {
		if !told[id] {
			v.Matches = append(v.Matches, newWAFMatch(t, wafMatch{Rule: id}))
		}
	}
	return v
}

func newWAFMatch(t *waf.Trial, m wafMatch) wafMatch {
	text := t.Rules[m.Rule]
	m.Message, m.Severity, m.Paranoia = text.Message, text.Severity, text.Paranoia
	return m
}

func newWAFLook(l waf.Look) wafLook {
	out := wafLook{At: "request", Path: "slow", Why: l.Why.Target}
	if l.Decoded {
		out.At = "decoded values"
	}
	switch {
	case l.Missed:
		out.Path, out.Why = "fast", "FAULT: the gate has proven it clean and the engine finds something; please report this"
	case l.Fast:
		out.Path, out.Why = "fast", "the gate proves that no rule matches"
	case l.Why.RuleID != 0:
		out.Why = "rule " + strconv.Itoa(l.Why.RuleID) + " may match " + l.Why.Target
		if l.Why.Key() != "" {
			out.Why += ":" + printable(l.Why.Key())
		}
	}
	return out
}

// printable keeps what a request brought from writing to a terminal.
func printable(s string) string {
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}

func (v *wafVerdict) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s: %s", v.Operation, v.API, v.Verdict)
	if v.Status != 0 {
		fmt.Fprintf(&b, ", %d %s", v.Status, v.Code)
	}
	fmt.Fprintf(&b, "\nscore %d, refused from %d; paranoia %d; mode %s\n", v.Score, v.Threshold, v.Paranoia, v.Mode)
	if v.Reason != "" {
		fmt.Fprintf(&b, "because: %s\n", printable(v.Reason))
	}
	for _, l := range v.Looks {
		fmt.Fprintf(&b, "%s: %s path, %s\n", l.At, l.Path, l.Why)
	}
	if v.Uninspected != "" {
		fmt.Fprintln(&b, v.Uninspected)
	}
	for _, m := range v.Matches {
		fmt.Fprintf(&b, "%d", m.Rule)
		for _, word := range []string{m.Severity, m.Class, strings.TrimSpace(m.In + " " + printable(m.Name))} {
			if word != "" {
				fmt.Fprintf(&b, "  %s", word)
			}
		}
		if m.Decoding != "" {
			fmt.Fprintf(&b, "  (%s)", m.Decoding)
		}
		if m.Message != "" {
			fmt.Fprintf(&b, "  %s", printable(m.Message))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
