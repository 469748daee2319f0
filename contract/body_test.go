// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"

	"durward"
)

const bodyDoc = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /json:
    post:
      operationId: json
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties:
                name: {type: string, minLength: 1, maxLength: 20, pattern: "^[a-z]+$"}
                age: {type: integer, minimum: 0, maximum: 150}
                role: {enum: [member, moderator]}
                id: {type: string, readOnly: true}
                tags: {type: array, uniqueItems: true, items: {type: string}}
                nested: {$ref: "#/components/schemas/Node"}
                big: {type: number, multipleOf: 0.01}
              additionalProperties: false
  /optional:
    post: {operationId: optional, requestBody: {content: {application/json: {schema: {type: object}}}}}
  /none:
    get: {operationId: none}
  /types:
    post:
      operationId: types
      requestBody:
        content:
          application/merge-patch+json: {schema: {type: object}}
          text/plain: {schema: {type: string, maxLength: 5}}
          image/*: {}
          application/octet-stream: {}
  /any:
    post:
      operationId: any
      requestBody: {content: {"*/*": {schema: {type: object, properties: {n: {type: integer}}}}}}
  /form:
    post:
      operationId: form
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [n]
              properties: {n: {type: integer}, text: {type: string}, ids: {type: array, items: {type: integer}}}
  /upload:
    post:
      operationId: upload
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [file]
              properties:
                file: {type: string, format: binary}
                title: {type: string, maxLength: 5}
                count: {type: integer}
                meta: {type: object, properties: {k: {type: integer}}}
                more: {type: array, items: {type: string, contentMediaType: image/png}}
            encoding: {file: {contentType: "image/png, image/gif"}}
components:
  schemas:
    Node: {type: object, properties: {child: {$ref: "#/components/schemas/Node"}, v: {type: integer}}}
`

func TestJSONContentIsHeldAgainstItsSchema(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "json", &Config{})
	for body, want := range map[string]string{
		`{"name":"ann"}`:                                        "allow",
		` {"name":"ann","age":5} `:                              "allow",
		`{"name":"ann","age":5.0}`:                              "allow",
		`{"name":"ann","age":1e2}`:                              "allow",
		`{"name":"ann","age":1.5}`:                              "invalid-body: body /age: must be an integer",
		`{"name":"ann","age":"5"}`:                              "invalid-body: body /age: must be an integer",
		`{"name":"ann","age":151}`:                              "invalid-body: body /age: is too large",
		`{"name":"ann","age":-1}`:                               "invalid-body: body /age: is too small",
		`{"name":"ann","role":"admin"}`:                         "invalid-body: body /role: is not one of the allowed values",
		`{"name":"ann","admin":true}`:                           "invalid-body: body /admin: is not allowed here",
		`{"name":"ann","id":"x"}`:                               "invalid-body: body /id: is not allowed here",
		`{}`:                                                    "invalid-body: body /name: is required",
		`{"name":""}`:                                           "invalid-body: body /name: is too short",
		`{"name":"ANN"}`:                                        "invalid-body: body /name: does not match the pattern",
		`{"name":"ann\n"}`:                                      "invalid-body: body /name: does not match the pattern",
		`{"name":null}`:                                         "invalid-body: body /name: must be a string",
		`{"name":["ann"]}`:                                      "invalid-body: body /name: must be a string",
		`{"name":"ann","tags":["a","b","a"]}`:                   "invalid-body: body /tags: has an item twice",
		`{"name":"ann","tags":["a",1]}`:                         "invalid-body: body /tags/1: must be a string",
		`{"name":"ann","big":0.07}`:                             "allow",
		`{"name":"ann","big":0.075}`:                            "invalid-body: body /big: is not a multiple of the allowed step",
		`{"name":"ann","big":12345678901234567890.01}`:          "allow",
		`{"name":"ann","nested":{"child":{"child":{"v":"x"}}}}`: "invalid-body: body /nested/child/child/v: must be an integer",
		`{"name":"ANN","age":"x"}`:                              "invalid-body: body /name: does not match the pattern; body /age: must be an integer",
		`[]`:                                                    "invalid-body: body : must be an object",
		`null`:                                                  "invalid-body: body : must be an object",
		`{"name":"ann","name":"eve"}`:                           "malformed-body: body /name: is repeated",
		`{"name":"ann","n\u0061me":"eve"}`:                      "malformed-body: body /name: is repeated",
		`{"name":"ann"}{}`:                                      "malformed-body: body : has data after its end",
		`{"name":"ann",}`:                                       "malformed-body: body : is not valid JSON",
		`{'name':'ann'}`:                                        "malformed-body: body : is not valid JSON",
		`{"name":"ann","age":NaN}`:                              "malformed-body: body /age: is not valid JSON",
		`{"name":"ann","age":01}`:                               "malformed-body: body : is not valid JSON",
		`{"name":"ann","age":+1}`:                               "malformed-body: body /age: is not valid JSON",
		`{"name":"\ud800"}`:                                     "malformed-body: body /name: is not valid UTF-8",
		`{"name":"\ud800\u0041"}`:                               "malformed-body: body /name: is not valid UTF-8",
		"{\"name\":\"\xff\"}":                                   "malformed-body: body /name: is not valid UTF-8",
		"\xef\xbb\xbf{\"name\":\"ann\"}":                        "malformed-body: body : is not valid JSON",
		"{\"name\":\"a\nb\"}":                                   "malformed-body: body /name: is not valid JSON",
		`{"name":"ann"/**/}`:                                    "malformed-body: body : is not valid JSON",
		`{"name":"ann","age":1e1000000}`:                        "invalid-body: body /age: is a number out of bounds",
		strings.Repeat("[", 40) + strings.Repeat("]", 40):       "invalid-body: body " + strings.Repeat("/0", 32) + ": is nested too deeply",
	} {
		if got := ask(s, request{body: body}); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestWhetherContentIsExpected(t *testing.T) {
	d := mustParse(t, bodyDoc)
	for _, test := range []struct {
		name, op string
		r        request
		want     string
	}{
		{"required and missing", "json", request{}, "invalid-body: body : is required"},
		{"optional and missing", "optional", request{}, "allow"},
		{"of unknown length and empty", "optional", request{body: " ", length: -1}, "malformed-body: body : is not valid JSON"},
		{"none declared, none sent", "none", request{}, "allow"},
		{"none declared, some sent", "none", request{body: "{}"}, "invalid-body: body : no content is declared for this operation"},
		{"none declared, some sent in chunks", "none", request{body: "{}", length: -1}, "invalid-body: body : no content is declared for this operation"},
		{"no type", "json", request{body: "{}", noType: true}, "unsupported-media-type: body : needs one Content-Type field"},
		{"two types", "json", request{body: "{}", header: []string{"Content-Type: text/plain"}}, "unsupported-media-type: body : needs one Content-Type field"},
		{"another type", "json", request{body: "{}", mime: "text/plain"}, "unsupported-media-type: body : has a media type that this operation does not take"},
		{"a type in capitals with a charset", "optional", request{body: "{}", mime: `Application/JSON; charset="UTF-8"`}, "allow"},
		{"another charset", "optional", request{body: "{}", mime: "application/json; charset=utf-7"}, "unsupported-media-type: body : must be in UTF-8"},
		{"a parameter twice", "optional", request{body: "{}", mime: "application/json; charset=utf-8; charset=utf-7"}, "unsupported-media-type: body : has a Content-Type that is not well-formed"},
		{"two types in one field", "optional", request{body: "{}", mime: "application/json, text/plain"}, "unsupported-media-type: body : has a Content-Type that is not well-formed"},
		{"a structured suffix", "types", request{body: "{}", mime: "application/merge-patch+json"}, "allow"},
		{"a structured suffix with bad content", "types", request{body: "{", mime: "application/merge-patch+json"}, "malformed-body: body : is not valid JSON"},
		{"text", "types", request{body: "12345", mime: "text/plain"}, "allow"},
		{"long text", "types", request{body: "123456", mime: "text/plain"}, "invalid-body: body : is too long"},
		{"text that is none", "types", request{body: "\xff", mime: "text/plain"}, "malformed-body: body : is not valid UTF-8"},
		{"a type in a range", "types", request{body: "x", mime: "image/png"}, "allow"},
		{"a type beside a range", "types", request{body: "x", mime: "imagex/png"}, "unsupported-media-type: body : has a media type that this operation does not take"},
		{"bytes", "types", request{body: "\xff\x00", mime: "application/octet-stream"}, "allow"},
		{"a structure of any type, in JSON", "any", request{body: `{"n":1}`}, "allow"},
		{"a structure of any type, wrong in JSON", "any", request{body: `{"n":"1"}`}, "invalid-body: body /n: must be an integer"},
		{"a structure of any type, as a form", "any", request{body: "n=1", mime: "application/x-www-form-urlencoded"}, "allow"},
		{"a structure of any type, as something unread", "any", request{body: `{"n":"1"}`, mime: "application/jsonish"}, "unsupported-media-type: body : has a media type that this operation does not take"},
		{"a structure of any type, as text", "any", request{body: `{"n":"1"}`, mime: "text/plain"}, "invalid-body: body : must be an object"},
		{"a content coding", "optional", request{body: "{}", header: []string{"Content-Encoding: gzip"}}, "unsupported-media-type: body : has a content coding that is not taken"},
		{"the identity coding", "optional", request{body: "{}", header: []string{"Content-Encoding: identity"}}, "allow"},
	} {
		if got := ask(mustStage(t, d, test.op, &Config{}), test.r); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestBinaryContentIsNotBuffered(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "types", &Config{})
	x := exchange(request{body: "\xff", mime: "application/octet-stream"})
	if d := s.Request(context.Background(), x); d.Verdict != durward.Allow {
		t.Fatal(answer(d))
	}
	if x.In.Body.Touched() {
		t.Error("the content was read")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestErrorsOfTheBodyBecomeTheirProblems(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "json", &Config{MaxBody: 10})
	for err, want := range map[error]string{
		durward.ErrBodyTooLarge:  "deny body-too-large",
		durward.ErrBodyTimeout:   "deny body-timeout",
		durward.ErrBodyMalformed: "deny malformed-request",
		durward.ErrBodyAborted:   "deny malformed-request",
		io.ErrUnexpectedEOF:      "fail internal-error",
	} {
		x := exchange(request{header: []string{"Content-Type: application/json"}})
		x.In.Body.Init(failing{err}, -1)
		x.In.Body.SetLimit(100)
		if got := answer(s.Request(context.Background(), x)); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
	for _, length := range []int64{0, -1} {
		if got := ask(s, request{body: `{"name":"longer"}`, length: length}); got != "deny body-too-large" {
			t.Errorf("declared %d: got %s", length, got)
		}
	}
}

func TestAPanicIsAFailure(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "json", &Config{}).(*stage)
	broken := *s
	broken.rules = &rules{body: &bodyRule{media: []*mediaRule{{mediaForm: &mediaForm{base: "application/json"}, schema: &schema{properties: map[string]*schema{"a": nil}, hasObject: true, maxMembers: -1}}}}}
	if got := ask(&broken, request{body: `{"a":1}`}); got != "fail internal-error" {
		t.Error(got)
	}
}

func TestFormContent(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "form", &Config{})
	for body, want := range map[string]string{
		"n=1":               "allow",
		"n=1&text=a%0D%0Ab": "allow",
		"n=1&text=%00":      "invalid-body: body /text: has a character that is not allowed",
		"n=x":               "invalid-body: body /n: must be an integer",
		"text=a":            "invalid-body: body /n: is required",
		"n=1&n=2":           "invalid-body: body /n: must not be repeated",
		"n=1&ids=1&ids=2":   "allow",
		"n=1&ids=1&ids=x":   "invalid-body: body /ids/1: must be an integer",
		"n=1&admin=true":    "invalid-body: body /admin: is not allowed here",
		"n=1;text=a":        "malformed-body: body : is not well-formed",
		"n=1&text=%zz":      "invalid-body: body /text: has a character that is not allowed",
	} {
		if got := ask(s, request{body: body, mime: "application/x-www-form-urlencoded"}); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestMultipartContent(t *testing.T) {
	s := mustStage(t, mustParse(t, bodyDoc), "upload", &Config{MaxParts: 5})
	const file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\x00"
	field := func(name, value string) string {
		return "Content-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value
	}
	build := func(parts ...string) string {
		out := ""
		for _, p := range parts {
			out += "--B\r\n" + p + "\r\n"
		}
		return out + "--B--\r\n"
	}
	for _, test := range []struct{ name, body, want string }{
		{"a file", build(file), "allow"},
		{"a file and fields", build(file, field("title", "abc"), field("count", "3"), field("meta", `{"k":1}`)), "allow"},
		{"no file", build(field("title", "abc")), "invalid-body: body /file: is required"},
		{"another type of file", build(strings.Replace(file, "image/png", "text/html", 1)), "invalid-body: body /file: has a media type that this operation does not take"},
		{"a long title", build(file, field("title", "abcdef")), "invalid-body: body /title: is too long"},
		{"a count that is none", build(file, field("count", "1x")), "invalid-body: body /count: must be an integer"},
		{"bad JSON within", build(file, field("meta", `{"k":1,"k":2}`)), "invalid-body: body /meta/k: is repeated"},
		{"a wrong member within", build(file, field("meta", `{"k":"1"}`)), "invalid-body: body /meta/k: must be an integer"},
		{"a field twice", build(file, field("title", "a"), field("title", "b")), "invalid-body: body /title: must not be repeated"},
		{"a list of parts", build(file, field("more", "a"), field("more", "b")), "allow"},
		{"an undeclared field", build(file, field("admin", "1")), "invalid-body: body /admin: is not allowed here"},
		{"too many parts", build(file, field("more", "a"), field("more", "b"), field("more", "b"), field("more", "b"), field("more", "b")), "invalid-body: body : has too many parts"},
		{"a preamble", "x" + build(file), "malformed-body: body : is not valid multipart content"},
		{"an epilogue", build(file) + "x", "malformed-body: body : is not valid multipart content"},
		{"no end", strings.TrimSuffix(build(file), "--B--\r\n"), "malformed-body: body : is not valid multipart content"},
		{"bare line feeds", strings.ReplaceAll(build(file), "\r\n", "\n"), "malformed-body: body : is not valid multipart content"},
		{"two names", build("Content-Disposition: form-data; name=\"file\"; name=\"title\"\r\n\r\nx"), "malformed-body: body : is not valid multipart content"},
		{"an extended file name", build("Content-Disposition: form-data; name=\"file\"; filename*=utf-8''a\r\n\r\nx"), "malformed-body: body : is not valid multipart content"},
		{"a transfer encoding", build("Content-Disposition: form-data; name=\"title\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ=="), "malformed-body: body : is not valid multipart content"},
		{"two dispositions", build("Content-Disposition: form-data; name=\"title\"\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nYQ=="), "malformed-body: body : is not valid multipart content"},
	} {
		if got := ask(s, request{body: test.body, mime: "multipart/form-data; boundary=B"}); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	if got := ask(s, request{body: build(file), mime: "multipart/form-data"}); got != "unsupported-media-type: body : needs a valid boundary" {
		t.Error(got)
	}
}

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func TestCompressedContentIsBounded(t *testing.T) {
	cfg := &Config{ContentEncodings: []string{"gzip"}, MaxBody: 64 << 10, MaxDecompressed: 128 << 10}
	d := mustParse(t, bodyDoc)
	for _, test := range []struct{ name, op, mime, body, want string }{
		{"good", "json", "application/json", zip(`{"name":"ann"}`), "allow"},
		{"bad within", "json", "application/json", zip(`{"name":"ANN"}`), "invalid-body: body /name: does not match the pattern"},
		{"a bomb", "json", "application/json", zip(strings.Repeat(" ", 10<<20)), "deny body-too-large"},
		{"a bomb of another type", "types", "application/octet-stream", zip(strings.Repeat(" ", 10<<20)), "deny body-too-large"},
		{"no gzip", "json", "application/json", `{"name":"ann"}`, "malformed-body: body : cannot be decompressed"},
		{"cut", "json", "application/json", zip(`{"name":"ann"}`)[:20], "malformed-body: body : cannot be decompressed"},
		{"two members", "json", "application/json", zip(`{"name":"ann"}`) + zip(" "), "malformed-body: body : cannot be decompressed"},
	} {
		got := ask(mustStage(t, d, test.op, cfg), request{body: test.body, mime: test.mime, header: []string{"Content-Encoding: gzip"}})
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
