// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const gapHead = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n"

func TestGapsAreNamedOrTheDocumentDoesNotLoad(t *testing.T) {
	body := func(schema string) string {
		return gapHead + "  /x:\n    post:\n      operationId: op\n      requestBody: {content: {application/json: {schema: " + schema + "}}}\n"
	}
	const at = "#/paths/~1x/post/requestBody/content/application~1json/schema"
	const op = "#/paths/~1x/post"
	for _, test := range []struct{ name, doc, gap, reason, effect string }{
		{"a back reference", body(`{type: string, pattern: '(a)\1'}`), at + "/pattern", "linear time", effectUnchecked},
		{"a pattern of names", body(`{type: object, patternProperties: {'a(?=b)c': {}}}`), at + "/patternProperties/a(?=b)c", "linear time", effectNoMember},
		{"a type that is none", body("{type: file}"), at + "/type", "type must be", effectUnchecked},
		{"a length that is none", body("{maxLength: many}"), at + "/maxLength", "whole number", effectUnchecked},
		{"a step of nothing", body("{multipleOf: 0}"), at + "/multipleOf", "more than 0", effectUnchecked},
		{"names that are none", body("{required: true}"), at + "/required", "list of names", effectUnchecked},
		{"values that are no list", body("{enum: a}"), at + "/enum", "must be a list", effectUnchecked},
		{"a reference to nothing", body("{$ref: '#/components/schemas/No'}"), op, "$ref names nothing", effectLeftOut},
		{"a reference to a URL", body("{$ref: 'https://x.test/a.json'}"), op, "never a URL", effectLeftOut},
		{"a schema that is text", body("text"), op, "object or a boolean", effectLeftOut},
		{"a schema without end", body("{allOf: [{$ref: '" + at + "'}]}"), op, "without end", effectLeftOut},
		{"a body without content", gapHead + "  /x:\n    post: {requestBody: {}}\n", op, "at least one media type", effectLeftOut},
		{"a media type that is none", gapHead + "  /x:\n    post: {requestBody: {content: {text/plain: {}, examples: {}}}}\n",
			op + "/requestBody/content/examples", "not a media type", effectNoMedia},
		{"a parameter without a name", gapHead + "  /x:\n    post: {parameters: [{in: query, schema: {}}]}\n", op, "needs a name", effectLeftOut},
		{"a path with a fragment", gapHead + "  /x#y:\n    post: {}\n", "#/paths/~1x#y/post", "no query or fragment", effectLeftOut},
		{"a path that no request has", gapHead + "  /x//y:\n    post: {}\n", "#/paths/~1x~1~1y/post", "empty segment", effectLeftOut},
		{"a path item that is text", gapHead + "  /x: text\n", "#/paths/~1x", "must be an object", effectLeftOut},
		{"security that is not declared", gapHead + "  /x:\n    post: {security: [{k: []}]}\n", op, "not declared", effectLeftOut},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("test.yaml", []byte(test.doc))
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("if validation.gaps names %q, %s", test.gap, test.effect)) || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("without a name: %v", err)
			}
			if _, err := Parse("test.yaml", []byte(test.doc), "#/elsewhere"); err == nil {
				t.Error("another name accepts it")
			}
			for _, accepted := range []string{test.gap, AllGaps} {
				d, err := Parse("test.yaml", []byte(test.doc), accepted)
				if err != nil {
					t.Fatal(err)
				}
				if g := d.Gaps(); len(g) != 1 || g[0].Name != test.gap || g[0].Effect != test.effect {
					t.Errorf("%v", g)
				}
				for _, cfg := range []Config{{}, {AdditionalProperties: Refuse}, {ReadOnly: Allow}} {
					for _, one := range d.Operations() {
						if _, err := d.Stage(one.ID, &cfg); err != nil {
							t.Error(err)
						}
					}
				}
				if left := len(d.Operations()) == 0; left != (test.effect == effectLeftOut) {
					t.Errorf("operations: %v", d.Operations())
				}
			}
		})
	}
}

func TestAGapLeavesTheRestOfTheSchemaInForce(t *testing.T) {
	d, err := Parse("t", []byte(gapHead+`  /x:
    post:
      operationId: op
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [a],
        properties: {a: {type: string, maxLength: 3, pattern: '(a)\1'}, n: {type: integer, multipleOf: -1, maximum: 5}}}}}}
`), AllGaps)
	if err != nil {
		t.Fatal(err)
	}
	s := mustStage(t, d, "op", &Config{})
	for body, want := range map[string]string{
		`{"a":"xyz","n":3}`: "allow",
		`{"a":"wxyz"}`:      "invalid-body: body /a: is too long",
		`{"a":1}`:           "invalid-body: body /a: must be a string",
		`{"n":9,"a":"a"}`:   "invalid-body: body /n: is too large",
		`{}`:                "invalid-body: body /a: is required",
	} {
		if got := ask(s, request{body: body}); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// Another operation must not be closed, or weakened, with one that leads to the
// same schemas.
func TestABrokenSchemaClosesWhatLeadsToItAndNothingElse(t *testing.T) {
	use := func(path, ref string) string {
		return "  /" + path + ":\n    post: {operationId: " + path + ", requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/" + ref + "'}}}}}\n"
	}
	d, err := Parse("t", []byte(gapHead+use("a", "A")+use("b", "B")+use("c", "C")+`components:
  schemas:
    A: {type: object, properties: {b: {$ref: '#/components/schemas/B'}, no: {$ref: '#/components/schemas/Nothing'}}}
    B: {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}
    C: {type: object, properties: {n: {type: integer}}}
`), AllGaps)
	if err != nil {
		t.Fatal(err)
	}
	if ops := d.Operations(); len(ops) != 1 || ops[0].ID != "c" || len(d.Closed()) != 2 {
		t.Fatalf("%v, closed %v", ops, d.Closed())
	}
	s := mustStage(t, d, "c", &Config{})
	if got := ask(s, request{body: `{"n":"1"}`}); got != "invalid-body: body /n: must be an integer" {
		t.Error(got)
	}
}

func TestWhatCannotBeToldApartIsClosed(t *testing.T) {
	d, err := Parse("t", []byte(gapHead+`  /a/{x}: {get: {operationId: ax, parameters: [{name: x, in: path, required: true, schema: {}}]}}
  /a/{y}: {get: {operationId: ay, parameters: [{name: y, in: path, required: true, schema: {}}]}, put: {operationId: put, parameters: [{name: y, in: path, required: true, schema: {}}]}}
  /b: {get: {operationId: same}, put: {operationId: same}}
  /c#1: {get: {operationId: c1}}
  /c#2: {get: {operationId: c2}}
  /b#1: {get: {operationId: b1}}
  "/{z}}/{": {get: {operationId: odd}}
`), AllGaps)
	if err != nil {
		t.Fatal(err)
	}
	var ids, closed []string
	for _, op := range d.Operations() {
		ids = append(ids, op.ID)
	}
	for _, op := range d.Closed() {
		closed = append(closed, op.Method+" "+op.Template)
	}
	if want := []string{"put", "GET /b", "PUT /b"}; !slices.Equal(ids, want) {
		t.Errorf("operations %q, want %q", ids, want)
	}
	if want := []string{"GET /a/{1}", "GET /c", "GET /{1}%7D/{2}"}; !slices.Equal(closed, want) {
		t.Errorf("closed %q, want %q", closed, want)
	}
	if got := d.Stale([]string{"#/paths/~1a~1{x}/get", "#/no", AllGaps}); !slices.Equal(got, []string{"#/no"}) {
		t.Errorf("stale %q", got)
	}
}

func TestALongListOfGapsIsCutAndBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(gapHead)
	for i := range maxGaps + 1 {
		fmt.Fprintf(&b, "  /x%d: text\n", i)
		if i == 30 {
			_, err := Parse("t", []byte(b.String()))
			if err == nil || !strings.Contains(err.Error(), "11 more of its parts") {
				t.Errorf("%v", err)
			}
		}
	}
	if _, err := Parse("t", []byte(b.String()), AllGaps); err == nil || !strings.Contains(err.Error(), "more than 10000") {
		t.Errorf("%v", err)
	}
}

func TestLookaroundIsTakenApart(t *testing.T) {
	for _, c := range []struct {
		pattern       string
		match, refuse []string
	}{
		{`^(?!\s*$).+`, []string{"a", " a"}, []string{"", " ", "  \t"}},
		{`^(?!aws:)[a-z:]+$`, []string{"a", "xaws:"}, []string{"aws:x", "aws:", ""}},
		{`^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[a-zA-Z\d]{4,}$`, []string{"aA11", "1Aaa"}, []string{"aaa1", "AAA1", "aaAA", "aA1", "aA11!"}},
		{`^[a-z](?!.*--)(?!.*-$)[0-9a-z\-]*$`, []string{"a", "a-b"}, []string{"a--b", "a-", "-a"}},
		{`(?!^.*--)(?!^[0-9]+$)(?!^-)(?!.*-$)^[A-Za-z0-9-]+$`, []string{"a1", "a-1"}, []string{"1", "-a", "a-", "a--b", ""}},
		{`(?=^.{2,5}$)(?!.*\s)[a-z\s]*$`, []string{"ab"}, []string{"a", "abcdef", "a b"}},
		{`^[0-9a-z.]*(?<!\.)$`, []string{"", "a", "a.b"}, []string{"a.", "."}},
		{`^(?!a|b$)[a-c]+$`, []string{"bb", "c"}, []string{"a", "ac", "b"}},
		{`^\d(?=[a-c]{2}$)[a-z]+$`, []string{"1ab"}, []string{"1ad", "1abc", "ab"}},
	} {
		p, err := compilePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, s := range c.match {
			if !p.MatchString(s) {
				t.Errorf("%s does not match %q", c.pattern, s)
			}
		}
		for _, s := range c.refuse {
			if p.MatchString(s) {
				t.Errorf("%s matches %q", c.pattern, s)
			}
		}
	}
}

func TestLookaroundWithoutASurePlaceIsNotTakenApart(t *testing.T) {
	for _, pattern := range []string{
		`(?!aws:)[a-z]+`, `^(?!a)b|c`, `^a+(?!b)`, `^a?(?!b)c`, `^(a(?!b)c)$`, `^(?=a)+b`, `^(?!(?!a)b)c`, `^(.)(?!\1)x`, `(?<=a)b`, `^(?<!a)b`,
		`(?=^a|b)c`, `^\b(?!a)\w`, `^(?!a`, `^é(?!a)b`, `^(?=(a)\1)a`, `(?<!-)(?<!_)$`, `^[(?!a)b`, `\u0061(?!^b)c`,
	} {
		if p, err := compilePattern(pattern); err == nil {
			t.Errorf("%s became %s and %d conditions", pattern, p.re, len(p.also))
		}
	}
}

// FuzzLookaround holds what is taken apart against trying each place of a text,
// for expressions without repetition of what they look for.
func FuzzLookaround(f *testing.F) {
	f.Add("a", "b", "c", "abc")
	f.Add("", "-", "[a-c-]*$", "a-b")
	word := regexp.MustCompile(`^[a-c-]*$`)
	f.Fuzz(func(t *testing.T, before, inner, rest, text string) {
		if !word.MatchString(before) || !word.MatchString(inner) || !word.MatchString(text) || strings.ContainsAny(rest, `\()|^?`) {
			return
		}
		plain, err := compilePattern("^" + before + "(?:" + rest + ")")
		if err != nil {
			return
		}
		p, err := compilePattern("^" + before + "(?!" + inner + ")" + rest)
		if err != nil {
			return
		}
		want := plain.MatchString(text) && !strings.HasPrefix(text, before+inner)
		if got := p.MatchString(text); got != want {
			t.Fatalf("^%s(?!%s)%s on %q: got %v", before, inner, rest, text, got)
		}
	})
}
