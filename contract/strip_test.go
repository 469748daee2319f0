// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"durward"
)

// outlineOf compiles one schema of a document's components.
func outlineOf(t testing.TB, schemas string) *outline {
	t.Helper()
	d, err := Parse("t.yaml", []byte(`
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /t:
    get:
      operationId: t
      responses:
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/T"}}}}
components:
  schemas:
`+indent(schemas)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.answers("t")
	if err != nil {
		t.Fatal(err)
	}
	return all[0].media[0].outline
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(s, "\n")) {
		b.WriteString("    " + line)
	}
	return b.String() + "\n"
}

func stripped(t testing.TB, o *outline, rules guardRules, who durward.Principal, text string) (string, *findings, error) {
	t.Helper()
	var s stripper
	s.reset(o, &rules, &who)
	out, clean, err := s.strip([]byte(text))
	if clean && string(out) != text {
		t.Errorf("clean, but not the same: %s", out)
	}
	return string(out), &s.found, err
}

func TestMembersThatTheSchemaDoesNotNameAreRemoved(t *testing.T) {
	for name, tc := range map[string]struct{ schema, in, want string }{
		"at the top":                            {`T: {properties: {a: {}}}`, `{"a":1,"b":2}`, `{"a":1}`},
		"the first":                             {`T: {properties: {b: {}}}`, `{"a":1,"b":2}`, `{"b":2}`},
		"the first two of four":                 {`T: {properties: {c: {}, d: {}}}`, `{"a":1, "b":2, "c":3, "d":4}`, `{ "c":3, "d":4}`},
		"in the middle, with space around":      {`T: {properties: {a: {}, c: {}}}`, `{ "a" : 1 , "b" : [1,{"x":"}"}] , "c" : 3 }`, `{ "a" : 1  , "c" : 3 }`},
		"all":                                   {`T: {properties: {z: {}}}`, ` {"a":{"b":[{}]},"b":"x"} `, ` {} `},
		"in nested objects":                     {`T: {properties: {a: {properties: {x: {}}}}}`, `{"a":{"x":1,"y":2}}`, `{"a":{"x":1}}`},
		"in items":                              {`T: {type: array, items: {properties: {x: {}}}}`, `[{"x":1,"y":2},{"y":3},{}]`, `[{"x":1},{},{}]`},
		"by a name with escapes":                {`T: {properties: {a: {}}}`, `{"\u0061":1,"\u0062":2}`, `{"\u0061":1}`},
		"by a name outside ASCII":               {`T: {properties: {ä😀: {}}}`, `{"\u00e4\ud83d\ude00":1,"ä😀":2,"ä":3}`, `{"\u00e4\ud83d\ude00":1,"ä😀":2}`},
		"through references":                    {"T: {$ref: '#/components/schemas/A'}\nA: {properties: {a: {$ref: '#/components/schemas/A'}, x: {}}}", `{"a":{"a":{"x":1,"y":1},"y":2},"y":3}`, `{"a":{"a":{"x":1}}}`},
		"not those of any part of allOf":        {"T: {allOf: [{$ref: '#/components/schemas/A'}, {properties: {b: {}}}]}\nA: {properties: {a: {}}}", `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`},
		"where allOf refines a member":          {"T: {allOf: [{properties: {a: {type: object}}}, {properties: {a: {properties: {x: {}}}}}]}", `{"a":{"x":1,"y":2}}`, `{"a":{"x":1}}`},
		"not those of a branch of oneOf":        {"T: {oneOf: [{properties: {a: {}}}, {properties: {b: {}}}]}", `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`},
		"not in an open branch":                 {"T: {oneOf: [{properties: {a: {properties: {x: {}}}}}, {type: object}]}", `{"a":{"y":1},"c":3}`, `{"a":{"y":1},"c":3}`},
		"where a branch is null":                {"T: {anyOf: [{properties: {a: {}}}, {type: 'null'}]}", `{"a":1,"b":2}`, `{"a":1}`},
		"where branches only require":           {"T: {properties: {a: {}, b: {}}, anyOf: [{required: [a]}, {required: [b]}]}", `{"a":1,"c":2}`, `{"a":1}`},
		"of the branch that is told":            {"T: {oneOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}], discriminator: {propertyName: k, mapping: {bee: '#/components/schemas/B'}}}\nA: {properties: {k: {}, a: {}}}\nB: {properties: {k: {}, b: {}}}", `{"a":1,"b":2,"k":"bee"}`, `{"b":2,"k":"bee"}`},
		"of a branch by its schema's name":      {"T: {type: array, items: {oneOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}], discriminator: {propertyName: k}}}\nA: {properties: {k: {}, a: {}}}\nB: {properties: {k: {}, b: {}}}", `[{"k":"A","a":1,"b":2},{"k":"B","a":1,"b":2},{"k":"?","a":1,"b":2}]`, `[{"k":"A","a":1},{"k":"B","b":2},{"k":"?","a":1,"b":2}]`},
		"of an heir by the base's member":       {"T: {properties: {k: {}}, discriminator: {propertyName: k}}\nA: {allOf: [{$ref: '#/components/schemas/T'}, {properties: {a: {}}}]}\nB: {allOf: [{$ref: '#/components/schemas/T'}, {properties: {b: {}}}]}", `{"k":"A","a":1,"b":2}`, `{"k":"A","a":1}`},
		"not where additional ones are free":    {`T: {properties: {a: {properties: {x: {}}}}, additionalProperties: true}`, `{"a":{"y":1},"b":2}`, `{"a":{},"b":2}`},
		"within additional ones":                {`T: {additionalProperties: {properties: {x: {}}}}`, `{"a":{"x":1,"y":1}}`, `{"a":{"x":1}}`},
		"not those of a pattern":                {`T: {patternProperties: {'^x-': {properties: {x: {}}}}}`, `{"x-a":{"x":1,"y":1},"y":1}`, `{"x-a":{"x":1}}`},
		"not where nothing is said":             {`T: {properties: {a: {type: object}}}`, `{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":1}}}`},
		"of a value that should be a string":    {`T: {properties: {a: {type: string}}}`, `{"a":{"b":1}}`, `{"a":{}}`},
		"and items that should not be":          {`T: {properties: {a: {type: string}}}`, `{"a":[1,{"b":1}]}`, `{"a":[]}`},
		"and a member that is false":            {`T: {properties: {a: false, b: true}}`, `{"a":1,"b":{"c":1}}`, `{"b":{"c":1}}`},
		"not those of then":                     {`T: {properties: {a: {}}, if: {properties: {a: {const: 1}}}, then: {properties: {b: {}}}}`, `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`},
		"beside items with places of their own": {`T: {prefixItems: [{properties: {a: {}}}], items: {properties: {b: {}}}}`, `[{"a":1,"c":1},{"b":1,"c":1}]`, `[{"a":1},{"b":1}]`},
		"in an object that is twice the same":   {`T: {properties: {a: {properties: {x: {}}}}}`, `{"a":{"y":1},"a":{"x":2,"y":3}}`, `{"a":{},"a":{"x":2}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := stripped(t, outlineOf(t, tc.schema), guardRules{}, durward.Principal{}, tc.in)
			if err != nil || got != tc.want {
				t.Errorf("%s, %v; want %s", got, err, tc.want)
			}
		})
	}
}

func TestMembersAreShownToWhoMaySeeThem(t *testing.T) {
	o := outlineOf(t, `
T:
  properties:
    a: {x-durward-sensitive: {roles: [boss, auditor]}}
    b: {x-durward-sensitive: {scopes: ["pay:read"]}}
    c: {x-durward-sensitive: true}
    d: {writeOnly: true}
    e: {writeOnly: true, x-durward-sensitive: true}
    f: {$ref: "#/components/schemas/Secret"}
    g: {type: array, items: {$ref: "#/components/schemas/Secret"}}
    h: {oneOf: [{type: string}, {$ref: "#/components/schemas/Secret"}]}
Secret: {type: string, x-durward-sensitive: {roles: [boss]}}
`)
	const in = `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":"6","g":["7","8"],"h":"9"}`
	for name, tc := range map[string]struct {
		who   durward.Principal
		rules guardRules
		want  string
	}{
		"nobody":                   {durward.Principal{}, guardRules{}, `{"g":[]}`},
		"a role":                   {durward.Principal{Roles: []string{"x", "auditor"}}, guardRules{}, `{"a":1,"g":[]}`},
		"a role of all":            {durward.Principal{Roles: []string{"boss"}}, guardRules{}, `{"a":1,"f":"6","g":["7","8"],"h":"9"}`},
		"a scope":                  {durward.Principal{Scopes: []string{"pay:read"}}, guardRules{}, `{"b":2,"g":[]}`},
		"a scope is no role":       {durward.Principal{Roles: []string{"pay:read"}, Scopes: []string{"boss"}}, guardRules{}, `{"g":[]}`},
		"write-only is allowed":    {durward.Principal{}, guardRules{writeOnly: true}, `{"d":4,"g":[]}`},
		"undeclared ones are kept": {durward.Principal{}, guardRules{allow: true}, `{"g":[]}`},
		"blocked are undeclared":   {durward.Principal{}, guardRules{block: true}, `{"g":[]}`},
		"only findings are wanted": {durward.Principal{}, guardRules{keep: true}, in},
	} {
		t.Run(name, func(t *testing.T) {
			got, found, err := stripped(t, o, tc.rules, tc.who, in)
			if err != nil || got != tc.want || found.removed == 0 {
				t.Errorf("%s, %v, %d; want %s", got, err, found.removed, tc.want)
			}
		})
	}
}

func TestTheStricterOfTwoPatternsDecides(t *testing.T) {
	o := outlineOf(t, `
T:
  patternProperties:
    "^x-": {type: string}
    "secret$": {type: string, writeOnly: true}
`)
	got, _, err := stripped(t, o, guardRules{}, durward.Principal{}, `{"x-a":"1","x-secret":"2","my-secret":"3"}`)
	if want := `{"x-a":"1"}`; err != nil || got != want {
		t.Errorf("got %s, want %s: %v", got, want, err)
	}
}

func TestWhatIsHiddenStaysHiddenAmongVeryManyAlternatives(t *testing.T) {
	var b strings.Builder
	b.WriteString("T:\n  type: object\n  properties:\n    data:\n      oneOf:\n")
	for i := range mostWays + 1 {
		fmt.Fprintf(&b, "        - {type: object, properties: {p%d: {type: string}, in: {type: object, properties: {pin: {writeOnly: true}, q: {}}}, secret: {x-durward-sensitive: {roles: [admin]}}}}\n", i)
	}
	o := outlineOf(t, b.String())
	const text = `{"data":{"p1":"1","secret":"2","in":{"pin":3,"q":4,"r":5},"other":{"secret":6}}}`
	for who, want := range map[string]string{
		"":      `{"data":{"p1":"1","in":{"q":4,"r":5},"other":{"secret":6}}}`,
		"admin": `{"data":{"p1":"1","secret":"2","in":{"q":4,"r":5},"other":{"secret":6}}}`,
	} {
		got, _, err := stripped(t, o, guardRules{}, durward.Principal{Roles: []string{who}}, text)
		if err != nil || got != want {
			t.Errorf("%q got %s, want %s: %v", who, got, want, err)
		}
	}
}

func TestAnswersMustBeUTF8(t *testing.T) {
	o := outlineOf(t, `T: {type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}`)
	for text, ok := range map[string]bool{
		`{"a":"é€😀"}`:              true,
		`{"é":"é\n€"}`:             true,
		"{\"a\":\"\xff\"}":         false,
		"{\"a\":\"x\xe2\x82\"}":    false,
		"{\"a\":\"\xe2\x82\\n\"}":  false,
		"{\"a\xff\":\"x\"}":        false,
		"{\"a\":\"\xed\xa0\x80\"}": false, // a surrogate
		"{\"a\":\"\xc0\xaf\"}":     false, // longer than need be
	} {
		if _, _, err := stripped(t, o, guardRules{}, durward.Principal{}, text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		for size := byte(1); size < 9; size++ {
			got, err := followedOf(o, guardRules{}, text, []byte{size})
			if (err == nil) != ok || ok && got != text {
				t.Errorf("%q in pieces of %d: %q, %v", text, size, got, err)
			}
		}
	}
}

func TestFindingsNamePlacesAndNoValues(t *testing.T) {
	o := outlineOf(t, `
T:
  required: [id, gone, pw]
  properties:
    id: {type: integer}
    n: {type: number}
    pw: {type: string, writeOnly: true}
    list: {type: array, items: {type: object, required: [x], properties: {x: {type: [string, "null"]}}}}
    map: {additionalProperties: {properties: {x: {}}}}
`)
	_, found, err := stripped(t, o, guardRules{}, durward.Principal{},
		`{"id":1.5,"n":1e3,"list":[{"x":null},{"x":4,"a/b~":"v$lue"},{"y":"v$lue"}],"map":{"ann@corp":{"y":1},"bob@corp":{"y":2}},"zz":true}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(found.fields, " "); found.removed != 5 || got != "/list/*/a~1b~0 /list/*/y /map/*/y /zz" {
		t.Errorf("%d removed: %s", found.removed, got)
	}
	if got := strings.Join(found.faults, " "); found.invalid != 4 || got != "/id /list/*/x /gone" {
		t.Errorf("%d invalid: %s", found.invalid, got)
	}
}

func TestContentThatIsNoJSONIsRefused(t *testing.T) {
	o := outlineOf(t, `T: {properties: {a: {}}}`)
	for _, in := range []string{
		``, ` `, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{,}`, `{"a" 1}`, `[1,]`, `[`, `[1`, `[1 2]`, `{"a":1}}`, `{"a":1} x`, `]`, `{]`, `[}`,
		`nul`, `truex`, `tru`, `-`, `01`, `1.`, `1e`, `+1`, `.5`, `"a`, `"\x"`, `"\u12g4"`, `"\u12`, "\"\x01\"", `{"a\x":1}`, "{\"a\x19\":1}", `{a:1}`, `'a'`, "\xff\xfe{\x00}\x00",
		`{"b":[1,]}`, `{"b":{"c"}}`, `{"b":tru}`, strings.Repeat("[", 129) + strings.Repeat("]", 129),
	} {
		if out, _, err := stripped(t, o, guardRules{}, durward.Principal{}, in); err == nil {
			t.Errorf("%.40q is taken, as %.40q", in, out)
		}
	}
	if out, _, err := stripped(t, o, guardRules{}, durward.Principal{}, "\ufeff{\"a\":1,\"b\":1}"); err != nil || out != "\ufeff{\"a\":1}" {
		t.Errorf("a byte order mark: %q %v", out, err)
	}
}

// pieces gives a text in pieces of some sizes.
type pieces struct {
	text  string
	sizes []byte
	n     int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	size := 1
	if len(p.sizes) > 0 {
		size = int(p.sizes[p.n%len(p.sizes)])%37 + 1
	}
	p.n++
	n := copy(b, p.text[:min(size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

// followed gives what a client gets of content that is stripped while it passes.
func followedOf(o *outline, rules guardRules, text string, sizes []byte) (string, error) {
	var x durward.Exchange
	src := &pieces{text: text, sizes: sizes}
	f := &follower{answers: &Answers{rules: rules}, x: &x, body: io.NopCloser(src), src: src}
	f.s.reset(o, &rules, &x.Principal)
	f.s.buf = make([]byte, 0, followed)
	out, err := io.ReadAll(f)
	return string(out), err
}

// value is JSON as a reader sees it, members in their order.
type member struct {
	name  string
	value any
}

func decodeInOrder(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		out := []member{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeInOrder(d)
			if err != nil {
				return nil, err
			}
			out = append(out, member{name.(string), v})
		}
		_, err := d.Token()
		return out, err
	case json.Delim('['):
		out := []any{}
		for d.More() {
			v, err := decodeInOrder(d)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := d.Token()
		return out, err
	}
	return token, nil
}

// reference removes from a decoded value what its outline does not have.
func reference(o *outline, v any, who *durward.Principal, pick bool) any {
	switch v := v.(type) {
	case []member:
		if o.pick != nil && pick {
			var values []any
			for _, m := range v {
				if m.name == o.pick.property {
					values = append(values, m.value)
				}
			}
			if len(values) == 1 {
				if text, ok := values[0].(string); ok && o.pick.by[text] != nil {
					o = o.pick.by[text]
				}
			}
		}
		out := []member{}
		for _, m := range v {
			if _, to := o.member([]byte(m.name)); to != nil && visible(to, who) {
				out = append(out, member{m.name, reference(to, m.value, who, pick)})
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if o.items != nil && visible(o.items, who) {
				out = append(out, reference(o.items, item, who, pick))
			}
		}
		return out
	}
	return v
}

func visible(o *outline, who *durward.Principal) bool {
	for _, h := range o.hidden {
		if !h.shows(who, false) {
			return false
		}
	}
	return true
}

func encode(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case []member:
		b.WriteByte('{')
		for _, m := range v {
			encode(b, m.name)
			encode(b, m.value)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for _, item := range v {
			encode(b, item)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	default:
		text, _ := json.Marshal(v)
		b.Write(text)
	}
}

func canonicalText(t *testing.T, text string, change func(any) any) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeInOrder(d)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var b bytes.Buffer
	encode(&b, change(v))
	return b.String()
}

const fuzzed = `
T:
  properties:
    a: {type: string}
    n: {$ref: "#/components/schemas/T"}
    l: {type: array, items: {$ref: "#/components/schemas/T"}}
    m: {additionalProperties: {properties: {x: {}}}}
    o: {}
    s: {x-durward-sensitive: true}
    w: {type: array, items: {type: string, writeOnly: true}}
    d: {oneOf: [{$ref: "#/components/schemas/A"}, {$ref: "#/components/schemas/B"}], discriminator: {propertyName: k}}
  patternProperties: {"^x": {properties: {y: {}}}}
A: {properties: {k: {}, a: {properties: {z: {}}}}}
B: {properties: {k: {}, b: {}}}
`

// FuzzStrip holds what the stripper gives against a simple implementation on a
// decoded value, as a whole and in pieces.
func FuzzStrip(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":2}`, `{"n":{"n":{"q":1},"a":"x"},"z":[1,{"a":2}]}`, `{"l":[{"q":1},{"a":1},3,[{"a":1}]]}`, ` [ { "a" : 1 } ] `,
		`{"m":{"k":{"x":1,"y":2}},"s":1,"w":["a","b"],"o":{"any":[1]}}`, `{"d":{"k":"A","a":{"z":1,"y":1},"b":1}}`, `{"d":{"a":1,"b":1,"k":"B"}}`,
		`{"d":{"k":"A","k":"B","a":1,"b":1}}`, `{"\u0061":"\ud800","\u0064":{"\u006b":"\u0041","b":1}}`, `{"xx":{"y":1,"z":2},"x\"":1}`, `"x"`, `-0.5e+3`, `{"a":"\\\"","q":"}"}`,
	} {
		f.Add(s, []byte{1, 7, 30})
	}
	o := outlineOf(f, fuzzed)
	who := durward.Principal{}
	f.Fuzz(func(t *testing.T, text string, sizes []byte) {
		got, _, err := stripped(t, o, guardRules{}, who, text)
		passed, perr := followedOf(o, guardRules{}, text, sizes)
		if (err == nil) != (perr == nil) {
			t.Fatalf("%q: as a whole %v, in pieces %v", text, err, perr)
		}
		if valid := json.Valid([]byte(text)) && utf8.ValidString(text); err != nil || !valid {
			if err == nil && !strings.HasPrefix(text, "\ufeff") || valid && !errors.Is(err, errDeep) {
				t.Fatalf("%q: %v, but valid is %t", text, err, valid)
			}
			return
		}
		for _, one := range []struct {
			got  string
			pick bool
		}{{got, true}, {passed, false}} {
			want := canonicalText(t, text, func(v any) any { return reference(o, v, &who, one.pick) })
			if have := canonicalText(t, one.got, func(v any) any { return v }); have != want {
				t.Errorf("%q became %q:\n%s, want\n%s", text, one.got, have, want)
			}
		}
	})
}
