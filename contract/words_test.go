// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"durward"

	"github.com/google/go-cmp/cmp"
)

// Each of these values breaks its schema in one way, and both ways of checking
// say so in the same words.
func TestBothValidatorsUseTheSameWords(t *testing.T) {
	for _, test := range []struct{ schema, value, want string }{
		{`{"type":"integer"}`, `"x"`, "body : must be an integer"},
		{`{"type":["integer","null"]}`, `"x"`, "body : must be an integer"},
		{`{"type":["integer","string"]}`, `[]`, "body : has the wrong type"},
		{`{"type":"null"}`, `1`, "body : must be null"},
		{`{"type":"boolean"}`, `1`, "body : must be true or false"},
		{`{"type":"number"}`, `"1"`, "body : must be a number"},
		{`{"type":"array"}`, `1`, "body : must be an array"},
		{`{"enum":[1,"a"]}`, `2`, "body : is not one of the allowed values"},
		{`{"const":{"a":1}}`, `{"a":2}`, "body : is not one of the allowed values"},
		{`{"minimum":5}`, `4`, "body : is too small"},
		{`{"exclusiveMinimum":5}`, `5.0`, "body : is too small"},
		{`{"maximum":5}`, `5.1`, "body : is too large"},
		{`{"exclusiveMaximum":5}`, `5`, "body : is too large"},
		{`{"multipleOf":0.1}`, `0.35`, "body : is not a multiple of the allowed step"},
		{`{"minLength":2}`, `"é"`, "body : is too short"},
		{`{"maxLength":2}`, `"ééé"`, "body : is too long"},
		{`{"pattern":"^a"}`, `"b"`, "body : does not match the pattern"},
		{`{"format":"uuid"}`, `"b"`, "body : is not in the required format"},
		{`{"format":"int32"}`, `2147483648`, "body : is not in the required format"},
		{`{"minItems":2}`, `[1]`, "body : has too few items"},
		{`{"maxItems":0}`, `[1]`, "body : has too many items"},
		{`{"uniqueItems":true}`, `[1,{"a":1},{"a":1.0}]`, "body : has an item twice"},
		{`{"uniqueItems":true}`, `[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,-0,0.0]`, "body : has an item twice"},
		{`{"uniqueItems":true}`, `["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15",1,1,null]`, "body : has an item twice"},
		{`{"uniqueItems":true}`, `["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15",1,"1",null]`, "body : has an item twice"},
		{`{"uniqueItems":true}`, `["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15",[],[],null]`, "body : has an item twice"},
		{`{"contains":{"const":1}}`, `[2]`, "body : does not contain the required items"},
		{`{"contains":{"const":1},"maxContains":1}`, `[1,1]`, "body : does not contain the required items"},
		{`{"prefixItems":[true],"items":false}`, `[1,2]`, "body /1: is not allowed here"},
		{`{"minProperties":1}`, `{}`, "body : has too few members"},
		{`{"maxProperties":1}`, `{"a":1,"b":2}`, "body : has too many members"},
		{`{"required":["a","b/c"]}`, `{"a":1}`, "body /b~1c: is required"},
		{`{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, "body /b: is required"},
		{`{"additionalProperties":false}`, `{"x~y":1}`, "body /x~0y: is not allowed here"},
		{`{"propertyNames":{"maxLength":1}}`, `{"ab":1}`, "body /ab: has a name that is not allowed"},
		{`{"properties":{"a":{"items":{"type":"string"}}}}`, `{"a":["x",1]}`, "body /a/1: must be a string"},
		{`{"properties":{"a":false}}`, `{"a":1}`, "body /a: is not allowed here"},
		{`{"anyOf":[{"type":"string"},{"minimum":5}]}`, `4`, "body : is of none of the allowed forms"},
		{`{"oneOf":[{"type":"integer"},{"minimum":5}]}`, `6`, "body : is not of exactly one of the allowed forms"},
		{`{"not":{"type":"integer"}}`, `6`, "body : is of a form that is not allowed"},
		{`{"if":{"minimum":5},"then":{"multipleOf":2}}`, `7`, "body : is not a multiple of the allowed step"},
		{`{"allOf":[{"properties":{"a":{"minimum":5}}}]}`, `{"a":1}`, "body /a: is too small"},
		{`{"$ref":"#/$defs/x","$defs":{"x":{"maxLength":1}}}`, `"ab"`, "body : is too long"},
		{`{"unevaluatedProperties":false}`, `{"x":1}`, "body /x: is not allowed here"},
		{`{"prefixItems":[true],"unevaluatedItems":false}`, `[1,2]`, "body /1: is not allowed here"},
		{`false`, `1`, "body : is not allowed here"},
	} {
		source, err := readJSON(test.schema)
		if err != nil {
			t.Fatal(err)
		}
		s, err := compileStandalone(source)
		if err != nil {
			t.Fatal(err)
		}
		for name, way := range map[string]*schema{"direct": s.s, "library": s.slow} {
			if _, got := judge(t, way, test.value); got.Error() != test.want {
				t.Errorf("%s: %s of %s: got %s, want %s", name, test.schema, test.value, got, test.want)
			}
		}
	}
}

func TestSchemasWithDynamicReferencesAreLeftToTheLibrary(t *testing.T) {
	d := mustParse(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x: {post: {operationId: op, requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/StrictTree"}}}}}}
components:
  schemas:
    StrictTree:
      $id: "https://example.com/strict"
      $dynamicAnchor: node
      $ref: tree
      unevaluatedProperties: false
      $defs:
        tree:
          $id: tree
          $dynamicAnchor: node
          properties: {value: {type: integer}, children: {type: array, items: {$dynamicRef: "#node"}}}
`)
	s := mustStage(t, d, "op", &Config{})
	for body, want := range map[string]string{
		`{"value":1,"children":[{"value":2}]}`:   "allow",
		`{"value":1,"children":[{"valve":2}]}`:   "invalid-body: body /children/0/valve: is not allowed here",
		`{"value":1,"children":[{"value":"2"}]}`: "invalid-body: body /children/0/value: must be an integer",
	} {
		// The library adds what an earlier fault left unevaluated.
		if got := ask(s, request{body: body}); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

func TestARefusalIsBoundedAndQuotesNoValue(t *testing.T) {
	d := mustParse(t, bodyDoc)
	s := mustStage(t, d, "json", &Config{})
	var b strings.Builder
	b.WriteString(`{"name":"Secret-Value-1","age":"Secret-Value-2","role":"Secret-Value-3"`)
	for i := range 50 {
		fmt.Fprintf(&b, `,"%d%s":1`, i, strings.Repeat("n", 200))
	}
	b.WriteString("}")
	dec := s.Request(t.Context(), exchange(request{body: b.String()}))
	v := dec.Err.(durward.Violations)
	if len(v) != maxViolations {
		t.Errorf("%d violations, want %d", len(v), maxViolations)
	}
	if text := v.Error(); strings.Contains(text, "Secret") || strings.Contains(text, "a-z") || len(text) > 2000 {
		t.Error(text)
	}
}

func TestAlternativesWithinAlternativesTakeBoundedTime(t *testing.T) {
	// Both branches lead back, so a plain walk doubles its work at each level.
	d := mustParse(t, `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x: {post: {operationId: op, requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/T"}}}}}}
components:
  schemas:
    T:
      oneOf:
        - {properties: {t: {$ref: "#/components/schemas/T"}, a: {type: integer}}, required: [a]}
        - {properties: {t: {$ref: "#/components/schemas/T"}, b: {type: integer}}, required: [b]}
`)
	for _, cfg := range []*Config{{MaxDepth: 256}, {MaxDepth: 256, AdditionalProperties: Refuse}} {
		s := mustStage(t, d, "op", cfg)
		const depth = 200
		body := strings.Repeat(`{"t":`, depth) + `{"b":1}` + strings.Repeat(`,"a":1}`, depth)
		if got := ask(s, request{body: body}); got != "allow" {
			t.Error(got)
		}
		body = strings.Repeat(`{"t":`, depth) + `{"b":"x"}` + strings.Repeat(`,"a":1}`, depth)
		if got := ask(s, request{body: body}); got != "invalid-body: body : is not of exactly one of the allowed forms" {
			t.Error(got)
		}
	}
}

func TestASchemaThatMultipliesItsWorkIsCutOff(t *testing.T) {
	var b strings.Builder
	b.WriteString("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /x: {post: {operationId: op, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A0'}}}}}}\ncomponents:\n  schemas:\n")
	for i := range 40 {
		fmt.Fprintf(&b, "    A%d: {allOf: [{$ref: '#/components/schemas/A%d'}, {$ref: '#/components/schemas/A%d'}]}\n", i, i+1, i+1)
	}
	b.WriteString("    A40: {not: {type: 'null'}, properties: {a: {type: integer, readOnly: true}}}\n")
	d := mustParse(t, b.String())
	for _, cfg := range []*Config{{}, {AdditionalProperties: Refuse}} {
		if got := ask(mustStage(t, d, "op", cfg), request{body: "{}"}); got != "invalid-body: body : is too complex" {
			t.Error(got)
		}
	}
}

func TestLongListsOfDistinctValuesPass(t *testing.T) {
	d := mustParse(t, "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /x: {post: {operationId: op, requestBody: {content: {application/json: {schema: {type: array, uniqueItems: true}}}}}}\n")
	s := mustStage(t, d, "op", &Config{})
	var numbers, objects []string
	for i := range 9000 {
		numbers = append(numbers, fmt.Sprint(i, ".5"))
		objects = append(objects, fmt.Sprintf(`{"n":%d}`, i))
	}
	list := "[" + strings.ReplaceAll(strings.Join(numbers, ","), " ", "") + "]"
	if got := ask(s, request{body: list}); got != "allow" {
		t.Error(got)
	}
	// Objects are compared pair by pair, so that long lists of them are not.
	if got := ask(s, request{body: "[" + strings.Join(objects, ",") + "]"}); !strings.Contains(got, reasonComplex) || strings.Contains(got, reasonUnique) {
		t.Error(got)
	}
	if got := ask(s, request{body: "[" + strings.Join(objects[:900], ",") + "]"}); got != "allow" {
		t.Error(got)
	}
}

func TestAStageServesManyRequestsAtOnce(t *testing.T) {
	s := mustStage(t, mustParse(t, orderDoc), "order", &Config{})
	if s.Name() != "contract" {
		t.Error(s.Name())
	}
	good, bad := orderRequest(), orderRequest()
	bad.body = strings.Replace(bad.body, "EUR", "XXX", 1)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				if got := ask(s, good); got != "allow" {
					t.Error(got)
				}
				if got := ask(s, bad); got != "invalid-body: body /currency: is not one of the allowed values" {
					t.Error(i, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestAConfigReportsEveryFault(t *testing.T) {
	if err := (&Config{}).Check(); err != nil {
		t.Error(err)
	}
	if err := (&Config{UnknownQuery: Allow, AdditionalProperties: Refuse, ReadOnly: Allow, ContentEncodings: []string{"gzip"}, MaxBody: 1 << 20, MaxDecompressed: 1 << 20}).Check(); err != nil {
		t.Error(err)
	}
	bad := &Config{UnknownQuery: "drop", AdditionalProperties: "no", ReadOnly: "yes", ContentEncodings: []string{"gzip", "br"},
		MaxBody: 2 << 30, MaxDecompressed: 1, MaxDepth: 1000, MaxMembers: -1, MaxItems: -1, MaxParts: 1e7}
	var fields []string
	for _, err := range durward.Flatten(bad.Check()) {
		fields = append(fields, err.(*durward.FieldError).Field)
	}
	slices.Sort(fields)
	want := []string{"additional_properties", "content_encodings[1]", "max_body", "max_decompressed", "max_depth", "max_items", "max_members", "max_parts", "read_only", "unknown_query"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
}

func TestBoundsOfTheConfigurationHold(t *testing.T) {
	d := mustParse(t, bodyDoc)
	for _, test := range []struct {
		name, op, body string
		cfg            Config
		want           string
	}{
		{"depth", "optional", `{"a":{"b":{}}}`, Config{MaxDepth: 2}, "invalid-body: body /a/b: is nested too deeply"},
		{"members", "optional", `{"a":1,"b":2,"c":3}`, Config{MaxMembers: 2}, "invalid-body: body : has too many members"},
		{"items", "optional", `{"a":[1,2,3]}`, Config{MaxItems: 2}, "invalid-body: body /a: has too many items"},
		{"values", "optional", `{"a":[` + strings.Repeat("[1,1,1,1,1,1,1,1,1,1,1],", 9999) + `1]}`, Config{}, "has too many values"},
		{"size", "optional", `{"a":"` + strings.Repeat("x", 100) + `"}`, Config{MaxBody: 50}, "deny body-too-large"},
	} {
		if got := ask(mustStage(t, d, test.op, &test.cfg), request{body: test.body}); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	s := mustStage(t, mustParse(t, oneParameter("/x", `{name: a, in: query, schema: {type: array, items: {}}}`)), "op", &Config{MaxMembers: 3})
	if got := ask(s, request{query: "a=1&a=1&a=1&a=1"}); got != "invalid-parameter: query : has too many fields" {
		t.Error(got)
	}
}
