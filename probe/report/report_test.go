// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"durward/probe/finding"
)

var (
	readByOther = finding.Kind{ID: "object-read-by-other", Title: "Another user's object can be read", CWE: 639, OWASP: "API1:2023", Severity: finding.High,
		Oracle: "the owner's object is read by somebody else", Fix: "authz:\n  owners: true\n", Advice: "ask who owns it"}
	banner = finding.Kind{ID: "server-banner", Title: "Answers name the software", CWE: 200, OWASP: "API8:2023", Severity: finding.Low}
	slow   = finding.Kind{ID: "slow-parameter", Title: "A value makes the service slow", Severity: finding.Medium}
)

// hostile is what a service may send to deceive a reader.
const hostile = "\x1b[2J<script>alert(1)</script>\u202egnp.exe\x00\xff&\"'\n"

func example() *Run {
	r := &Run{Version: "1.0.0", Target: "https://api.example.org/v1", API: "Shop " + hostile, APIVersion: "2", Seed: 7,
		Started: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC), Took: 41*time.Second + 3*time.Millisecond, Requests: 1234,
		Users: []string{"ada", "dan"},
		Operations: []Operation{{ID: "getOrder", Method: "GET", Path: "/orders/{id}", Reached: true, Answers: map[int]int{404: 1, 200: 3}},
			{ID: "pay", Method: "POST", Path: "/orders/{id}/pay", Why: "last answer 409: " + hostile}},
		Checks: []Check{{Name: "object", Kinds: []string{"object-read-by-other", "object-changed-by-other"}, Operations: 2, Requests: 40},
			{Name: "platform", Kinds: []string{"server-banner"}, Operations: 2},
			{Name: "tls", Kinds: []string{"tls-old"}, Skipped: "the service is not behind TLS"}},
		Notes: []string{"could not delete /orders/7"},
	}
	r.Findings = Rank([]finding.Finding{
		{Kind: banner, Severity: finding.Low, Confidence: finding.Certain, Method: "GET", Path: "/orders/{id}", Where: "header.Server", Detail: "Server: x/1"},
		{Kind: readByOther, Severity: finding.High, Confidence: finding.Certain, Operation: "getOrder", Method: "GET", Path: "/orders/{id}", Where: "path.id", Detail: "dan reads ada's order " + hostile,
			Steps: []finding.Step{{Why: "control", Curl: "curl -s 'https://api.example.org/v1/orders/7'", Status: 200}, {Why: "as dan", Curl: "curl -s -H \"Authorization: Bearer $TOKEN_DAN\" 'https://api.example.org/v1/orders/7'", Status: 200, Excerpt: hostile}}},
		{Kind: slow, Severity: finding.Medium, Confidence: finding.Tentative, Method: "GET", Path: "/orders/{id}", Where: "query.q", Detail: "took long"},
		{Kind: readByOther, Severity: finding.High, Confidence: finding.Firm, Method: "GET", Path: "/orders/{id}", Where: "path.id", Detail: "the same again"},
	})
	return r
}

func TestFindingsAreRankedAndRepetitionsDropped(t *testing.T) {
	var ids []string
	for _, f := range example().Findings {
		ids = append(ids, f.Kind.ID+" "+string(f.Confidence))
	}
	if diff := cmp.Diff([]string{"object-read-by-other certain", "slow-parameter tentative", "server-banner certain"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestTheExitCodeTellsWhatTheRunIsWorth(t *testing.T) {
	accepted := func(r *Run) {
		for i := range r.Findings {
			r.Findings[i].Accepted = "known"
		}
	}
	for _, tt := range []struct {
		name     string
		change   func(*Run)
		least    finding.Severity
		coverage float64
		want     int
	}{
		{"findings fail it", func(*Run) {}, finding.Low, 0, Found},
		{"findings below the threshold do not", func(*Run) {}, finding.Critical, 0, Clean},
		{"one severity of the threshold does", func(*Run) {}, finding.High, 0, Found},
		{"accepted ones do not", accepted, finding.Low, 0, Clean},
		{"tentative ones do not", func(r *Run) { r.Findings = r.Findings[1:2] }, finding.Info, 0, Clean},
		{"too little reached is not tested", accepted, finding.Low, 0.6, Untested},
		{"half is half", accepted, finding.Low, 0.5, Clean},
		{"findings outweigh what was not reached", func(*Run) {}, finding.Low, 1, Found},
		{"a run that was cut is not tested", func(r *Run) { accepted(r); r.Stopped = "interrupted" }, finding.Low, 0, Untested},
		{"a run that could not test is not tested", func(r *Run) { r.Findings = nil; r.Failed = "nobody answers" }, finding.Low, 0, Untested},
		{"a severity of no known name is the worst", func(r *Run) { r.Findings = r.Findings[:1]; r.Findings[0].Severity = "?" }, finding.Critical, 0, Found},
		{"no operation at all, and nothing asked for", func(r *Run) { r.Findings, r.Operations = nil, nil }, finding.Low, 1, Clean},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := example()
			tt.change(r)
			if got := r.ExitCode(tt.least, tt.coverage); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

func TestTextIsForPeopleAndHarmlessToTerminals(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, example(), TextOptions{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"HIGH  Another user's object can be read", "GET /orders/{id}  path.id", `"Authorization: Bearer $TOKEN_DAN"`, "In Durward:\n    authz:\n      owners: true\n",
		"POST /orders/{id}/pay  last answer 409", "1 of 2 operations reached, 1234 requests in 41s, seed 7", "tls  the service is not behind TLS", "Note: could not delete /orders/7",
		"found 1 high, 1 low; 1 tentative not shown (--all)", "(object-read-by-other, API1:2023, CWE-639, certain)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\x00\u202e") || strings.Contains(text, "slow-parameter") {
		t.Errorf("%q", text)
	}
	b.Reset()
	if err := Text(&b, example(), TextOptions{All: true, Color: true}); err != nil || !strings.Contains(b.String(), "\x1b[31mHIGH\x1b[0m") || !strings.Contains(b.String(), "slow-parameter") {
		t.Error(err, b.String())
	}
	b.Reset()
	if err := Text(&b, &Run{}, TextOptions{}); err != nil || !strings.HasSuffix(b.String(), "nothing found\n") {
		t.Error(err, b.String())
	}
}

func TestTheRequestThatDoesItIsShownNotTheOneThatReadsItBack(t *testing.T) {
	control, attack, back := finding.Step{Method: "PATCH", Curl: "control"}, finding.Step{Method: "PATCH", Curl: "attack"}, finding.Step{Method: "GET", Curl: "read back"}
	for _, tt := range []struct {
		method, want string
		steps        []finding.Step
	}{
		{"PATCH", "attack", []finding.Step{control, attack, back}},
		{"GET", "read back", []finding.Step{control, attack, back}},
		{"DELETE", "read back", []finding.Step{control, attack, back}},
		{"PATCH", "", nil},
	} {
		if s, ok := shows(&finding.Finding{Method: tt.method, Steps: tt.steps}); s.Curl != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, want %q", tt.method, s.Curl, tt.want)
		}
	}
}

func TestTextTellsWhatIsAlikeOnce(t *testing.T) {
	r := example()
	for _, path := range []string{"/b", "/a", "/c"} {
		r.Findings = append(r.Findings, finding.Finding{Kind: banner, Severity: finding.Low, Confidence: finding.Certain, Method: "GET", Path: path, Where: "header.Server", Detail: "Server: x/1", Steps: []finding.Step{{Curl: "curl " + path}}})
	}
	r.Findings = append(r.Findings, finding.Finding{Kind: slow, Severity: finding.Info, Confidence: finding.Certain, Method: "GET", Path: "/c", Detail: "it is so"})
	r.Findings = Rank(r.Findings)
	var b bytes.Buffer
	if err := Text(&b, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GET /a  header.Server\n    Server: x/1\n    curl /a\n    the same at 3 more: GET /b, GET /c, GET /orders/{id}\n", "found 1 high, 4 low; 1 informational, 1 tentative not shown (--all)"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

func TestJSONHasTheWholeRun(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, example()); err != nil {
		t.Fatal(err)
	}
	var back Run
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	want := example()
	var utf8 func(string) string = func(s string) string { return strings.ToValidUTF8(s, "�") }
	if diff := cmp.Diff(want, &back, cmp.Transformer("utf8", utf8)); diff != "" {
		t.Error(diff)
	}
}

func TestListsWithNothingInThemAreListsInJSON(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, &Run{}); err != nil || strings.Contains(b.String(), "null") {
		t.Error(err, b.String())
	}
}

func TestJUnitCountsEveryKindOnce(t *testing.T) {
	for _, tt := range []struct {
		name                             string
		change                           func(*Run)
		tests, failures, errors, skipped int
	}{
		{"findings, a passed kind and a check that did not run", func(*Run) {}, 5, 2, 0, 2},
		{"a run that was stopped", func(r *Run) { r.Stopped = "interrupted" }, 6, 2, 1, 2},
		{"accepted findings", func(r *Run) { r.Findings[0].Accepted = "known" }, 5, 1, 0, 3},
		{"nothing at all", func(r *Run) { *r = Run{} }, 0, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := example()
			tt.change(r)
			var b bytes.Buffer
			if err := JUnit(&b, r, finding.Low); err != nil {
				t.Fatal(err)
			}
			var got junitSuites
			if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{tt.tests, tt.failures, tt.errors, tt.skipped}, []int{got.Tests, got.Failures, got.Errors, got.Skipped}); diff != "" {
				t.Error(diff, b.String())
			}
			n := 0
			for _, s := range got.Suites {
				n += len(s.Cases)
			}
			if n != got.Tests || strings.ContainsAny(b.String(), "\x1b\x00\u202e") {
				t.Errorf("%d cases of %d: %q", n, got.Tests, b.String())
			}
		})
	}
}

func TestHTMLFetchesNothingAndRunsNothing(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, example()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"default-src &#39;none&#39;", "Another user&#39;s object can be read", "$TOKEN_DAN", "Indications that could not be confirmed", "200 ×3, 404 ×1", "<strong>found 1 high, 1 low</strong>"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(page, "<script") || !utf8.ValidString(page) || strings.ContainsAny(page, "\x1b\x00\u202e") || strings.Contains(page, "http-equiv=\"refresh") {
		t.Error(page)
	}
	for _, attr := range []string{" src=", " href=", "url(", "@import", " onclick"} {
		if strings.Contains(page, attr) {
			t.Errorf("the page has %s", attr)
		}
	}
}

func TestPrintableKeepsTextAndShowsTheRestEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"plain ünïcode 日本": "plain ünïcode 日本",
		"a\x1b[2Jb":        `a\x1b[2Jb`,
		"a\nb\tc":          `a\nb\x09c`,
		"\xff":             `\xff`,
		"\u202e":           `\u202e`,
		"\u0085":           `\u0085`,
		"":                 "",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func FuzzReportsOfAnything(f *testing.F) {
	f.Add(hostile, "GET", "/a", "body#/x")
	f.Fuzz(func(t *testing.T, text, method, path, where string) {
		r := example()
		r.Findings = append(r.Findings, finding.Finding{Kind: slow, Severity: finding.Medium, Confidence: finding.Firm, Method: method, Path: path, Where: where, Detail: text, Steps: []finding.Step{{Curl: text, Why: text, Excerpt: text}}})
		r.Notes = append(r.Notes, text)
		var b bytes.Buffer
		if err := Text(&b, r, TextOptions{All: true}); err != nil || slices.ContainsFunc(b.Bytes(), func(c byte) bool { return c < 0x20 && c != '\n' || c == 0x7f }) {
			t.Errorf("%v %q", err, b.String())
		}
		b.Reset()
		if err := JUnit(&b, r, finding.Low); err != nil {
			t.Error(err)
		}
		if err := xml.Unmarshal(b.Bytes(), new(junitSuites)); err != nil {
			t.Error(err)
		}
		b.Reset()
		if err := HTML(&b, r); err != nil || strings.Count(b.String(), "<script") > 0 {
			t.Error(err, b.String())
		}
	})
}
