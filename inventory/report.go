// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"
	"strings"
)

// Declared is an operation of a contract, to hold what was seen against.
type Declared struct {
	ID, Method, Template string
	Deprecated           bool
}

// Report is what was seen of an API beside what is declared of it. Lists are in
// the order in which they deserve a look.
type Report struct {
	// Shadow are operations that were asked for and are not declared; those
	// with a credential first.
	Shadow []Finding `json:"shadow,omitempty"`
	// Parameters are those that callers sent and no operation declares.
	Parameters []Finding `json:"parameters,omitempty"`
	// Zombie are declared operations that no caller reached the upstream by.
	Zombie []Finding `json:"zombie,omitempty"`
	// Deprecated are operations that the contract calls so, and that are used.
	Deprecated []Finding `json:"deprecated,omitempty"`
	// Gone are operations that were used and are declared no more.
	Gone []Finding `json:"gone,omitempty"`
	// Used are all others.
	Used []Finding `json:"used,omitempty"`
	// More counts requests for undeclared operations that found no room.
	More int64 `json:"more,omitempty"`
}

// Finding is one line of a report.
type Finding struct {
	Operation string `json:"operation,omitempty"` // id, or method and path
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"`
	Parameter string `json:"parameter,omitempty"` // "" unless it is about one
	Kind      string `json:"kind,omitempty"`      // of the parameter's values
	Times
	Passed      int64    `json:"passed,omitempty"`
	Credentials int64    `json:"credentials,omitempty"`
	Callers     []string `json:"callers,omitempty"` // most calls first
	MoreCallers int64    `json:"more_callers,omitempty"`
}

// Report holds what was seen against what is declared.
func (a *API) Report(declared []Declared) Report {
	r := Report{More: a.More}
	known := map[string]bool{}
	for _, d := range declared {
		known[d.ID] = true
		seen := a.Operations[d.ID]
		if seen == nil {
			seen = new(Seen)
		}
		f := finding(d.ID, d.Method, d.Template, seen)
		switch {
		case seen.Passed == 0:
			r.Zombie = append(r.Zombie, f)
		case d.Deprecated:
			r.Deprecated = append(r.Deprecated, f)
		default:
			r.Used = append(r.Used, f)
		}
		r.parameters(d.ID, seen)
	}
	for _, id := range sorted(a.Operations) {
		if seen := a.Operations[id]; !known[id] {
			r.Gone = append(r.Gone, finding(id, seen.Method, seen.Template, seen))
		}
	}
	for _, key := range sorted(a.Undeclared) {
		method, path, _ := strings.Cut(key, " ")
		r.Shadow = append(r.Shadow, finding(key, method, path, a.Undeclared[key]))
	}
	slices.SortStableFunc(r.Shadow, func(a, b Finding) int {
		if a.Credentials != b.Credentials {
			return order(b.Credentials, a.Credentials)
		}
		return order(b.Count, a.Count)
	})
	byCount := func(a, b Finding) int { return order(b.Count, a.Count) }
	slices.SortStableFunc(r.Parameters, byCount)
	slices.SortStableFunc(r.Used, byCount)
	return r
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (r *Report) parameters(id string, seen *Seen) {
	for _, name := range sorted(seen.Parameters) {
		p := seen.Parameters[name]
		f := Finding{Operation: id, Method: seen.Method, Path: seen.Template, Parameter: name, Times: p.Times, Kind: strings.Join(sorted(p.Shape.Types), ", ")}
		if len(p.Shape.Formats) == 1 && p.Shape.Formats[""] == 0 && len(p.Shape.Types) == 1 {
			f.Kind = sorted(p.Shape.Formats)[0]
		}
		f.Callers, f.MoreCallers = callers(seen), seen.MoreCallers
		r.Parameters = append(r.Parameters, f)
	}
}

func finding(operation, method, path string, seen *Seen) Finding {
	return Finding{
		Operation: operation, Method: method, Path: path, Times: Times{seen.First, seen.Last, seen.Count},
		Passed: seen.Passed, Credentials: seen.Credentials, Callers: callers(seen), MoreCallers: seen.MoreCallers,
	}
}

func callers(seen *Seen) []string {
	names := sorted(seen.Callers)
	slices.SortStableFunc(names, func(a, b string) int { return order(seen.Callers[b].Count, seen.Callers[a].Count) })
	return names
}
