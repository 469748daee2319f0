// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"strings"
	"testing"

	"durward"
)

func TestASegmentOfSeveralParametersIsReadInOneWayOrNotAtAll(t *testing.T) {
	table := build(t, API{Name: "a", Operations: ops("GET /tags/{id}.{format}", "GET /range/{from},{to}", "GET /at/({lat},{lon})", "GET /whole/{all}", "GET /whole/{a}--{b}")})
	for _, c := range []struct{ name, path, want string }{
		{"two values", "/tags/5.json", "id=5 format=json"},
		{"the text twice", "/tags/a.b.json", "ambiguous-path"},
		{"the text doubled", "/tags/a..json", "ambiguous-path"},
		{"an empty value before", "/tags/.json", "unknown-operation"},
		{"an empty value behind", "/tags/5.", "unknown-operation"},

		{"no text", "/tags/5", "unknown-operation"},
		{"an escaped text would be split elsewhere", "/range/1%2C5,9", "ambiguous-path"},
		{"an escaped text where one is needed", "/range/1%2C9", "ambiguous-path"},
		{"texts all around", "/at/(1.5,2.5)", "lat=1.5 lon=2.5"},
		{"texts all around, one missing", "/at/(1.5,2.5", "unknown-operation"},
		{"text before a whole parameter", "/whole/x--y", "a=x b=y"},
		{"a whole parameter where the text is missing", "/whole/x-y", "all=x-y"},
		{"overlapping texts", "/whole/x---y", "ambiguous-path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &durward.Request{Method: "GET", Path: c.path}
			op, params := table.Match(in, nil)
			var got []string
			for _, p := range params {
				got = append(got, p.Name+"="+p.Value)
			}
			if op.Refusal != "" {
				got = []string{op.ID}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestMethodsOfOnePathMayNameItsParametersDifferently(t *testing.T) {
	table := build(t, API{Name: "a", Operations: ops("GET /a/{x}", "PUT /a/{y}")})
	for method, want := range map[string]string{"GET": "x", "PUT": "y", "POST": "x"} {
		_, params := table.Match(&durward.Request{Method: method, Path: "/a/5"}, nil)
		if len(params) != 1 || params[0].Name != want || params[0].Value != "5" {
			t.Errorf("%s: got %v, want %s=5", method, params, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("a.b", "", ".", "")
	f.Add("x---y", "", "--", "")
	f.Fuzz(func(t *testing.T, segment, first, inner, last string) {
		if inner == "" {
			return
		}
		middle, ok := strings.CutPrefix(segment, first)
		if ok {
			middle, ok = strings.CutSuffix(middle, last)
		}
		ways := 0
		for i := 1; ok && i+len(inner) < len(middle); i++ {
			if strings.HasPrefix(middle[i:], inner) {
				ways++
			}
		}
		var w walk
		got := texts{first, inner, last}.split(segment, &w)
		if want := fit(min(ways, 2)); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
		if got == fitsOnce && first+w.params[0].Value+inner+w.params[1].Value+last != segment {
			t.Fatalf("%q was split into %v", segment, w.params)
		}
	})
}
