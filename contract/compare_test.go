// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"
)

// comparable is a document whose one operation has the parts given.
func comparable(t *testing.T, parameters, schema string) *Document {
	t.Helper()
	doc, err := Parse("api.yaml", []byte(fmt.Sprintf(`{"openapi": "3.1.0", "info": {"title": "T", "version": "1"},
		"paths": {"/things": {"post": {"operationId": "add", "parameters": [%s],
			"requestBody": {"content": {"application/json": {"schema": %s}}}, "responses": {"200": {"description": "ok"}}}}},
		"components": {"schemas": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "v": {"maxLength": 3}}},
			"Wide": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Wide"}, "v": {"maxLength": 4}}}}}}`, parameters, schema)))
	if err != nil {
		t.Fatalf("%s %s: %v", parameters, schema, err)
	}
	return doc
}

// verdictOf sums up: "same", "stricter" (all are) or "looser" (one is).
func verdictOf(all []Difference) string {
	out := "same"
	for _, d := range all {
		if d.Looser {
			return "looser"
		}
		out = "stricter"
	}
	return out
}

func TestSchemasAreComparedKeywordByKeyword(t *testing.T) {
	for _, tc := range []struct{ old, new, want, back string }{
		{`{"type": "string"}`, `{"type": "string", "description": "x", "x-y": 1}`, "same", "same"},
		{`{"maxLength": 5}`, `{"maxLength": 4}`, "stricter", "looser"},
		{`{"maxLength": 5}`, `{"maxLength": 5.0}`, "same", "same"},
		{`{"type": "string"}`, `{"type": "string", "maxLength": 9}`, "stricter", "looser"},
		{`{"minLength": 5}`, `{"minLength": 6}`, "stricter", "looser"},
		{`{"maximum": 1e2}`, `{"maximum": 99.5}`, "stricter", "looser"},
		{`{"type": "number"}`, `{"type": "integer"}`, "stricter", "looser"},
		{`{"type": ["string", "null"]}`, `{"type": "string"}`, "stricter", "looser"},
		{`{"type": "string"}`, `{"type": "integer"}`, "looser", "looser"},
		{`{"enum": ["a", "b"]}`, `{"enum": ["a"]}`, "stricter", "looser"},
		{`{"enum": ["a"]}`, `{"enum": ["b"]}`, "looser", "looser"},
		{`{"type": "string"}`, `{"type": "string", "pattern": "^a"}`, "stricter", "looser"},
		{`{"pattern": "^a"}`, `{"pattern": "^ab"}`, "looser", "looser"},
		{`{"uniqueItems": false}`, `{"uniqueItems": true}`, "stricter", "looser"},
		{`{"properties": {"a": {"maxLength": 2}}}`, `{"properties": {"a": {"maxLength": 1}}}`, "stricter", "looser"},
		{`{"properties": {"a": {}}}`, `{"properties": {"a": {}, "b": {}}}`, "looser", "looser"},
		{`{"additionalProperties": false, "properties": {"a": {}, "b": {}}}`, `{"additionalProperties": false, "properties": {"a": {}}}`, "stricter", "looser"},
		{`{"type": "object", "additionalProperties": true}`, `{"type": "object", "additionalProperties": false}`, "stricter", "looser"},
		{`{"type": "object"}`, `{"type": "object", "additionalProperties": {"type": "string"}}`, "looser", "looser"},
		{`{"required": ["a"]}`, `{"required": ["a", "b"]}`, "stricter", "looser"},
		{`{"items": {"maximum": 3}}`, `{"items": {"maximum": 2}}`, "stricter", "looser"},
		{`{"items": {"maximum": 3}}`, `{"items": false}`, "stricter", "looser"},
		{`{"allOf": [{"maximum": 3}]}`, `{"allOf": [{"maximum": 3}, {"minimum": 1}]}`, "stricter", "looser"},
		{`{"anyOf": [{"maximum": 3}, {"minimum": 9}]}`, `{"anyOf": [{"maximum": 2}, {"minimum": 9}]}`, "stricter", "looser"},
		{`{"anyOf": [{"maximum": 3}, {"minimum": 9}]}`, `{"anyOf": [{"maximum": 3}]}`, "looser", "looser"},
		{`{"not": {"maximum": 3}}`, `{"not": {"maximum": 2}}`, "looser", "looser"},
		{`{"oneOf": [{"maximum": 3}, {"minimum": 2}]}`, `{"oneOf": [{"maximum": 2}, {"minimum": 2}]}`, "looser", "looser"},
		{`{"if": {"maximum": 3}, "then": {"minimum": 1}}`, `{"if": {"maximum": 2}, "then": {"minimum": 1}}`, "looser", "looser"},
		{`{"type": "string", "format": "date"}`, `{"type": "string", "format": "uuid"}`, "looser", "looser"},
		{`{"readOnly": true}`, `{"readOnly": false}`, "looser", "looser"},
		{`{"$ref": "#/components/schemas/Wide"}`, `{"$ref": "#/components/schemas/Node"}`, "stricter", "looser"},
		{`{"$ref": "#/components/schemas/Node"}`, `{"$ref": "#/components/schemas/Node"}`, "same", "same"},
		{`{"$ref": "#/components/schemas/Node"}`, `{"$ref": "#/components/schemas/Node", "maxProperties": 1}`, "stricter", "looser"},
		{`{"$ref": "#/components/schemas/Node"}`, `{"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "v": {"maxLength": 3}}}`, "same", "same"},
	} {
		a, b := comparable(t, "", tc.old), comparable(t, "", tc.new)
		if got := Compare(a, b, "add"); verdictOf(got) != tc.want {
			t.Errorf("%s -> %s is %s, want %s: %+v", tc.old, tc.new, verdictOf(got), tc.want, got)
		}
		if got := Compare(b, a, "add"); verdictOf(got) != tc.back {
			t.Errorf("%s -> %s is %s, want %s: %+v", tc.new, tc.old, verdictOf(got), tc.back, got)
		}
	}
}

func TestParametersAreCompared(t *testing.T) {
	const limit = `{"name": "limit", "in": "query", "schema": {"maximum": 9}}`
	for name, tc := range map[string]struct{ old, new, want string }{
		"the same":                     {limit, limit, "same"},
		"a further query parameter":    {"", limit, "looser"},
		"a query parameter less":       {limit, "", "looser"},
		"a rule for a header field":    {"", `{"name": "X-A", "in": "header", "schema": {"maximum": 9}}`, "stricter"},
		"a header field without rules": {`{"name": "X-A", "in": "header", "schema": {"maximum": 9}}`, "", "looser"},
		"a header in another spelling": {`{"name": "X-A", "in": "header", "schema": {}}`, `{"name": "x-a", "in": "header", "schema": {}}`, "looser"},
		"required":                     {limit, strings.Replace(limit, `"in"`, `"required": true, "in"`, 1), "stricter"},
		"no longer required":           {strings.Replace(limit, `"in"`, `"required": true, "in"`, 1), limit, "looser"},
		"a smaller value":              {limit, strings.Replace(limit, "9", "8", 1), "stricter"},
		"another style":                {limit, strings.Replace(limit, `"in"`, `"explode": false, "in"`, 1), "looser"},
		"only words":                   {limit, strings.Replace(limit, `"in"`, `"description": "how many", "in"`, 1), "same"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Compare(comparable(t, tc.old, "{}"), comparable(t, tc.new, "{}"), "add"); verdictOf(got) != tc.want {
				t.Errorf("got %s, want %s: %+v", verdictOf(got), tc.want, got)
			}
		})
	}
}

func TestDifferencesAreBoundedAndNoneThatLoosensIsLost(t *testing.T) {
	schema := func(n int, last string) string {
		var members []string
		for i := range 80 {
			members = append(members, fmt.Sprintf(`"m%02d": {"maxLength": %d}`, i, n))
		}
		return `{"properties": {` + strings.Join(append(members, last), ", ") + `}}`
	}
	got := Compare(comparable(t, "", schema(5, `"z": {"maxLength": 1}`)), comparable(t, "", schema(4, `"z": {"maxLength": 2}`)), "add")
	if len(got) != maxDifferences || verdictOf(got) != "looser" {
		t.Errorf("%d differences, %s", len(got), verdictOf(got))
	}
	if Compare(comparable(t, "", "{}"), comparable(t, "", "{}"), "nothing") != nil {
		t.Error("an operation that is not there differs")
	}
}
