// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"
)

// oneParameter is a document whose only operation has the given parameters.
func oneParameter(path string, parameters ...string) string {
	list := ""
	for _, p := range parameters {
		list += "        - " + p + "\n"
	}
	return `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  ` + path + `:
    get:
      operationId: op
      parameters:
` + list + `      responses: {default: {description: any}}
`
}

func TestQueryParametersAreHeldAgainstTheirSchema(t *testing.T) {
	doc := oneParameter("/x",
		`{name: n, in: query, schema: {type: integer, minimum: 1, maximum: 100}}`,
		`{name: need, in: query, required: true, schema: {type: string, maxLength: 5}}`,
		`{name: flag, in: query, schema: {type: boolean}}`,
		`{name: size, in: query, schema: {type: number, exclusiveMinimum: 0}}`,
		`{name: sort, in: query, schema: {enum: [asc, desc]}}`,
		`{name: ids, in: query, schema: {type: array, items: {type: integer}, maxItems: 3}}`,
		`{name: csv, in: query, explode: false, schema: {type: array, items: {type: string, minLength: 1}}}`,
		`{name: pipe, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {type: integer}}}`,
		`{name: space, in: query, style: spaceDelimited, explode: false, schema: {type: array, items: {type: integer}}}`,
		`{name: filter, in: query, style: deepObject, explode: true, schema: {type: object, properties: {a: {type: integer}, tags: {type: array, items: {type: string}}}, additionalProperties: false}}`,
		`{name: range, in: query, schema: {type: object, properties: {from: {type: integer}, to: {type: integer}}}}`,
		`{name: obj, in: query, explode: false, schema: {type: object, properties: {r: {type: integer}, g: {type: integer}}}}`,
		`{name: meta, in: query, content: {application/json: {schema: {type: object, properties: {k: {type: integer}}}}}}`,
		`{name: empty, in: query, allowEmptyValue: true, schema: {type: integer}}`,
		`{name: either, in: query, schema: {oneOf: [{type: integer}, {type: boolean}, {type: string, enum: [all]}]}}`,
		`{name: untyped, in: query, schema: {minimum: 5}}`,
		`{name: union, in: query, explode: false, schema: {oneOf: [{type: integer}, {type: array, items: {type: integer}}]}}`,
		`{name: many, in: query, schema: {oneOf: [{type: string, maxLength: 3}, {type: array, items: {type: string, maxLength: 3}}]}}`,
	)
	s := mustStage(t, mustParse(t, doc), "op", &Config{})
	const bad = "invalid-parameter: query "
	for query, want := range map[string]string{
		"":                                      bad + "need: is required",
		"need=a":                                "allow",
		"need=a&":                               "allow",
		"need=abcdef":                           bad + "need: is too long",
		"need=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9":   "allow",
		"need=a&need=b":                         bad + "need: must not be repeated",
		"need=a&Need=b":                         bad + "Need: is not allowed here",
		"need=a&n=1":                            "allow",
		"need=a&n=0":                            bad + "n: is too small",
		"need=a&n=101":                          bad + "n: is too large",
		"need=a&n=%2B1":                         bad + "n: must be an integer",
		"need=a&n=+1":                           bad + "n: must be an integer",
		"need=a&n=1.0":                          bad + "n: must be an integer",
		"need=a&n=1e1":                          bad + "n: must be an integer",
		"need=a&n=01":                           bad + "n: must be an integer",
		"need=a&n=0x1":                          bad + "n: must be an integer",
		"need=a&n=":                             bad + "n: must be an integer",
		"need=a&n=-0":                           bad + "n: must be an integer",
		"need=a&n=99999999999999999999":         bad + "n: is too large",
		"need=a&n=1&n=2":                        bad + "n: must not be repeated",
		"need=a&n[]=1":                          bad + "n[]: is not allowed here",
		"need=a&n%00=1":                         bad + ": is not well-formed",
		"need=a%00":                             bad + "need: has a character that is not allowed",
		"need=a%0d%0aX":                         bad + "need: has a character that is not allowed",
		"need=a%":                               bad + "need: has a character that is not allowed",
		"need=%zz":                              bad + "need: has a character that is not allowed",
		"need=%ff":                              bad + "need: has a character that is not allowed",
		"need=a;n=1":                            bad + ": is not well-formed",
		"=x":                                    bad + ": is not well-formed",
		"need=a&flag=true":                      "allow",
		"need=a&flag=True":                      bad + "flag: must be true or false",
		"need=a&flag=1":                         bad + "flag: must be true or false",
		"need=a&size=0.5":                       "allow",
		"need=a&size=5e-1":                      "allow",
		"need=a&size=NaN":                       bad + "size: must be a number",
		"need=a&size=1e999":                     bad + "size: must be a number",
		"need=a&size=0":                         bad + "size: is too small",
		"need=a&sort=asc":                       "allow",
		"need=a&sort=ASC":                       bad + "sort: is not one of the allowed values",
		"need=a&ids=1&ids=2":                    "allow",
		"need=a&ids=1&ids=x":                    bad + "ids/1: must be an integer",
		"need=a&ids=1&ids=2&ids=3&ids=4":        bad + "ids: has too many items",
		"need=a&ids=1,2":                        bad + "ids/0: must be an integer",
		"need=a&csv=a,b":                        "allow",
		"need=a&csv=a,,b":                       bad + "csv/1: is too short",
		"need=a&csv=a&csv=b":                    bad + "csv: must not be repeated",
		"need=a&pipe=1|2":                       "allow",
		"need=a&pipe=1%7C2":                     "allow",
		"need=a&pipe=1|x":                       bad + "pipe/1: must be an integer",
		"need=a&space=1%202":                    "allow",
		"need=a&filter[a]=1":                    "allow",
		"need=a&filter%5Ba%5D=1":                "allow",
		"need=a&filter[a]=x":                    bad + "filter/a: must be an integer",
		"need=a&filter[a]=1&filter[a]=2":        bad + "filter/a: must not be repeated",
		"need=a&filter[b]=1":                    bad + "filter/b: is not allowed here",
		"need=a&filter[a][b]=1":                 bad + "filter[a][b]: is not allowed here",
		"need=a&filter[tags]=x&filter[tags]=y":  "allow",
		"need=a&filter=1":                       bad + "filter: is not allowed here",
		"need=a&from=1&to=2":                    "allow",
		"need=a&from=x":                         bad + "range/from: must be an integer",
		"need=a&obj=r,1,g,2":                    "allow",
		"need=a&obj=r,1,g":                      bad + "obj: is not well-formed",
		"need=a&obj=r,1,r,2":                    bad + "obj: must not be repeated",
		"need=a&obj=r,x":                        bad + "obj/r: must be an integer",
		"need=a&meta=%7B%22k%22:1%7D":           "allow",
		"need=a&meta=%7B%22k%22:%221%22%7D":     bad + "meta/k: must be an integer",
		"need=a&meta=%7B%22k%22:1,%22k%22:2%7D": bad + "meta: is repeated",
		"need=a&meta=%7B":                       bad + "meta: is not valid JSON",
		"need=a&empty=":                         "allow",
		"need=a&empty":                          "allow",
		"need=a&empty=x":                        bad + "empty: must be an integer",
		"need=a&either=5":                       "allow",
		"need=a&either=true":                    "allow",
		"need=a&either=all":                     "allow",
		"need=a&either=some":                    bad + "either: is not of exactly one of the allowed forms",
		"need=a&untyped=7":                      "allow",
		"need=a&untyped=3":                      bad + "untyped: is too small",
		"need=a&many=x":                         "allow",
		"need=a&many=x&many=y":                  "allow",
		"need=a&union=1":                        "allow",
		"need=a&union=1,2":                      "allow",
		"need=a&union=x":                        bad + "union: is not of exactly one of the allowed forms",
		"need=a&union=1,x":                      bad + "union: is not of exactly one of the allowed forms",
		"need=a&obj=r,%zz":                      bad + "obj: has a character that is not allowed",
		"need=a&obj=,1":                         bad + "obj: is not well-formed",
		"need=a&pipe=1|%00":                     bad + "pipe: has a character that is not allowed",
		"need=a&debug=1":                        bad + "debug: is not allowed here",
	} {
		if got := ask(s, request{query: query}); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}

func TestUndeclaredQueryParametersPassOnlyWhereTheConfigurationSaysSo(t *testing.T) {
	d := mustParse(t, oneParameter("/x", `{name: n, in: query, schema: {type: integer}}`))
	s := mustStage(t, d, "op", &Config{UnknownQuery: Allow})
	if got := ask(s, request{query: "utm=1&utm=2&n=3"}); got != "allow" {
		t.Error(got)
	}
	if got := ask(s, request{query: "utm=1&n=x"}); got == "allow" {
		t.Error("a declared parameter was not checked")
	}
}

func TestPathParametersInEveryStyle(t *testing.T) {
	for _, test := range []struct{ name, parameter, value, want string }{
		{"plain", `schema: {type: integer}`, "5", "allow"},
		{"not an integer", `schema: {type: integer}`, "5a", "must be an integer"},
		{"uuid", `schema: {type: string, format: uuid}`, "8d1c2a70-0000-4000-8000-00000000000z", "is not in the required format"},
		{"pattern", `schema: {type: string, pattern: "^[a-z]+$"}`, "abc\n", "has a character that is not allowed"},
		{"control", `schema: {type: string}`, "a\x00", "has a character that is not allowed"},
		{"list", `schema: {type: array, items: {type: integer}}`, "1,2,3", "allow"},
		{"list with a fault", `schema: {type: array, items: {type: integer}}`, "1,b", "p/1: must be an integer"},
		{"object", `schema: {type: object, properties: {r: {type: integer}}}`, "r,1", "allow"},
		{"exploded object", `explode: true, schema: {type: object, properties: {r: {type: integer}}}`, "r=1", "allow"},
		{"label", `style: label, schema: {type: integer}`, ".5", "allow"},
		{"label without dot", `style: label, schema: {type: integer}`, "5", "is not well-formed"},
		{"exploded label", `style: label, explode: true, schema: {type: array, items: {type: integer}}`, ".1.2", "allow"},
		{"matrix", `style: matrix, schema: {type: integer}`, ";p=5", "allow"},
		{"matrix with another name", `style: matrix, schema: {type: integer}`, ";q=5", "is not well-formed"},
		{"matrix list", `style: matrix, schema: {type: array, items: {type: integer}}`, ";p=1,2", "allow"},
		{"exploded matrix", `style: matrix, explode: true, schema: {type: array, items: {type: integer}}`, ";p=1;p=2", "allow"},
		{"exploded matrix object", `style: matrix, explode: true, schema: {type: object, properties: {r: {type: integer}}}`, ";r=1", "allow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := mustParse(t, oneParameter("/x/{p}", "{name: p, in: path, required: true, "+test.parameter+"}"))
			got := ask(mustStage(t, d, "op", &Config{}), request{params: map[string]string{"p": test.value}})
			if test.want == "allow" && got != "allow" || !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestHeaderAndCookieParameters(t *testing.T) {
	d := mustParse(t, oneParameter("/x",
		`{name: x-count, in: header, required: true, schema: {type: integer}}`,
		`{name: X-List, in: header, schema: {type: array, items: {type: integer}}}`,
		`{name: Authorization, in: header, required: true, schema: {type: integer}}`,
		`{name: sid, in: cookie, schema: {type: string, minLength: 3}}`))
	s := mustStage(t, d, "op", &Config{})
	const count = "X-Count: 1"
	for _, test := range []struct {
		name   string
		header []string
		want   string
	}{
		{"nothing", nil, "invalid-parameter: header X-Count: is required"},
		{"the required one, undeclared fields beside it", []string{count, "User-Agent: x", "X-Other: y"}, "allow"},
		{"a field twice", []string{count, count}, "invalid-parameter: header X-Count: must not be repeated"},
		{"a field that Connection takes away", []string{count, "Connection: close, x-count"}, "invalid-parameter: header X-Count: must not be named by Connection"},
		{"another field that Connection takes away", []string{count, "Connection: X-Counts, X-Hop"}, "allow"},
		{"not an integer", []string{"X-Count: one"}, "invalid-parameter: header X-Count: must be an integer"},
		{"a list in one line", []string{count, "X-List: 1, 2"}, "allow"},
		{"a list in two lines", []string{count, "X-List: 1", "X-List: b"}, "invalid-parameter: header X-List/1: must be an integer"},
		{"a cookie among others", []string{count, "Cookie: a=b; sid=abcd; c="}, "allow"},
		{"a short cookie", []string{count, "Cookie: sid=a"}, "invalid-parameter: cookie sid: is too short"},
		{"a cookie twice", []string{count, "Cookie: sid=abcd; sid=efgh"}, "invalid-parameter: cookie sid: must not be repeated"},
		{"a cookie twice in two lines", []string{count, "Cookie: sid=abcd", "Cookie: sid=efgh"}, "invalid-parameter: cookie sid: must not be repeated"},
		{"another cookie twice", []string{count, "Cookie: a=1; a=2"}, "allow"},
		{"a cookie without value", []string{count, "Cookie: sid"}, "invalid-parameter: cookie : is not well-formed"},
		{"a cookie that ends too late", []string{count, "Cookie: sid=abc; "}, "invalid-parameter: cookie : is not well-formed"},
	} {
		if got := ask(s, request{header: test.header}); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestACredentialInTheQueryNeedsNoParameterOfItsOwn(t *testing.T) {
	d := mustParse(t, `
openapi: 3.0.3
info: {title: t, version: "1"}
security: [{key: []}]
components: {securitySchemes: {key: {type: apiKey, in: query, name: api_key}}}
paths:
  /x: {get: {operationId: a, responses: {}}}
  /y: {get: {operationId: b, security: [], responses: {}}}
`)
	a, b := mustStage(t, d, "a", &Config{}), mustStage(t, d, "b", &Config{})
	for query, want := range map[string]string{
		"api_key=k": "allow", "api_key=k&api_key=l": "invalid-parameter: query api_key: must not be repeated",
	} {
		if got := ask(a, request{query: query}); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	if got := ask(b, request{query: "api_key=k"}); got != "invalid-parameter: query api_key: is not allowed here" {
		t.Error("an operation without security took the key:", got)
	}
}
