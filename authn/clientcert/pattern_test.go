// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"strings"
	"testing"
)

func TestPatternsTakeAValueInOneWayOnly(t *testing.T) {
	for _, tc := range []struct {
		kind           kind
		pattern, value string
		consumer       string
		ok             bool
	}{
		{byCommonName, "a", "a", "", true},
		{byCommonName, "a", "A", "", false},
		{byCommonName, "*", "any thing", "", true},
		{byCommonName, "*", "", "", false},
		{byCommonName, "svc-{consumer}-x", "svc-a-x", "a", true},
		{byCommonName, "svc-{consumer}-x", "svc--x", "", false},
		{byCommonName, "aba{consumer}aba", "aba", "", false},
		{byCommonName, "ab{consumer}ba", "aba", "", false},
		{byCommonName, "{consumer}", "a.b/c@d", "a.b/c@d", true},
		{byDNS, "{consumer}.b.test", "a.b.test", "a", true},
		{byDNS, "{consumer}.b.test", "x.a.b.test", "", false},
		{byDNS, "a.*", "a.b", "", true},
		{byDNS, "a.*", "a.b.c", "", false},
		{byDNS, "a.*.c", "a..c", "", false},
		{bySPIFFE, "spiffe://d/ns/{consumer}/sa/*", "spiffe://d/ns/a/sa/b", "a", true},
		{bySPIFFE, "spiffe://d/ns/{consumer}/sa/*", "spiffe://d/ns/a/sa/b/c", "", false},
		{bySPIFFE, "spiffe://d/ns/{consumer}/sa/*", "spiffe://d/ns/a/sa", "", false},
		{bySPIFFE, "spiffe://d/ns/{consumer}/sa/*", "spiffe://d/ns/a/sa/", "", false},
		{bySPIFFE, "spiffe://d/{consumer}", "spiffe://d.evil/a", "", false},
		{byURI, "https://a/{consumer}?v=*", "https://a/b?v=1", "b", true},
		{byURI, "https://a/{consumer}?v=*", "https://a/b#v=1", "", false},
		{byEmail, "{consumer}@a.test", "b@a.test", "b", true},
		{byEmail, "ops@*.test", "ops@a.b.test", "", true},
		{bySubject, "CN={consumer},O=E", "CN=a,O=E", "a", true},
		{bySubject, "CN={consumer},O=E", "CN=a+OU=x,O=E", "", false},
		{bySubject, "CN={consumer},O=E", `CN=a\,O=E`, "", false},
		{bySubject, "CN={consumer},O=E", `CN=a\+b,O=E`, "", false},
		{bySubject, `CN=a\,b,O=*`, `CN=a\,b,O=E`, "", true},
		{bySubject, "CN={consumer},O=E", "CN=x=a,O=E", "", false},
	} {
		p, err := compile(tc.kind, tc.pattern)
		if err != nil {
			t.Errorf("%s: %v", tc.pattern, err)
			continue
		}
		if consumer, ok := p.match(tc.value); consumer != tc.consumer || ok != tc.ok {
			t.Errorf("%s on %s: %q, %v", tc.pattern, tc.value, consumer, ok)
		}
	}
}

func TestSPIFFEIdsAreReadAsTheStandardSays(t *testing.T) {
	for id, want := range map[string]bool{
		"spiffe://prod.example/ns/a/sa/b":             true,
		"spiffe://a_b-c.0/A.z_-9":                     true,
		"spiffe://1.2.3.4/a":                          true,
		"spiffe://a/...":                              true,
		"spiffe://a/" + strings.Repeat("b", 2037):     true,
		"spiffe://a/" + strings.Repeat("b", 2038):     false,
		"spiffe://" + strings.Repeat("a", 255) + "/b": true,
		"spiffe://" + strings.Repeat("a", 256) + "/b": false,
		"spiffe://prod.example":                       false,
		"spiffe://prod.example/":                      false,
		"spiffe:///a":                                 false,
		"spiffe:/a/b":                                 false,
		"SPIFFE://a/b":                                false,
		"spiffe://Prod.example/a":                     false,
		"spiffe://a:443/b":                            false,
		"spiffe://u@a/b":                              false,
		"spiffe://a/b/":                               false,
		"spiffe://a//b":                               false,
		"spiffe://a/./b":                              false,
		"spiffe://a/../b":                             false,
		"spiffe://a/b?c":                              false,
		"spiffe://a/b#c":                              false,
		"spiffe://a/%62":                              false,
		"spiffe://a/b c":                              false,
		"spiffe://a/b\x00":                            false,
		"spiffe://a/é":                                false,
		"https://a/b":                                 false,
		"":                                            false,
	} {
		if got := isSPIFFE(id); got != want {
			t.Errorf("%.60q: %v", id, got)
		}
	}
}

// FuzzPattern holds: whoever fits a pattern fits it in one way, which is the
// pattern with its wildcards written out, and no wildcard goes over a border.
func FuzzPattern(f *testing.F) {
	f.Add(uint8(bySPIFFE), "spiffe://d/ns/{consumer}/sa/*", "spiffe://d/ns/a/sa/b")
	f.Add(uint8(bySubject), "CN={consumer},O=E", `CN=a\,b,O=E`)
	f.Add(uint8(byDNS), "*.b.test", "a.b.test")
	f.Add(uint8(byEmail), "{consumer}@a.test", "b@a.test")
	f.Add(uint8(byURI), "https://a/*?b", "https://a/c?b")
	f.Add(uint8(byCommonName), "a*b", "ab")
	f.Fuzz(func(t *testing.T, k uint8, text, value string) {
		kind := kind(k % uint8(kinds))
		p, err := compile(kind, text)
		if err != nil {
			return
		}
		consumer, ok := p.match(value)
		if !ok {
			if consumer != "" {
				t.Error("a value that does not fit gave a consumer")
			}
			return
		}
		if p.captures != (consumer != "") {
			t.Errorf("captured %q", consumer)
		}
		if separators[kind] != "" && strings.ContainsAny(consumer, separators[kind]) {
			t.Errorf("captured %q over a border", consumer)
		}
		if again, ok := p.match(value); !ok || again != consumer {
			t.Error("not the same again")
		}
		if !strings.Contains(text, "*") && strings.Replace(text, captured, consumer, 1) != value {
			t.Errorf("%q with %q is not %q", text, consumer, value)
		}
	})
}

// FuzzSPIFFE holds: what is taken is made of the few characters that a SPIFFE
// id may have, and of no dot segment.
func FuzzSPIFFE(f *testing.F) {
	f.Add("spiffe://prod.example/ns/a/sa/b")
	f.Add("spiffe://a/../b")
	f.Fuzz(func(t *testing.T, s string) {
		if !isSPIFFE(s) {
			return
		}
		rest := strings.TrimPrefix(s, "spiffe://")
		if len(s) > maxSPIFFE || strings.ContainsAny(rest, ":@?#%\\ ") || strings.Contains(rest, "//") ||
			strings.HasSuffix(rest, "/") || strings.Contains(rest+"/", "/../") || strings.Contains(rest+"/", "/./") {
			t.Errorf("%q was taken", s)
		}
		for i := range len(rest) {
			if rest[i] <= ' ' || rest[i] >= 0x7f {
				t.Errorf("%q was taken", s)
			}
		}
	})
}
