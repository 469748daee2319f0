// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"durward/probe/call"
	"durward/probe/spec"
)

func TestEachInvalidValueBreaksOneKeyword(t *testing.T) {
	for text, want := range map[string][]string{
		`{"type":"string","minLength":3,"maxLength":5,"pattern":"^[a-z]+$"}`:          {"null", "type", "type", "type", "minLength", "maxLength", "pattern"},
		`{"type":"string","format":"email","maxLength":40}`:                           {"null", "type", "type", "type", "maxLength", "format"},
		`{"type":"string","enum":["a","b"]}`:                                          {"null", "type", "type", "type", "enum"},
		`{"type":["string","null"],"format":"date"}`:                                  {"type", "type", "type", "format"},
		`{"type":"integer","minimum":1,"maximum":9}`:                                  {"null", "type", "type", "type", "minimum", "maximum"},
		`{"type":"number","exclusiveMinimum":0,"multipleOf":0.5}`:                     {"null", "type", "type", "type", "exclusiveMinimum", "multipleOf"},
		`{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}`:       {"null", "type", "type", "type", "minItems", "maxItems"},
		`{"type":"array","items":{"type":"integer"},"minItems":1,"uniqueItems":true}`: {"null", "type", "type", "type", "minItems", "uniqueItems"},
		`{"type":"boolean"}`: {"null", "type", "type", "type"},
		`{"anyOf":[{"type":"integer","minimum":5},{"type":"null"}]}`: {"type", "type", "type", "minimum"},
		`{}`: nil,
	} {
		t.Run(text, func(t *testing.T) {
			s, other := schema(t, text), others(t, text)
			v := Valid(source(1), s, Hints{})
			var got []string
			for _, bad := range Invalid(source(1), s, v) {
				got = append(got, bad.Keyword)
				if other(bad.Value) == nil {
					t.Errorf("%v is valid", bad)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestInvalidValuesAreInvalidForOthersAsWell(t *testing.T) {
	n := 0
	for seed := range 300 {
		text, _ := json.Marshal(randomSchema(source(seed), 2))
		s, other := schema(t, string(text)), others(t, string(text))
		v := Valid(source(seed), s, Hints{})
		for _, bad := range Invalid(source(seed), s, v) {
			n++
			if other(bad.Value) == nil {
				t.Errorf("%s takes %v", text, bad)
			}
		}
		if strings.Contains(string(text), "format") {
			continue // others know more formats, in branches
		}
		for _, b := range Boundaries(source(seed), s) {
			if err := other(b); err != nil {
				t.Errorf("%s does not take its own edge %v: %v", text, b, err)
			}
		}
	}
	if n < 500 {
		t.Errorf("only %d values were made", n)
	}
}

func TestBoundariesAreTheEdges(t *testing.T) {
	for text, want := range map[string][]any{
		`{"type":"integer","minimum":1,"maximum":9}`: {json.Number("1"), json.Number("9")},
		`{"type":"string","enum":["a","b"]}`:         {"a", "b"},
		`{"type":"boolean"}`:                         {true, false},
		`{"type":["array","null"]}`:                  {[]any{}, nil},
	} {
		got := Boundaries(source(1), schema(t, text))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
	for _, v := range Boundaries(source(1), schema(t, `{"type":"string","minLength":2,"maxLength":4,"pattern":"^[a-z]*$"}`)) {
		if n := len(v.(string)); n != 2 && n != 4 {
			t.Errorf("%q is no edge", v)
		}
	}
}

func booking(t *testing.T) *call.Call {
	t.Helper()
	api, err := spec.Parse("s", []byte(`
openapi: 3.1.0
paths:
  /rooms/{room}:
    post:
      parameters:
      - {name: room, in: path, required: true, schema: {type: integer, minimum: 1}}
      - {name: nights, in: query, required: true, schema: {type: integer, maximum: 30}}
      - {name: q, in: query, schema: {type: string}}
      - {name: ids, in: query, schema: {type: array, items: {type: integer}}}
      requestBody:
        content:
          application/json:
            schema: {type: object, additionalProperties: false, required: [guest], properties: {id: {type: integer, readOnly: true}, guest: {type: string, minLength: 2}, note: {}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	return &call.Call{Op: api.Operations[0],
		Path: call.Values{{Name: "room", Value: json.Number("4")}}, Query: call.Values{{Name: "nights", Value: json.Number("3")}, {Name: "ids", Value: []any{1.0}}, {Name: "more", Value: "1"}},
		Body: map[string]any{"guest": "Kim", "note": "x", "id": json.Number("1")}, HasBody: true, MediaType: "application/json"}
}

func TestMutationsOfACallBreakOneRuleEach(t *testing.T) {
	c := booking(t)
	var got []string
	for _, m := range Mutations(source(1), c) {
		s := m.Place.String() + " " + m.Keyword
		if !slices.Contains(got, s) {
			got = append(got, s)
		}
		d, ok := m.Apply(c)
		if !ok {
			t.Errorf("%v cannot be applied", m)
			continue
		}
		if _, err := d.Encode(""); err != nil {
			t.Error(err)
		}
		if v, there := d.Get(m.Place); m.Change == Remove && there || m.Change == Set && !Equal(v, m.Value) {
			t.Errorf("%v gives %v", m, v)
		}
	}
	want := []string{
		"path.room minimum", "path.room type",
		"query.nights required", "query.nights type", "query.nights maximum", "query.nights duplicate",
		"body# null", "body# type", "body#/probeExtra additionalProperties",
		"body#/guest required", "body#/guest null", "body#/guest type", "body#/guest minLength", "body#/guest duplicate", "body#/note duplicate",
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(booking(t).Body, c.Body); d != "" {
		t.Errorf("the call itself was changed: %s", d)
	}
}

func TestMutationsOfTextAreReadAsText(t *testing.T) {
	for _, c := range []struct {
		types, text string
		want        any
	}{
		{`["integer"]`, "12", json.Number("12")}, {`["integer"]`, "x1", "x1"}, {`["integer"]`, "", ""}, {`["boolean"]`, "true", true},
		{`["string","integer"]`, "12", "12"}, {`["number"]`, "-1.5", json.Number("-1.5")}, {`["number"]`, "NaN", "NaN"}, {`["number"]`, "null", "null"},
	} {
		if got := Read(schema(t, `{"type":`+c.types+`}`), c.text); !cmp.Equal(got, c.want) {
			t.Errorf("%v", got)
		}
	}
}

func TestMalformedRequestsCanBeWritten(t *testing.T) {
	c := booking(t)
	seen := map[string]bool{}
	for _, m := range Malformed(c) {
		d, ok := m.Apply(c)
		if !ok {
			t.Fatalf("%v cannot be applied", m)
		}
		r, err := d.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(r.Target, string(r.Body), r.Header)
		if seen[key] {
			t.Errorf("%v says the same as another", m)
		}
		seen[key] = true
		if m.String() == "" || strings.Contains(m.String(), "\x00") || !utf8.ValidString(m.String()) {
			t.Errorf("%q", m.String())
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d", len(seen))
	}
}

func TestACallIsShrunkToWhatMatters(t *testing.T) {
	c := booking(t)
	c.Body.(map[string]any)["deep"] = []any{map[string]any{"a": "x", "b": "some\x00text", "n": json.Number("123.5")}, "more", 1.0, 2.0}
	fails := func(c *call.Call) bool {
		r, err := c.Encode("")
		return err == nil && strings.Contains(string(r.Body), `\u0000`)
	}
	small, steps := Shrink(c, fails, 300)
	r, _ := small.Encode("")
	if r.Target != "/rooms/4" || len(r.Body) > len(`{"deep":[{"b":"\u0000"}]}`) || !fails(small) {
		t.Errorf("after %d steps: %s %s", steps, r.Target, r.Body)
	}
	for _, most := range []int{0, 1, 7} {
		if _, steps := Shrink(c, fails, most); steps != most {
			t.Errorf("%d steps of %d", steps, most)
		}
	}
	same, _ := Shrink(c, func(*call.Call) bool { return false }, 1000)
	if same != c {
		t.Error("what does not fail is no smaller call")
	}
}

func TestShrinkingEndsWhereEverythingFails(t *testing.T) {
	small, steps := Shrink(booking(t), func(*call.Call) bool { return true }, 10_000)
	if small.HasBody || len(small.Query) > 0 || steps > 200 {
		t.Errorf("%d steps: %+v", steps, small)
	}
}
