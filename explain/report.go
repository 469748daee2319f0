// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Report is what acts on a request, and what would become of it.
type Report struct {
	Method    string  `json:"method"`
	Target    string  `json:"target"` // without the values of its query
	API       string  `json:"api,omitempty"`
	Operation string  `json:"operation,omitempty"`
	Template  string  `json:"template,omitempty"`
	Stages    []Stage `json:"stages,omitempty"`
	Caller    *Caller `json:"caller,omitempty"` // who was authenticated
	Record    *Record `json:"record,omitempty"` // nil where no operation takes the request
	Verdict   Verdict `json:"verdict"`
	// Unguarded are the parts of the operation's declared answers that are not
	// looked into.
	Unguarded []string `json:"unguarded,omitempty"`
}

// Stage is one stage, in the order in which they act.
type Stage struct {
	Name     string    `json:"name"`
	Mode     string    `json:"mode"`
	OnError  string    `json:"on_error,omitempty"`
	Answer   bool      `json:"answer,omitempty"` // judges the upstream's answer
	Settings []Setting `json:"settings,omitempty"`
	Verdict  string    `json:"verdict,omitempty"` // on the request; "" when it was not asked
	Reason   string    `json:"reason,omitempty"`
}

// Setting is one value of the document that a stage is made from.
type Setting struct {
	Field string `json:"field"`
	Value string `json:"value"`
	Place string `json:"place"` // file:line, or "default"
}

// Caller is who was authenticated.
type Caller struct {
	Subject  string   `json:"subject"`
	Consumer string   `json:"consumer,omitempty"`
	Method   string   `json:"method"`
	Roles    []string `json:"roles,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Plan     string   `json:"plan,omitempty"`
	Bound    string   `json:"bound,omitempty"`
}

// Record is how the attempt is recorded before the request goes on.
type Record struct {
	Audit string `json:"audit"` // "required" or "buffered"
	// Lost says which records a crash can lose.
	Lost string `json:"lost"`
	// Refused tells that the request is refused when it cannot be recorded.
	Refused bool `json:"refused"`
}

// Verdict is what would become of the request.
type Verdict struct {
	Allowed  bool   `json:"allowed"`
	Answered bool   `json:"answered,omitempty"` // by the gateway itself
	Status   int    `json:"status,omitempty"`   // of a refusal
	Code     string `json:"code,omitempty"`
	Stage    string `json:"stage,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

func (v *Verdict) String() string {
	switch {
	case v.Answered:
		return "would be answered by the gateway itself"
	case v.Allowed:
		return "would be sent to the upstream"
	}
	s := fmt.Sprintf("would be refused by %s: %d %s", v.Stage, v.Status, v.Code)
	if v.Reason != "" {
		s += ", because: " + printable(v.Reason)
	}
	return s
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s", printable(r.Method), printable(r.Target))
	if r.Operation != "" {
		fmt.Fprintf(&b, "  is %s of %s, %s", printable(r.Operation), r.API, printable(r.Template))
	}
	b.WriteString("\n\n")
	width := 0
	for _, s := range r.Stages {
		for _, one := range s.Settings {
			width = max(width, len(one.Place))
		}
	}
	for i, s := range r.Stages {
		fmt.Fprintf(&b, "%2d  %-13s %s", i+1, s.Name, s.Mode)
		if s.OnError == "proceed" {
			b.WriteString(", proceeds when it fails")
		}
		if s.Answer {
			b.WriteString(", on the answer")
		}
		if s.Verdict != "" {
			fmt.Fprintf(&b, "  -> %s", s.Verdict)
			if s.Reason != "" {
				b.WriteString(": " + printable(s.Reason))
			}
		}
		b.WriteByte('\n')
		for _, one := range s.Settings {
			fmt.Fprintf(&b, "      %-*s  %s: %s\n", width, one.Place, one.Field, printable(one.Value))
		}
	}
	if rec := r.Record; rec != nil {
		unstored := "the request is refused when it cannot be recorded"
		if !rec.Refused {
			unstored = "the request goes on when it cannot be recorded"
		}
		fmt.Fprintf(&b, "\naudit: %s: of the records of requests that went on %s; %s\n", rec.Audit, rec.Lost, unstored)
	}
	if len(r.Unguarded) > 0 {
		b.WriteString("\nnot looked into in answers:\n")
		for _, one := range r.Unguarded {
			fmt.Fprintf(&b, "      %s\n", printable(one))
		}
	}
	if c := r.Caller; c != nil {
		fmt.Fprintf(&b, "\ncaller: %s by %s", printable(c.Subject), c.Method)
		for _, list := range []struct {
			name string
			all  []string
		}{{"roles", c.Roles}, {"scopes", c.Scopes}} {
			if len(list.all) > 0 {
				fmt.Fprintf(&b, ", %s %s", list.name, printable(strings.Join(list.all, " ")))
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\n%s\n", r.Verdict.String())
	_, err := w.Write(b.Bytes())
	return err
}

// printable keeps what a request brought along from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func itoa(n int) string { return strconv.Itoa(n) }
