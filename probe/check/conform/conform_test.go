// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package conform_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe"
	"durward/probe/check"
	"durward/probe/check/conform"
	"durward/probe/finding"
	"durward/probe/spec"
)

const document = `
openapi: 3.1.0
info: {title: rooms, version: "1"}
paths:
  /rooms:
    get:
      operationId: list
      parameters: [{name: limit, in: query, schema: {type: integer}}]
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: array, items: {type: object, required: [id], properties: {id: {type: integer}, secret: {type: string, writeOnly: true}}}}}}}
        4XX: {description: refused, content: {application/problem+json: {}}}
`

func TestAnswersAreHeldAgainstTheDocument(t *testing.T) {
	const good = `[{"id":1,"more":"x"},{"id":2}]`
	for name, c := range map[string]struct {
		status int
		typ    string
		body   string
		want   []string
	}{
		"as declared":                         {200, "application/json; charset=utf-8", good, nil},
		"a status that is not declared":       {202, "application/json", good, []string{"undeclared-status answer.202"}},
		"another media type":                  {200, "text/html", "<p>", []string{"undeclared-media-type answer.200"}},
		"no media type":                       {200, "", good, []string{"undeclared-media-type answer.200"}},
		"wrong members, told once for a list": {200, "application/json", `[{"id":"1"},{"id":"2"},{}]`, []string{"answer-breaks-schema answer.200#/*", "answer-breaks-schema answer.200#/*/id"}},
		"no JSON":                             {200, "application/json", `[`, []string{"answer-breaks-schema answer.200#"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if l := r.URL.Query().Get("limit"); l != "" && (l < "0" || l > "9999") {
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(400)
					_, _ = w.Write([]byte(`{}`))
					return
				}
				w.Header()["Content-Type"] = []string{c.typ}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			api, err := spec.Parse("rooms", []byte(document))
			if err != nil {
				t.Fatal(err)
			}
			run, err := probe.Run(context.Background(), probe.Config{URL: server.URL, API: api, Seed: 1, Checks: []check.Check{conform.Check()}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range run.Findings {
				got = append(got, f.Kind.ID+" "+f.Where)
				if f.Severity != finding.Info {
					t.Errorf("%s is %s", f.Kind.ID, f.Severity)
				}
			}
			slices.Sort(got)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
