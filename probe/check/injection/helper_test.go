// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/probe"
	"durward/probe/check"
	"durward/probe/check/injection"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/listener"
	"durward/probe/spec"
)

// documentOf makes a document of one operation. place is "query q", "path q",
// "body q" or "xml q", example its value.
func documentOf(method, place, example string) string {
	in, name, _ := strings.Cut(place, " ")
	path, rest := "/thing", ""
	switch in {
	case "query", "path":
		if in == "path" {
			path = "/thing/{" + name + "}"
		}
		rest = `
      parameters: [{name: ` + name + `, in: ` + in + `, required: true, schema: {type: string}, example: ` + example + `}]`
	case "body":
		rest = `
      requestBody: {content: {application/json: {schema: {type: object, required: [` + name + `], properties: {` + name + `: {type: string, example: ` + example + `}}}}}}`
	case "xml":
		rest = `
      requestBody: {content: {application/xml: {schema: {type: object, required: [` + name + `], properties: {` + name + `: {type: string, example: ` + example + `}}}}}}`
	}
	return `openapi: 3.0.3
info: {title: Thing, version: "1"}
paths:
  ` + path + `:
    ` + strings.ToLower(method) + `:
      operationId: thing` + rest + `
      responses: {"200": {description: done}}
`
}

// probeIt runs the family against a handler and gives the ids of what counts.
func probeIt(t *testing.T, document string, h http.Handler, change ...func(*probe.Config)) []finding.Finding {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	api, err := spec.Parse("thing.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	l, err := listener.New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := probe.Config{
		URL: s.URL, API: api, Seed: 1, Checks: []check.Check{injection.Check()}, Listener: l, Timeout: 30 * time.Second,
		Extra: []*identity.Identity{identity.Static("alice", identity.Bearer("alice-token"))},
	}
	for _, c := range change {
		c(&cfg)
	}
	run, err := probe.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if run.Stopped != "" || run.Requests < 10 { // a service that only redirects or fails is tested all the same
		t.Fatalf("failed %q, stopped %q, %d requests", run.Failed, run.Stopped, run.Requests)
	}
	return slices.DeleteFunc(run.Findings, func(f finding.Finding) bool { return f.Confidence == finding.Tentative || f.Severity == finding.Info })
}

func ids(all []finding.Finding) []string {
	var out []string
	for _, f := range all {
		out = append(out, f.Kind.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sample is one service that takes one value.
type sample struct {
	name, method, place, example string
	// answer gives the answer to a value.
	answer func(value string, w http.ResponseWriter, r *http.Request)
	want   []string
}

func (s sample) run(t *testing.T) {
	t.Parallel()
	in, name, _ := strings.Cut(s.place, " ")
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/thing") {
			http.NotFound(w, r)
			return
		}
		value, ok := valueOf(in, name, r)
		if !ok {
			http.Error(w, `{"error":"bad request"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		s.answer(value, w, r)
	})
	got := ids(probeIt(t, documentOf(s.method, s.place, s.example), h))
	if !slices.Equal(got, s.want) {
		t.Errorf("found %v, want %v", got, s.want)
	}
}
