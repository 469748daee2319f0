// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

// Canonicalising twice changes nothing: what was made canonical is canonical.
func FuzzCanonicalise(f *testing.F) {
	f.Add("GET", "a.example", "/a/%7eb", "c=%20", "Accept", "*/*")
	f.Add("POST", "A.Example:443", "/a|b", "", "X_Y", "1")
	f.Add("OPTIONS", "[::1]:443", "/[x]", "a=b&a=c", "host", "a.example")
	f.Add("GET", "a.example.", "/%c3%a9/", "%", "X-Forwarded-For", "1.2.3.4")
	f.Fuzz(func(t *testing.T, method, host, path, query, name, value string) {
		header := durward.Header{{Name: name, Value: value}}
		in := &durward.Request{Method: method, Scheme: "https", Host: host, RawPath: path, RawQuery: query, Header: header}
		limits := new(Limits)
		if Canonicalise(in, limits).Verdict != durward.Allow {
			return
		}
		again := &durward.Request{Method: in.Method, Scheme: in.Scheme, Host: in.Host, RawPath: in.Path, RawQuery: in.RawQuery, Header: in.Header}
		if d := Canonicalise(again, limits); d.Verdict != durward.Allow {
			t.Fatalf("%q %q became %q %q, which is refused: %v", host, path, in.Host, in.Path, d.Err)
		}
		if in.Path != again.Path || in.Host != again.Host || !cmp.Equal(in.Header, again.Header) {
			t.Fatalf("%q %q became %q %q, then %q %q", host, path, in.Host, in.Path, again.Host, again.Path)
		}
	})
}
