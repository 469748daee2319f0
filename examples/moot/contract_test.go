// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

func operations() map[string]*openapi3.Operation {
	doc, _ := document()
	all := make(map[string]*openapi3.Operation)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

func TestTheContractAndTheHandlerHaveTheSameOperations(t *testing.T) {
	a := newTester(t).api
	served := append(slices.Collect(maps.Keys(a.table())), "GET /health")
	slices.Sort(served)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(operations())), served); diff != "" {
		t.Errorf("contract (-) against handler (+):\n%s", diff)
	}
}

func TestEveryOperationOfTheContractIsReachable(t *testing.T) {
	x := newTester(t)
	values := strings.NewReplacer("{space}", "lobby", "{user}", "cy", "{message}", "m-000001",
		"{attachment}", "a-000001", "{report}", "r-000001")
	for line := range operations() {
		method, path, _ := strings.Cut(line, " ")
		r := httptest.NewRequest(method, values.Replace(path), nil)
		w := httptest.NewRecorder()
		x.api.Handler().ServeHTTP(w, r) // nobody: stops at the caller's name
		want := 401
		if path == "/health" {
			want = 200
		}
		if w.Code != want {
			t.Errorf("%s answers %d to nobody, want %d", line, w.Code, want)
		}
	}
}

func TestTheContractIsTightEnoughToGuardWith(t *testing.T) {
	doc, _ := document()
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	seen := make(map[string]bool)
	for line, op := range operations() {
		if op.OperationID == "" || seen[op.OperationID] || len(op.Tags) != 1 || op.Summary == "" {
			t.Errorf("%s: its id is missing or double, or it has no tag or summary", line)
		}
		seen[op.OperationID] = true
		if public := op.Security != nil && len(*op.Security) == 0; public != (line == "GET /health") {
			t.Errorf("%s: public is %v", line, public)
		}
		for _, p := range op.Parameters {
			tight(t, line+" "+p.Value.Name, p.Value.Schema)
		}
	}
	for name, schema := range doc.Components.Schemas {
		tight(t, name, schema)
	}
}

// tight fails for an object that takes any field and a string or list that has
// no bound.
func tight(t *testing.T, name string, ref *openapi3.SchemaRef) {
	t.Helper()
	s := ref.Value
	if ref.Ref != "" {
		return // checked by its own name
	}
	switch {
	case s.Type.Is("object"):
		if s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has {
			t.Errorf("%s takes any field", name)
		}
		for field, p := range s.Properties {
			tight(t, name+"."+field, p)
		}
	case s.Type.Is("array"):
		if s.MaxItems == nil {
			t.Errorf("%s has no maxItems", name)
		}
		tight(t, name+"[]", s.Items)
	case s.Type.Is("string"):
		if s.MaxLength == nil && s.Pattern == "" && len(s.Enum) == 0 && s.Const == nil {
			t.Errorf("%s has no maxLength, pattern or enum", name)
		}
	case s.Type.Is("integer"):
		if s.Min == nil || s.Max == nil {
			t.Errorf("%s has no bounds", name)
		}
	}
}
