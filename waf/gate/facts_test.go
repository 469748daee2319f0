// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestARequestTargetIsTakenApart(t *testing.T) {
	for _, c := range []struct{ raw, uri, filename, basename, query string }{
		{"/", "/", "/", "/", ""},
		{"/a/b.txt?x=1&y", "/a/b.txt?x=1&y", "/a/b.txt", "b.txt", "x=1&y"},
		{"/a%2Fb%20c?%41", "/a%2Fb%20c?%41", "/a/b c", "b c", "%41"},
		{"/a\\b", "/a%5Cb", "/a\\b", "b", ""},
		{"/a?", "/a?", "/a", "a", ""},
		{"/a??b", "/a??b", "/a", "a", "?b"},
		{"/a#b?c", "/a", "/a", "a", ""},
		{"//h/x", "//h/x", "//h/x", "x", ""},
		{"http://h/x?y", "http://h/x?y", "/x", "x", "y"},
		{"*", "*", "*", "*", ""},
		{"/%zz?a=b", "/%zz?a=b", "/%zz", "%zz", "a=b"},
		{"/a\x01?b", "/a\x01?b", "/a\x01", "a\x01", "b"},
	} {
		f := new(facts)
		if !f.readHead(&Request{Method: "GET", URI: c.raw, Protocol: "HTTP/1.1"}, &testLimits) {
			t.Errorf("%q is refused", c.raw)
		}
		if f.uri != c.uri || f.filename != c.filename || f.basename != c.basename || f.query != c.query {
			t.Errorf("%q is %q, %q, %q, %q", c.raw, f.uri, f.filename, f.basename, f.query)
		}
	}
}

func TestJSONIsFlattened(t *testing.T) {
	for body, want := range map[string][]string{
		`{}`:                                 nil,
		` [ ] `:                              nil,
		`{"a":1,"b":[true,null,{"c":"d"}]}`:  {"json.a=1", "json.b.0=true", "json.b.1=", "json.b.2.c=d", "json.b=3"},
		`[1e5,-0.5,[[]]]`:                    {"json.0=1e5", "json.1=-0.5", "json.2=1", "json=3"},
		`{"a.b":"x","a":{"b":"y"}}`:          {"json.a.b=x", "json.a.b=y"},
		`{"\u0041\n":"\ud83d\ude00\ud83d."}`: {"json.A\n=😀\ufffd."},
		`{"":""}`:                            {"json.="},
	} {
		f := new(facts)
		if !f.readJSON([]byte(body), &testLimits, nil) {
			t.Errorf("%s is refused", body)
		}
		var got []string
		for _, m := range f.argsPost {
			got = append(got, m.key+"="+m.val)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", body, got, want)
		}
	}
}

func TestWhatIsNotJSONOrNearALimitIsRefused(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	many := func(n int) string { return "[0" + strings.Repeat(",0", n-1) + "]" }
	for _, body := range []string{"", " ", "1", `"a"`, "null", "{", "[", "[1", "[1,]", "[,1]", `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1}x`, "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "[-]", "[tru]", "[nul]",
		"[\"a]", "[\"\n\"]", `["\x"]`, `["\u12"]`, `["\u12G4"]`, "[1}", `{"a":1]`, deep(65), many(40), "[" + strings.Repeat(`{"a long name of a member indeed":`, 30) + "1" + strings.Repeat("}", 30) + strings.Repeat(`,{"x":[[[[1,1,1]]]]}`, 200) + "]"} {
		if new(facts).readJSON([]byte(body), &testLimits, nil) {
			t.Errorf("%.60s is taken", body)
		}
	}
	for _, body := range []string{deep(40), many(39)} {
		if !new(facts).readJSON([]byte(body), &testLimits, nil) {
			t.Errorf("%.60s is refused", body)
		}
	}
}

func TestCookiesAreTakenApart(t *testing.T) {
	f := new(facts)
	f.readCookies(" a=1; b ;=x; ;\x01c\x7f=\t2=3 ; = ;a=4")
	var got []string
	for _, m := range f.cookies {
		got = append(got, fmt.Sprintf("%s=%s", m.key, m.val))
	}
	if want := []string{"a=1", "b=", "=x", "c=2=3", "a=4"}; !slices.Equal(got, want) {
		t.Errorf("the cookies are %q, want %q", got, want)
	}
}

func TestAFormIsTakenUpToTheLimit(t *testing.T) {
	l := limits{arguments: 3, depth: 8, body: 1000, access: true}
	for body, taken := range map[string]bool{"a=1&b=2&c=3": true, "a=1&b=2&c=3&&": true, "a=1&b=2&c=3&d": false, "a=1&a=2&a": true, "A=1&a=2": false, "a=1&é=2&É=3": false} {
		q := post("application/x-www-form-urlencoded", body)
		f := new(facts)
		if ok := f.readHead(q, &l) && f.readBody(q, &l, nil); ok != taken {
			t.Errorf("%q is taken: %v", body, ok)
		}
	}
	l.body = 11
	q := post("application/x-www-form-urlencoded", "a=1&b=2&c=3")
	if f := new(facts); f.readHead(q, &l) && f.readBody(q, &l, nil) {
		t.Error("content at the limit is taken")
	}
	l.access = false
	if f := new(facts); !f.readHead(q, &l) || !f.readBody(q, &l, nil) || len(f.argsPost) > 0 {
		t.Error("content is read though the settings say not to")
	}
}

func FuzzFactsAreCorazas(f *testing.F) {
	f.Add("/a%2fb?x=1&y=%zz#f", "a=1; b", "application/json", `{"a":[1,{"b":"\u00e9"}]}`)
	f.Add("//x?+", "", "application/x-www-form-urlencoded", "a=1&b=%41+c")
	f.Add("http://h/?q", "=;", "", "x")
	w := newWAF(f, headDirectives)
	f.Fuzz(func(t *testing.T, uri, cookie, contentType, body string) {
		q := post(contentType, body)
		q.URI = uri
		q.Header.Add("Cookie", cookie)
		got := new(facts)
		if !got.readHead(q, &testLimits) {
			return
		}
		head(got)
		if strings.Contains(strings.ToLower(contentType), "json") && got.processor == "" || !got.readBody(q, &testLimits, nil) {
			return // head knows only some types of JSON
		}
		tx, _ := ask(t, w, q)
		defer tx.Close()
		if d := differences(got, variablesOf(tx)); len(d) > 0 {
			t.Error(strings.Join(d, "\n"))
		}
	})
}
