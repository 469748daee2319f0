// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"testing"

	"durward"
)

// FuzzAuthenticate sends anything as the two fields. Nothing but the one
// signature that the key made may be taken.
func FuzzAuthenticate(f *testing.F) {
	k := signingKeys(f)[hmacID]
	good := signedBy(f, k, SignOptions{Nonce: "seed"})
	input, signature := good.In.Header.Get(headerInput), good.In.Header.Get(headerSignature)
	f.Add(input, signature)
	f.Add(strings.Replace(input, "(", "( ", 1), signature)
	f.Add(input+", b=()", signature+", b=:AAAA:")
	for _, c := range rfcVectors {
		f.Add(c.label+"="+c.input, c.label+"=:"+c.signature+":")
	}
	f.Add(`sig1=("@query-param";name="Pet" "content-digest";key="sha-256" "date";bs);created=1618884473;keyid="test-shared-secret";nonce="n"`, "sig1=:AAAA:")
	cfg := Config{Keys: rfcKeys(f)}
	strict := func(t *testing.T, text string) string {
		var p field
		if err := p.dictionary(text); err != nil {
			t.Fatalf("taken, but %q cannot be read", text)
		}
		return string(p.appendAll(nil))
	}
	f.Fuzz(func(t *testing.T, in, sig string) {
		m := newMethod(t, cfg, Deps{})
		x := signedBy(t, k, SignOptions{Nonce: "seed"})
		x.In.Header.Set(headerInput, in)
		x.In.Header.Set(headerSignature, sig)
		if m.Present(x) < 1 {
			t.Fatal("it does not count as a credential")
		}
		p, err := m.Authenticate(t.Context(), x)
		if (err == nil) != p.Known() {
			t.Fatalf("%+v with %v", p, err)
		}
		if err == nil && (strict(t, in) != input || strict(t, sig) != signature) {
			t.Fatalf("taken: %q %q", in, sig)
		}
	})
}

// FuzzSign signs any URL and field, and never makes what the parser refuses.
func FuzzSign(f *testing.F) {
	k := signingKeys(f)[hmacID]
	f.Add("GET", "https://a.example/%7e?b=c", "X-A", "v", "x-a", "n")
	f.Add("POST", "http://[::1]:80/", "Date", "", `@query-param;name="b"`, `"`)
	f.Fuzz(func(t *testing.T, method, url, name, value, component, nonce string) {
		added, err := Sign(method, url, durward.Header{{Name: name, Value: value}}, []byte("x"), k,
			SignOptions{Components: []string{"@method", component}, Nonce: nonce})
		if err != nil {
			return
		}
		var w work
		if err := w.read(added); err != nil {
			t.Fatalf("%v: %v", added, err)
		}
		if s, err := w.pick("", ""); err != nil || s.keyID != hmacID {
			t.Fatalf("%v: %v", added, err)
		}
	})
}
