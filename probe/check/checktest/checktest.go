// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package checktest runs checks against small services, for the tests of the
// checks. Its users are alice, bob and root, an administrator; each sends a
// bearer token of their own.
package checktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/probe"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

const users = `
auth:
  - {name: alice, roles: [user], bearer: token-of-alice-4f1c, known: {username: alice, email: alice@users.example}}
  - {name: bob, roles: [user], bearer: token-of-bob-77a0, known: {username: bob, email: bob@users.example}}
  - {name: root, roles: [admin], bearer: token-of-root-09be, known: {username: root, email: root@users.example}}
`

// Tokens are the users by their tokens.
var Tokens = map[string]string{"token-of-alice-4f1c": "alice", "token-of-bob-77a0": "bob", "token-of-root-09be": "root"}

// Who is the user of a request; empty for nobody.
func Who(r *http.Request) string {
	return Tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
}

// Auth answers 401 to nobody.
func Auth(h func(w http.ResponseWriter, r *http.Request, user string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := Who(r)
		if user == "" {
			Write(w, http.StatusUnauthorized, map[string]any{"error": "log in first"})
			return
		}
		h(w, r, user)
	}
}

// Write answers with JSON.
func Write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v) // a client that left is no fault
	}
}

// Read decodes a JSON object; nil when the body is none.
func Read(r *http.Request) map[string]any {
	var m map[string]any
	if json.NewDecoder(r.Body).Decode(&m) != nil {
		return nil
	}
	return m
}

// Find runs checks against a service and gives what they are sure of, as "kind
// METHOD /path" with the place where there is one.
func Find(t *testing.T, document string, h http.Handler, only ...string) []string {
	t.Helper()
	api, err := spec.Parse("openapi.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	file, err := identity.Parse("users.yaml", []byte(users), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	run, err := probe.Run(context.Background(), probe.Config{URL: server.URL, API: api, Users: file, Seed: 1, Only: only, Timeout: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if run.Failed != "" {
		t.Fatal(run.Failed)
	}
	var out []string
	for _, f := range run.Findings {
		if f.Confidence == finding.Tentative || f.Severity == finding.Info {
			continue
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.Kind.ID, f.Method, f.Path, f.Where)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Expect runs checks and compares.
func Expect(t *testing.T, document string, h http.Handler, check string, want ...string) {
	t.Helper()
	got := Find(t, document, h, check)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
