// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import "testing"

func TestQueryParametersAreFoundHoweverTheyAreSpelled(t *testing.T) {
	for _, row := range []struct {
		query, name string
		count       int
		value       string
		ok          bool
		rest        string
	}{
		{"", "key", 0, "", false, ""},
		{"key=a", "key", 1, "a", true, ""},
		{"a=1&key=x&b=2", "key", 1, "x", true, "a=1&b=2"},
		{"%6Bey=x&a", "key", 1, "x", true, "a"},
		{"%6b%65%79=x", "key", 1, "x", true, ""},
		{"key=x&key=y", "key", 2, "x", true, ""},
		{"key", "key", 1, "", true, ""},
		{"key=%41+b", "key", 1, "A b", true, ""},
		{"key=%4", "key", 1, "", false, ""},
		{"Key=x", "key", 0, "", false, "Key=x"},
		{"key2=x&mykey=y", "key", 0, "", false, "key2=x&mykey=y"},
		{"a=key=x", "key", 0, "", false, "a=key=x"},
		{"%zz=x&a=%zz", "key", 0, "", false, "%zz=x&a=%zz"},
		{"&&key=x&&", "key", 1, "x", true, "&&&"},
		{"api+key=x", "api key", 1, "x", true, ""},
	} {
		if n := countParam(row.query, row.name); n != row.count {
			t.Errorf("%q: %d times, want %d", row.query, n, row.count)
		}
		if v, ok := paramValue(row.query, row.name); v != row.value || ok != row.ok {
			t.Errorf("%q: value %q %v, want %q %v", row.query, v, ok, row.value, row.ok)
		}
		if rest := dropParam(row.query, row.name); rest != row.rest {
			t.Errorf("%q: left %q, want %q", row.query, rest, row.rest)
		}
	}
}

// FuzzQuery: once a parameter is dropped it is not found again, and a query
// without it stays as it is.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "key=x", "a=1&%6bey=2&b", "key&key", "%6&key=%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		n := countParam(query, "key")
		rest := dropParam(query, "key")
		if countParam(rest, "key") != 0 {
			t.Errorf("%q still has the key", rest)
		}
		if n == 0 && rest != query {
			t.Errorf("%q became %q", query, rest)
		}
	})
}
