// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe"
	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/fuzz"
	"durward/probe/finding"
	"durward/probe/report"
	"durward/probe/spec"
)

const document = `
openapi: 3.1.0
info: {title: notes, version: "1"}
paths:
  /notes:
    post:
      operationId: write
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [title], properties: {title: {type: string, maxLength: 30}, pages: {type: integer}, tags: {type: array, items: {type: string}}}}}}}
      responses: {"201": {description: ok}}
    get:
      operationId: list
      parameters: [{name: limit, in: query, schema: {type: integer, default: 5}}, {name: q, in: query, schema: {type: string}}]
      responses: {"200": {description: ok}}
`

func notes(flaw string, ids *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Title *string
			Pages *int64
			Tags  []string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Title == nil {
			http.Error(w, `{"error":"bad"}`, 400)
			return
		}
		if flaw == "empty title" && *in.Title == "" {
			http.Error(w, `{"error":"oops"}`, 500)
			return
		}
		if flaw == "pages" && in.Pages != nil && *in.Pages < 0 {
			panic(http.ErrAbortHandler) // the connection breaks off
		}
		if flaw == "busy" && *in.Title == "" {
			http.Error(w, `{"error":"later"}`, http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(201)
		_ = json.NewEncoder(w).Encode(map[string]any{"id": ids.Add(1), "title": *in.Title})
	})
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		if l := r.URL.Query().Get("limit"); flaw == "limit" && strings.Trim(l, "0123456789") != "" {
			http.Error(w, `{"error":"oops"}`, 500)
			return
		}
		_, _ = w.Write([]byte("[]"))
	})
	return mux
}

func test(t *testing.T, flaw string) *report.Run {
	t.Helper()
	server := httptest.NewUnstartedServer(notes(flaw, new(atomic.Int64)))
	server.Start()
	t.Cleanup(server.Close)
	api, err := spec.Parse("notes", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	run, err := probe.Run(context.Background(), probe.Config{URL: server.URL, API: api, Seed: 1, Checks: []check.Check{fuzz.Check()}})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func told(run *report.Run) []string {
	var all []string
	for _, f := range run.Findings {
		if f.Confidence != finding.Tentative {
			s := f.Kind.ID + " " + f.Operation + " " + f.Where
			if f.Severity == finding.Info {
				s += " info"
			}
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return all
}

func TestFailuresAreFoundAndShrunk(t *testing.T) {
	for flaw, want := range map[string]struct{ finding, smallest string }{
		"":            {},
		"busy":        {},
		"empty title": {"unhandled-error write body#/title", `{"title":""}`},
		"pages":       {"input-without-answer write body#/pages", ""},
		"limit":       {"unhandled-error list query.limit", "/notes?limit=-"},
	} {
		t.Run(flaw, func(t *testing.T) {
			run := test(t, flaw)
			got := told(run)
			if want.finding == "" {
				if len(got) > 0 {
					t.Errorf("%q", got)
				}
				return
			}
			if !slices.Contains(got, want.finding) {
				t.Fatalf("%q", got)
			}
			for _, f := range run.Findings {
				last := f.Steps[len(f.Steps)-1]
				if strings.HasPrefix(want.finding, f.Kind.ID+" "+f.Operation+" "+f.Where) && !strings.Contains(last.Curl, want.smallest) {
					t.Errorf("the smallest request is %s", last.Curl)
				}
			}
		})
	}
}

func TestTheSameSeedGivesTheSameCases(t *testing.T) {
	if a, b := test(t, "empty title"), test(t, "empty title"); a.Requests != b.Requests || !slices.Equal(told(a), told(b)) {
		t.Errorf("%d and %d requests, %q and %q", a.Requests, b.Requests, told(a), told(b))
	}
}

func TestCasesDifferFromTheValidCallAndLeaveItAsItIs(t *testing.T) {
	api, err := spec.Parse("notes", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(api.Operations, func(op *spec.Operation) bool { return op.ID == "write" })
	make := func() *call.Call {
		return &call.Call{Op: api.Operations[i], MediaType: "application/json", HasBody: true, Body: map[string]any{"title": "x", "tags": []any{"a"}}}
	}
	valid := make()
	seen := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		c := fuzz.Case(r, valid)
		q, err := c.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		seen[string(q.Body)] = true
	}
	if d := cmp.Diff(make().Body, valid.Body); d != "" {
		t.Error(d)
	}
	if len(seen) < 60 {
		t.Errorf("only %d requests of 200 differ", len(seen))
	}
}

func TestWhereTwoCallsDiffer(t *testing.T) {
	good := &call.Call{Op: &spec.Operation{Method: "POST", Path: "/x"}, Query: call.Values{{Name: "q", Value: "1"}}, HasBody: true,
		Body: map[string]any{"a": "x", "b": []any{"y"}}}
	for want, change := range map[string]func(c *call.Call){
		"":          func(*call.Call) {},
		"query.q":   func(c *call.Call) { c.Query[0].Value = "2" },
		"body#/b/0": func(c *call.Call) { c.Set(call.Place{In: "body", Name: "/b/0"}, "z") },
		"body#/c":   func(c *call.Call) { c.Set(call.Place{In: "body", Name: "/c"}, "z") },
		"body#/a":   func(c *call.Call) { c.Remove(call.Place{In: "body", Name: "/a"}) },
		"body#":     func(c *call.Call) { c.Set(call.Place{In: "body"}, call.Raw("{")) },
	} {
		c := good.Clone()
		change(c)
		if got := fuzz.Different(good, c); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestWhatTheDocumentAllows(t *testing.T) {
	api, err := spec.Parse("notes", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		op   string
		call call.Call
		want bool
	}{
		"nothing":            {"list", call.Call{}, true},
		"a number as text":   {"list", call.Call{Query: call.Values{{Name: "limit", Value: "-7"}}}, true},
		"no number":          {"list", call.Call{Query: call.Values{{Name: "limit", Value: "x"}}}, false},
		"an unknown name":    {"list", call.Call{Query: call.Values{{Name: "no", Value: "x"}}}, false},
		"raw":                {"list", call.Call{Query: call.Values{{Name: "q", Value: call.Raw("x")}}}, false},
		"a body":             {"write", call.Call{HasBody: true, MediaType: "application/json", Body: map[string]any{"title": ""}}, true},
		"no body":            {"write", call.Call{}, false},
		"a raw body":         {"write", call.Call{HasBody: true, MediaType: "application/json", Body: call.Raw("{}")}, false},
		"a body too little":  {"write", call.Call{HasBody: true, MediaType: "application/json", Body: map[string]any{}}, false},
		"another media type": {"write", call.Call{HasBody: true, MediaType: "text/plain", Body: "x"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(api.Operations, func(op *spec.Operation) bool { return op.ID == c.op })
			c.call.Op = api.Operations[i]
			if got := fuzz.Allowed(&c.call); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
