// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory_test

import (
	"net/http"
	"strings"
	"testing"

	"durward/probe/check/checktest"
)

const document = `
openapi: 3.0.3
info: {title: Shop, version: "2"}
servers: [{url: /v2}]
paths:
  /users: {get: {operationId: listUsers, responses: {"200": {description: all}}}}
  /debug: {get: {operationId: debug, responses: {"200": {description: of the document}}}}
`

func TestOperationsThatAreInNoDocument(t *testing.T) {
	users := map[string]any{"users": []string{"alice", "bob"}}
	serve := func(paths map[string]any, rest http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if v, ok := paths[r.URL.Path]; ok && r.Method == http.MethodGet {
				checktest.Write(w, http.StatusOK, v)
				return
			}
			rest(w, r)
		})
	}
	missing := func(w http.ResponseWriter, _ *http.Request) {
		checktest.Write(w, http.StatusNotFound, map[string]any{"error": "no"})
	}
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Shop</title>")) // a client that left is no fault
	}
	fine := func(w http.ResponseWriter, r *http.Request) {
		checktest.Write(w, http.StatusOK, map[string]any{"status": "ok", "path": r.URL.Path})
	}
	sorry := func(w http.ResponseWriter, _ *http.Request) {
		checktest.Write(w, http.StatusOK, map[string]any{"error": "there is no such thing"})
	}
	documented := map[string]any{"/v2/users": users, "/v2/debug": users}
	and := func(path string) map[string]any {
		m := map[string]any{path: users}
		for p, v := range documented {
			m[p] = v
		}
		return m
	}
	tests := []struct {
		name    string
		handler http.Handler
		want    string
	}{
		{"nothing else", serve(documented, missing), ""},
		{"a page for every path", serve(documented, page), ""},
		{"the same for every path", serve(documented, fine), ""},
		{"faults with 200", serve(documented, sorry), ""},

		{"an older version", serve(and("/v1/users"), missing), "/v1/users"},
		{"an operation for the inside", serve(and("/internal/users"), missing), "/internal/users"},
		{"one among faults with 200", serve(and("/v2/admin/users"), sorry), "/v2/admin/users"},
		{"one among pages", serve(and("/v2/internal/config"), page), "/v2/internal/config"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := checktest.Find(t, document, tt.handler, "inventory")
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasSuffix(got[0], " "+tt.want)) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}
