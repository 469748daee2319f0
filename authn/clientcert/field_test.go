// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"durward"
	"durward/internal/clientca"
	"durward/internal/pkitest"
)

func TestOnlyATrustedProxyPassesACertificateOn(t *testing.T) {
	root := pkitest.Root(t, "root")
	sub := root.Sub(t, "sub")
	leaf, deep, foreign := root.Leaf(t, "a"), sub.Leaf(t, "b"), pkitest.SelfSigned(t, "c")
	proxy := root.Leaf(t, "the proxy itself")
	good := sequence(leaf.Cert)
	rule := []Rule{{CommonName: "*", Consumer: "billing"}}
	believes := newMethod(t, root, people, Config{Map: rule, FromProxy: true})
	believesNot := newMethod(t, root, people, Config{Map: rule})
	// from makes a request of a proxy with a certificate of its own.
	from := func(trusted bool, fields ...string) *durward.Exchange {
		x := throughProxy(fields...)
		x.Client.Trusted = trusted
		x.In.TLS = over(proxy.Cert).In.TLS
		return x
	}
	for _, tc := range []struct {
		name    string
		m       *Method
		x       *durward.Exchange
		present int
		subject string
		err     error
	}{
		{"the field of a trusted proxy", believes, from(true, fieldCert, good), 1, "a", nil},
		{"with space around it", believes, from(true, fieldCert, "  "+good+" "), 1, "a", nil},
		{"with a chain", believes, from(true, fieldCert, sequence(deep.Cert), fieldChain, sequence(sub.Cert)), 1, "b", nil},
		{"with a chain in two lines", believes, from(true, fieldCert, sequence(deep.Cert), fieldChain, sequence(root.Cert), fieldChain, sequence(sub.Cert)), 1, "b", nil},
		{"with an empty chain", believes, from(true, fieldCert, good, fieldChain, ""), 1, "a", nil},
		{"without the chain that it needs", believes, from(true, fieldCert, sequence(deep.Cert)), 1, "", clientca.ErrAuthority},
		{"no field: the proxy's own certificate is not the caller's", believes, from(true), 0, "", clientca.ErrNone},
		{"a chain without a certificate", believes, from(true, fieldChain, good), 0, "", clientca.ErrNone},
		{"two fields", believes, from(true, fieldCert, good, fieldCert, good), 2, "", errTwo},
		{"a certificate of another authority", believes, from(true, fieldCert, sequence(foreign.Cert)), 1, "", clientca.ErrAuthority},
		{"a field that is none", believes, from(true, fieldCert, "billing"), 1, "", errFieldForm},
		{"a chain that is none", believes, from(true, fieldCert, good, fieldChain, "x"), 1, "", errChainForm},
		{"a certificate that is none", believes, from(true, fieldCert, ":AAAA:"), 1, "", clientca.ErrForm},
		{"the field of anybody else is not read", believes, from(false, fieldCert, good), 1, "the proxy itself", nil},
		{"nor is that of a trusted proxy, unless it is to be", believesNot, from(true, fieldCert, good), 1, "the proxy itself", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := tc.m.Authenticate(t.Context(), tc.x)
			if !errors.Is(err, tc.err) || tc.err == nil && err != nil || p.Subject != tc.subject {
				t.Errorf("%q, %v", p.Subject, err)
			}
			if n := tc.m.Present(tc.x); n != tc.present {
				t.Errorf("%d are present", n)
			}
		})
	}
}

func TestByteSequencesHaveOneSpelling(t *testing.T) {
	for value, want := range map[string]string{
		":aGVsbG8=:":             "hello",
		":aGVsbG8h:":             "hello!",
		":aGVsbG8:":              "", // no padding
		":aGVsbG9=:":             "", // bits behind the end
		":aGVs\nbG8=:":           "",
		":aGVsbG8=":              "",
		"aGVsbG8=:":              "",
		":aGVsbG8=:;a=1":         "", // a parameter
		":aGVsbG8=:, :aGVsbG8=:": "",
		":aGVsbG8=::aGVsbG8=:":   "",
		":aGVs-G8=:":             "",
		"\"aGVsbG8=\"":           "",
		"::":                     "",
		":":                      "",
		"":                       "",
		":" + strings.Repeat("AAAA", maxField/4) + ":": "",
	} {
		if got, ok := byteSequence(value); string(got) != want || ok != (want != "") {
			t.Errorf("%.40q: %q, %v", value, got, ok)
		}
	}
}

func TestChainsAreLists(t *testing.T) {
	for value, want := range map[string]int{
		"": 0, "   ": 0, ":AAAA:": 1, " :AAAA: ": 1, ":AAAA:,:AAAA:": 2, ":AAAA: \t,  :AAAA:": 2,
		strings.Repeat(":AAAA:,", 7) + ":AAAA:": 8,
		strings.Repeat(":AAAA:,", 8) + ":AAAA:": -1,
		":AAAA:,":                               -1,
		",:AAAA:":                               -1,
		":AAAA:,,:AAAA:":                        -1,
		":AAAA: :AAAA:":                         -1,
		"(:AAAA:)":                              -1,
		strings.Repeat(" ", maxField+1):         -1,
	} {
		ders, err := appendChain(nil, value)
		if err != nil && want != -1 || err == nil && len(ders) != want {
			t.Errorf("%.40q: %d, %v", value, len(ders), err)
		}
	}
}

// FuzzClientCert holds: what is read can be written again and is then the same,
// and nothing is longer than it may be.
func FuzzClientCert(f *testing.F) {
	f.Add(":aGVsbG8=:", ":AAAA:, :BBBB:")
	f.Add("::", ",")
	f.Add(":aGVsbG8:", ":AAAA:;a=1")
	f.Fuzz(func(t *testing.T, leaf, chain string) {
		ders, err := fromField(durward.Header{{Name: fieldCert, Value: leaf}, {Name: fieldChain, Value: chain}})
		if err != nil {
			return
		}
		if len(ders) > clientca.MaxChain {
			t.Errorf("%d certificates", len(ders))
		}
		write := func(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }
		if write(ders[0]) != strings.Trim(leaf, " ") {
			t.Errorf("%q is not the one spelling", leaf)
		}
		var parts []string
		for _, der := range ders[1:] {
			parts = append(parts, write(der))
		}
		again, err := appendChain(nil, strings.Join(parts, ", "))
		if err != nil || len(again) != len(ders)-1 {
			t.Fatalf("%d, %v", len(again), err)
		}
		for i, der := range again {
			if !bytes.Equal(der, ders[i+1]) {
				t.Error("not the same again")
			}
		}
	})
}
