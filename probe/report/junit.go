// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"durward/probe/finding"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
}

type junitText struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes a suite for each check, with a case for each kind of finding and
// operation that has one: a failure when it counts (see Counts), else skipped
// with the reason. A kind without findings is a case that passed; a check that
// did not run is skipped, and a run that could not test has an error.
func JUnit(w io.Writer, r *Run, least finding.Severity) error {
	all := junitSuites{Name: "durward probe " + clean(r.Target), Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	if why := cmp.Or(r.Failed, r.Stopped); why != "" {
		all.add(junitSuite{Name: "run"}, junitCase{Class: "run", Name: "the run is whole", Error: &junitText{Message: clean(why)}})
	}
	byKind := map[string][]finding.Finding{}
	for _, f := range r.Findings {
		byKind[f.Kind.ID] = append(byKind[f.Kind.ID], f)
	}
	for _, c := range r.Checks {
		var cases []junitCase
		for _, kind := range c.Kinds {
			found := byKind[kind]
			delete(byKind, kind)
			switch {
			case len(found) > 0:
				cases = append(cases, junitCases(c.Name, found, least)...)
			case c.Skipped != "" && c.Operations == 0:
				cases = append(cases, junitCase{Class: c.Name, Name: kind, Skipped: &junitText{Message: clean(c.Skipped)}})
			default:
				cases = append(cases, junitCase{Class: c.Name, Name: kind})
			}
		}
		all.add(junitSuite{Name: c.Name}, cases...)
	}
	var rest []junitCase // of kinds that no listed check owns
	for _, f := range r.Findings {
		if len(byKind[f.Kind.ID]) > 0 {
			rest = append(rest, junitCases("other", []finding.Finding{f}, least)...)
		}
	}
	if len(rest) > 0 {
		all.add(junitSuite{Name: "other"}, rest...)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitCases(check string, found []finding.Finding, least finding.Severity) []junitCase {
	var cases []junitCase
	for _, f := range found {
		c := junitCase{Class: check, Name: clean(strings.TrimSpace(f.Kind.ID + " " + place(&f) + " " + f.Where))}
		text := f.Detail
		if s, ok := shows(&f); ok {
			text += "\n" + s.Curl
		}
		switch {
		case Counts(&f, least):
			c.Failure = &junitText{Message: clean(f.Kind.Title), Type: string(f.Severity), Text: clean(text)}
		case f.Accepted != "":
			c.Skipped = &junitText{Message: clean("accepted: " + f.Accepted)}
		default:
			c.Skipped = &junitText{Message: clean(fmt.Sprintf("%s, %s: %s", f.Severity, f.Confidence, f.Detail))}
		}
		cases = append(cases, c)
	}
	return cases
}

func (all *junitSuites) add(s junitSuite, cases ...junitCase) {
	for _, c := range cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	s.Cases = cases
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Errors += s.Errors
	all.Skipped += s.Skipped
	all.Suites = append(all.Suites, s)
}

// clean is text without what XML cannot have; line ends are kept.
func clean(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
