// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"
)

// The examples of OpenAPI 3.1.1, 4.8.12.4: the value blue, the list blue,
// black, brown, and the object R 100, G 200, B 150, in every style that the
// table gives them.
func TestTheStylesOfTheSpecification(t *testing.T) {
	const (
		value  = "{type: string, enum: [blue]}"
		list   = "{type: array, minItems: 3, maxItems: 3, items: {enum: [blue, black, brown]}}"
		object = "{type: object, required: [R, G, B], additionalProperties: false, properties: {R: {const: 100}, G: {const: 200}, B: {const: 150}}}"
	)
	for _, test := range []struct {
		in, style string
		explode   bool
		schema    string
		wire      string
	}{
		{"path", "matrix", false, value, ";color=blue"},
		{"path", "matrix", false, list, ";color=blue,black,brown"},
		{"path", "matrix", false, object, ";color=R,100,G,200,B,150"},
		{"path", "matrix", true, value, ";color=blue"},
		{"path", "matrix", true, list, ";color=blue;color=black;color=brown"},
		{"path", "matrix", true, object, ";R=100;G=200;B=150"},
		{"path", "label", false, value, ".blue"},
		{"path", "label", false, list, ".blue,black,brown"},
		{"path", "label", false, object, ".R,100,G,200,B,150"},
		{"path", "label", true, value, ".blue"},
		{"path", "label", true, list, ".blue.black.brown"},
		{"path", "label", true, object, ".R=100.G=200.B=150"},
		{"path", "simple", false, value, "blue"},
		{"path", "simple", false, list, "blue,black,brown"},
		{"path", "simple", false, object, "R,100,G,200,B,150"},
		{"path", "simple", true, value, "blue"},
		{"path", "simple", true, list, "blue,black,brown"},
		{"path", "simple", true, object, "R=100,G=200,B=150"},
		{"query", "form", false, value, "color=blue"},
		{"query", "form", false, list, "color=blue,black,brown"},
		{"query", "form", false, object, "color=R,100,G,200,B,150"},
		{"query", "form", true, value, "color=blue"},
		{"query", "form", true, list, "color=blue&color=black&color=brown"},
		{"query", "form", true, object, "R=100&G=200&B=150"},
		{"query", "spaceDelimited", false, list, "color=blue%20black%20brown"},
		{"query", "pipeDelimited", false, list, "color=blue%7Cblack%7Cbrown"},
		{"query", "deepObject", true, object, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"},
		{"header", "simple", false, value, "blue"},
		{"header", "simple", false, list, "blue,black,brown"},
		{"header", "simple", false, object, "R,100,G,200,B,150"},
		{"header", "simple", true, object, "R=100,G=200,B=150"},
		{"cookie", "form", false, value, "color=blue"},
		{"cookie", "form", false, list, "color=blue,black,brown"},
		{"cookie", "form", false, object, "color=R,100,G,200,B,150"},
	} {
		name := fmt.Sprintf("%s %s explode=%v %s", test.in, test.style, test.explode, test.wire)
		template := "/x"
		if test.in == "path" {
			template = "/x/{color}"
		}
		d, err := Parse("test.yaml", []byte(oneParameter(template, fmt.Sprintf("{name: color, in: %s, style: %s, explode: %v, required: true, schema: %s}", test.in, test.style, test.explode, test.schema))))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := mustStage(t, d, "op", &Config{})
		send := func(wire string) string {
			switch test.in {
			case "path":
				return ask(s, request{params: map[string]string{"color": wire}})
			case "query":
				return ask(s, request{query: wire})
			case "header":
				return ask(s, request{header: []string{"Color: " + wire}})
			}
			return ask(s, request{header: []string{"Cookie: " + wire}})
		}
		if got := send(test.wire); got != "allow" {
			t.Errorf("%s: %s", name, got)
		}
		// One letter or digit changed, and it is another value.
		wrong := strings.NewReplacer("brown", "brewn", "150", "151", "=blue", "=blew", ".blue", ".blew").Replace(test.wire)
		if wrong == test.wire {
			wrong = "blew"
		}
		if got := send(wrong); got == "allow" {
			t.Errorf("%s: %s passed", name, wrong)
		}
	}
}

func TestMediaTypesAreReadStrictly(t *testing.T) {
	for field, want := range map[string]mediaType{
		"application/json":                      {base: "application/json"},
		" Application/JSON ":                    {base: "application/json"},
		"text/plain;charset=UTF-8":              {base: "text/plain", charset: "utf-8"},
		"text/plain ; charset=\"utf-8\" ; a=b":  {base: "text/plain", charset: "utf-8"},
		"multipart/form-data; boundary=\"a b\"": {base: "multipart/form-data", boundary: "a b"},
		"multipart/form-data; Boundary=AaB":     {base: "multipart/form-data", boundary: "AaB"},
	} {
		if got, ok := parseMediaType(field); !ok || got != want {
			t.Errorf("%q: %+v, %v", field, got, ok)
		}
	}
	for _, field := range []string{
		"", "json", "/json", "application/", "application/json,", "application/json, text/plain", "application/json;", "application/json; charset",
		"application/json; charset=", "application/json; charset=utf-8; Charset=utf-7", "application/json charset=utf-8", "*/*", "text/*",
		`text/plain; charset="utf-8`, `text/plain; charset="a\"b"`, "text/plain; a=1; b=1; c=1; d=1; e=1; f=1; g=1; h=1; i=1", "application/json\x00", "application /json", "text/plain; a =b",
	} {
		if got, ok := parseMediaType(field); ok {
			t.Errorf("%q: %+v", field, got)
		}
	}
}

func TestEscapesOfAQueryAreUndoneOnce(t *testing.T) {
	for raw, want := range map[string]string{
		"a": "a", "a+b": "a b", "%61": "a", "%2B": "+", "%2541": "%41", "%C3%A9": "é", "%3B": ";", "": "",
	} {
		if got, ok := unescape(raw); !ok || got != want {
			t.Errorf("%q: %q, %v", raw, got, ok)
		}
	}
	for _, raw := range []string{"%", "%4", "%4g", "%00", "%0a", "%7f", "%ff", "%c0%80", "%ed%a0%80", "a b", "a\tb", "é", "a;b", "a#b"} {
		if got, ok := unescape(raw); ok {
			t.Errorf("%q: %q", raw, got)
		}
	}
	if got, ok := unescapeForm("a%0D%0A%09b"); !ok || got != "a\r\n\tb" {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := unescapeForm("a%00b"); ok {
		t.Errorf("%q", got)
	}
}
