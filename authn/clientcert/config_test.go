// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func TestConfigurationsThatMakeNoSenseAreRefused(t *testing.T) {
	one := func(r Rule) Config { return Config{CA: "ca.pem", Map: []Rule{r}} }
	for _, tc := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"a good one", one(Rule{SPIFFE: "spiffe://a.b/{consumer}"}), nil},
		{"every kind", Config{CA: "ca.pem", CRL: []string{"a", "b"}, Map: []Rule{
			{Subject: "CN=*,O=Example", Consumer: "a"}, {CommonName: "{consumer}"}, {DNS: "*.x.test", Consumer: "a"},
			{Email: "{consumer}@x.test"}, {URI: "urn:x:{consumer}"}, {SPIFFE: "spiffe://a.b/*/{consumer}", Roles: []string{"r"}}}}, nil},
		{"nothing", Config{}, []string{"ca", "map"}},
		{"too many rules", Config{CA: "a", Map: make([]Rule, 1001)}, nil},
		{"lists", Config{CA: "a", CRL: make([]string, 17), Map: []Rule{{CommonName: "a", Consumer: "a"}}}, nil},
		{"an empty list", Config{CA: "a", CRL: []string{""}, Map: []Rule{{CommonName: "a", Consumer: "a"}}}, []string{"crl[0]"}},
		{"no name", one(Rule{Consumer: "a"}), []string{"map[0]"}},
		{"two names", one(Rule{CommonName: "a", DNS: "a.b", Consumer: "a"}), []string{"map[0]"}},
		{"no consumer", one(Rule{CommonName: "a"}), []string{"map[0].consumer"}},
		{"a consumer twice", one(Rule{CommonName: "{consumer}", Consumer: "a"}), []string{"map[0].consumer"}},
		{"a consumer that is no id", one(Rule{CommonName: "a", Consumer: "A b"}), []string{"map[0].consumer"}},
		{"a role that is empty", one(Rule{CommonName: "a", Consumer: "a", Roles: []string{""}}), []string{"map[0].roles[0]"}},
		{"two captures", one(Rule{SPIFFE: "spiffe://a.b/{consumer}/{consumer}"}), []string{"map[0].spiffe"}},
		{"two wildcards in a part", one(Rule{CommonName: "*a*", Consumer: "a"}), []string{"map[0].common_name"}},
		{"an unknown capture", one(Rule{CommonName: "{name}", Consumer: "a"}), []string{"map[0].common_name"}},
		{"a DNS name in capitals", one(Rule{DNS: "A.test", Consumer: "a"}), []string{"map[0].dns"}},
		{"a DNS name that is none", one(Rule{DNS: "a..test", Consumer: "a"}), []string{"map[0].dns"}},
		{"an address without a domain", one(Rule{Email: "a", Consumer: "a"}), []string{"map[0].email"}},
		{"an address whose domain has capitals", one(Rule{Email: "a@B.test", Consumer: "a"}), []string{"map[0].email"}},
		{"a URI without a scheme", one(Rule{URI: "/a", Consumer: "a"}), []string{"map[0].uri"}},
		{"a URI with any scheme", one(Rule{URI: "*://a", Consumer: "a"}), []string{"map[0].uri"}},
		{"a SPIFFE id with any trust domain", one(Rule{SPIFFE: "spiffe://*/a", Consumer: "a"}), []string{"map[0].spiffe"}},
		{"a SPIFFE id with a part of a trust domain", one(Rule{SPIFFE: "spiffe://{consumer}.b/a"}), []string{"map[0].spiffe"}},
		{"a SPIFFE id without a path", one(Rule{SPIFFE: "spiffe://a", Consumer: "a"}), []string{"map[0].spiffe"}},
		{"a SPIFFE id with a port", one(Rule{SPIFFE: "spiffe://a:1/b", Consumer: "a"}), []string{"map[0].spiffe"}},
		{"a control character", one(Rule{CommonName: "a\n", Consumer: "a"}), []string{"map[0].common_name"}},
		{"too long", one(Rule{CommonName: strings.Repeat("a", 2049), Consumer: "a"}), []string{"map[0].common_name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, err := range durward.Flatten(tc.config.Check()) {
				got = append(got, err.(*durward.FieldError).Field)
			}
			switch tc.name {
			case "too many rules":
				if len(got) != 1002 || got[0] != "map" { // their number, and each rule
					t.Errorf("%d faults", len(got))
				}
				return
			case "lists":
				tc.want = append([]string{"crl"}, got[1:]...)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if _, err := New(tc.config, Deps{}); err == nil {
				t.Error("it was made without its files")
			}
		})
	}
}
