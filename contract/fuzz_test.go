// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// What this decoder accepts, encoding/json accepts and reads as the same value.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e+3,true,null,"x\u00e9\ud83d\ude00\n"]}`, `[]`, `{}`, `"\ud800"`, `{"a":1,"a":2}`, `1 2`, "\xef\xbb\xbf1", `[1,]`, `01`, `-`, `1e5`, `{"":{}}`, strings.Repeat("[", 40), `"\u0000"`} {
		f.Add(seed)
	}
	lim := (&Config{}).limits()
	f.Fuzz(func(t *testing.T, s string) {
		var d decoder
		var tr tree
		if d.decode(s, &tr, &lim) != nil {
			return
		}
		var want any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %q: %v", s, err)
		}
		if _, err := dec.Token(); err != io.EOF {
			t.Fatalf("accepted trailing data: %q", s)
		}
		if got := tr.value(0); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", s, got, want)
		}
		again := treeOf(tr.value(0))
		if !equal(&tr, 0, again, 0) {
			t.Fatalf("%q is not equal to itself", s)
		}
	})
}

// What this parser accepts, net/url reads as the same names and values.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "a", "a=%41+b", "a=%zz", "a;b=1", "=1", "&&", "a[b]=1", "a=%00", "a=1&a=2", "%C3%A9=%C3%A9", "a==b", "a=\x80"} {
		f.Add(seed)
	}
	d, err := Parse("fuzz", []byte(oneParameter("/x",
		`{name: a, in: query, schema: {type: array, items: {type: integer}}}`,
		`{name: f, in: query, style: deepObject, schema: {type: object, properties: {x: {type: boolean}}}}`,
		`{name: o, in: query, schema: {type: object, properties: {m: {type: number}}, additionalProperties: {type: string}}}`)))
	if err != nil {
		f.Fatal(err)
	}
	stage, err := d.Stage("op", &Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := ask(stage, request{query: s}); strings.HasPrefix(got, "fail") {
			t.Fatalf("%q: %s", s, got)
		}
		pairs, reason := splitPairs(nil, s, 1000)
		if reason != "" {
			return
		}
		want, err := url.ParseQuery(s)
		if err != nil {
			for _, p := range pairs {
				if _, ok := unescape(p.raw); !ok {
					return // refused when the value is read
				}
			}
			t.Fatalf("accepted what net/url refuses: %q: %v", s, err)
		}
		got := url.Values{}
		for _, p := range pairs {
			value, ok := unescape(p.raw)
			if !ok {
				return
			}
			got.Add(p.name, value)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %v, want %v", s, got, want)
		}
	})
}

// No document makes Parse or the stages that it gives panic.
func FuzzDocument(f *testing.F) {
	f.Add(trickyDoc)
	f.Add(bodyDoc)
	f.Add(oneParameter("/x/{p}", `{name: p, in: path, required: true, style: matrix, explode: true, schema: {type: array, items: {$ref: "#/x"}}}`))
	f.Add("a: &a [*a]")
	f.Add(`{"openapi":"3.1.0","paths":{"/x":{"get":{"operationId":"a"}}}}`)
	f.Add("openapi: 3.1.0\npaths: {/x: {post: {requestBody: {content: {application/json: {schema: {$dynamicRef: '#a', unevaluatedProperties: false}}}}}}}")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse("fuzz", []byte(s))
		if err != nil {
			return
		}
		for _, op := range d.Operations() {
			stage, err := d.Stage(op.ID, &Config{AdditionalProperties: Refuse})
			if err != nil {
				continue
			}
			for _, body := range []string{"", `{"a":[1,"b",{"c":null}]}`, `[1.5,"x"]`} {
				if got := ask(stage, request{query: "a=1&b[c]=2", body: body, header: []string{"Cookie: a=b"}}); got == "fail internal-error" {
					t.Fatalf("%s: %s", op.ID, got)
				}
			}
		}
	})
}

// What this reader accepts, mime/multipart reads as the same parts.
func FuzzMultipart(f *testing.F) {
	f.Add("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--B--\r\n")
	f.Add("--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\nContent-Type: image/png\r\n\r\n\r\n--B\r\nContent-Disposition: form-data; name=c\r\n\r\n--B-\r\n--B--")
	f.Add("--B--")
	f.Fuzz(func(t *testing.T, s string) {
		parts, fault := splitParts([]byte(s), "B", 10)
		if fault != nil {
			return
		}
		r := multipart.NewReader(strings.NewReader(s), "B")
		for i, p := range parts {
			other, err := r.NextRawPart()
			if err != nil {
				t.Fatalf("%q: part %d: %v", s, i, err)
			}
			content, err := io.ReadAll(other)
			if err != nil || !bytes.Equal(content, p.content) || other.FormName() != p.name {
				t.Fatalf("%q: part %d: %q %q, want %q %q (%v)", s, i, other.FormName(), content, p.name, p.content, err)
			}
		}
		if _, err := r.NextRawPart(); err != io.EOF {
			t.Fatalf("%q: more parts than %d: %v", s, len(parts), err)
		}
	})
}

// What this parser accepts, package mime reads as the same type.
func FuzzMediaType(f *testing.F) {
	for _, seed := range []string{"application/json", "text/plain; charset=utf-8", `multipart/form-data; boundary="a b"`, "a/b;c", "a/b; c=d; c=e", "a/b ; c=\"\\\"\"", "*/*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := parseMediaType(s)
		if !ok {
			return
		}
		base, params, err := mime.ParseMediaType(s)
		if strings.Contains(s, "*") {
			return // RFC 2231 continuations, which package mime joins
		}
		if err != nil || base != m.base || strings.ToLower(params["charset"]) != m.charset || params["boundary"] != m.boundary {
			t.Fatalf("%q: %+v, package mime %s %v %v", s, m, base, params, err)
		}
	})
}

// A pattern that compiles never panics, and matches as often as one likes.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`^[a-z]+$`, `\u{1F600}`, `[\s\S]*`, `^.{1,5000}$`, `(?=a)`, `\p{Letter}`, `[^]`, `a{2,1}`, `\cA`, `[[]`} {
		f.Add(seed, "text")
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		p, err := compilePattern(source)
		if err != nil {
			return
		}
		first := p.MatchString(text)
		if p.MatchString(text) != first || p.String() != source {
			t.Fatal(source)
		}
	})
}
