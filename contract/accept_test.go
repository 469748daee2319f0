// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"

	"durward"
)

func TestAcceptIsHeldAgainstTheDeclaredAnswers(t *testing.T) {
	const doc = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x:
    get:
      operationId: op
      responses:
        "200": {description: ok, content: {application/json: {}, "text/csv; header=present": {}}}
        "3XX": {$ref: "#/components/responses/Page"}
        "404": {description: no, content: {application/problem+json: {}}}
  /any: {get: {operationId: any, responses: {default: {description: ok, content: {"image/*": {}}}}}}
  /none: {get: {operationId: none, responses: {"204": {description: ok}, "400": {description: no, content: {text/plain: {}}}}}}
components: {responses: {Page: {description: page, content: {Text/HTML: {}}}}}
`
	d := mustParse(t, doc)
	for _, test := range []struct {
		name, op string
		accept   []string
		want     bool
	}{
		{"without the field anything is taken", "op", nil, true},
		{"an empty field says nothing", "op", []string{" , "}, true},
		{"the declared type", "op", []string{"application/json"}, true},
		{"the declared type in other letters", "op", []string{"Application/JSON"}, true},
		{"a type of a redirect, by reference", "op", []string{"text/html"}, true},
		{"a declared type with parameters", "op", []string{"text/csv;charset=utf-8;q=0.5"}, true},
		{"a range", "op", []string{"text/*"}, true},
		{"any type", "op", []string{"*/*"}, true},
		{"one of several", "op", []string{"image/png, application/xml;q=0.9, application/json;q=0.1"}, true},
		{"one of several lines", "op", []string{"image/png", "text/csv"}, true},
		{"a comma in a quoted parameter", "op", []string{`image/png;a="x, application/json;", image/gif`}, false},
		{"another type", "op", []string{"application/xml"}, false},
		{"a type of failures only", "op", []string{"application/problem+json"}, false},
		{"another range", "op", []string{"image/*"}, false},
		{"weight zero", "op", []string{"application/json;q=0, image/png"}, false},
		{"weight zero with decimals", "op", []string{"application/json; q=0.000"}, false},
		{"all types but the declared ones", "op", []string{"*/*, application/json;q=0, text/*;q=0"}, false},
		{"the closest range counts", "op", []string{"text/*;q=0, text/csv"}, true},
		{"a small weight", "op", []string{"text/csv;q=0.001"}, true},
		{"what is no media range", "op", []string{"json"}, false},
		{"a range the wrong way round", "op", []string{"*/json"}, false},
		{"a declared range takes its types", "any", []string{"image/webp"}, true},
		{"and no other", "any", []string{"text/plain"}, false},
		{"answers without content", "none", []string{"application/xml"}, true},
	} {
		r := request{}
		for _, line := range test.accept {
			r.header = append(r.header, "Accept: "+line)
		}
		want := "allow"
		if !test.want {
			want = string(durward.CodeNotAcceptable) + ": header Accept: " + reasonAccept
		}
		if got := ask(mustStage(t, d, test.op, &Config{Accept: Refuse}), r); got != want {
			t.Errorf("%s: got %s, want %s", test.name, got, want)
		}
		if got := ask(mustStage(t, d, test.op, &Config{}), r); got != "allow" {
			t.Errorf("%s, which is ignored: %s", test.name, got)
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"*/*", "a/b;q=0", `a/b;c="\",";q=1,d/*`, ",;=/", "text/csv", `"`, "\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := durward.Header{{Name: "Accept", Value: s}}
		taken := acceptable(h, []string{"text/csv"})
		// What is said of another type changes nothing.
		if !strings.Contains(s, `"`) && strings.Trim(s, " \t,") != "" {
			h[0].Value = s + ",image/png"
			if acceptable(h, []string{"text/csv"}) != taken {
				t.Fatalf("%q", s)
			}
		}
	})
}
