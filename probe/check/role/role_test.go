// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package role_test

import (
	"net/http"
	"strings"
	"testing"

	"durward/probe/check/checktest"
)

const document = `
openapi: 3.0.3
info: {title: Shop, version: "1"}
security: [{bearer: []}]
paths:
  PATH:
    get: {operationId: OPID, tags: [TAG], summary: "SUMMARY", responses: {"200": {description: all}}}
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
`

func TestFunctionsOfOthers(t *testing.T) {
	report := map[string]any{"sold": 12, "returned": 1}
	open := func(w http.ResponseWriter, _ *http.Request, _ string) { checktest.Write(w, http.StatusOK, report) }
	admins := func(w http.ResponseWriter, _ *http.Request, user string) {
		if user != "root" {
			checktest.Write(w, http.StatusForbidden, map[string]any{"error": "no"})
			return
		}
		checktest.Write(w, http.StatusOK, report)
	}
	sorry := func(w http.ResponseWriter, _ *http.Request, user string) {
		if user != "root" {
			checktest.Write(w, http.StatusOK, map[string]any{"error": "administrators only"})
			return
		}
		checktest.Write(w, http.StatusOK, report)
	}
	less := func(w http.ResponseWriter, _ *http.Request, user string) {
		if user != "root" {
			checktest.Write(w, http.StatusOK, map[string]any{"mine": 3})
			return
		}
		checktest.Write(w, http.StatusOK, report)
	}
	tests := []struct {
		name, path, id, tag, summary string
		handler                      func(http.ResponseWriter, *http.Request, string)
		found                        bool
	}{
		{"administrators only, by its path", "/admin/sales", "sales", "sales", "", admins, false},
		{"a refusal with 200", "/admin/sales", "sales", "sales", "", sorry, false},
		{"users get something else", "/admin/sales", "sales", "sales", "", less, false},
		{"nothing reserves it", "/sales", "sales", "sales", "Sums of all sales.", open, false},
		{"managers see more", "/sales", "sales", "sales", "One's own sales; for managers, also those of others.", open, false},
		{"a word within another", "/badminton", "listBadmintonCourts", "sports", "", open, false},

		{"open, by its path", "/admin/sales", "sales", "sales", "", open, true},
		{"open, by its name", "/sales", "adminListSales", "sales", "", open, true},
		{"open, by its tag", "/sales", "sales", "staff", "", open, true},
		{"open, by its summary", "/sales", "sales", "sales", "Sums of all sales; for administrators.", open, true},
		{"open, by another summary", "/sales", "sales", "sales", "Sums of all sales (admin only)", open, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET "+tt.path, checktest.Auth(tt.handler))
			doc := strings.NewReplacer("PATH", tt.path, "OPID", tt.id, "TAG", tt.tag, "SUMMARY", tt.summary).Replace(document)
			var want []string
			if tt.found {
				want = []string{"function-access GET " + tt.path}
			}
			checktest.Expect(t, doc, mux, "function-access", want...)
		})
	}
}
