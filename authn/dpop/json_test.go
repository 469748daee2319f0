// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTextsThatTwoReadersCouldReadInTwoWaysAreRefused(t *testing.T) {
	s := ecSigner()
	v, err := New(Config{}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	header, claims := s.texts()
	put := func(text, member string) string { return `{` + member + `,` + text[1:] }
	for _, row := range []struct {
		name, header, claims string
		want                 error
	}{
		{"typ twice", put(header, `"typ":"dpop+jwt"`), claims, errHeader},
		{"alg twice", put(header, `"alg":"none"`), claims, errHeader},
		{"jwk twice", put(header, `"jwk":{}`), claims, errHeader},
		{"kty twice", strings.Replace(header, `"kty"`, `"kty":"RSA","kty"`, 1), claims, errKey},
		{"a private key behind an escape", strings.Replace(header, `"kty"`, `"\u0064":"AQ","kty"`, 1), claims, errKey},
		{"alg behind an escape", put(header, `"\u0061lg":"none"`), claims, errHeader},
		{"jti twice", header, put(claims, `"jti":"x"`), errPayload},
		{"htm twice", header, put(claims, `"htm":"POST"`), errPayload},
		{"htu twice", header, put(claims, `"htu":""`), errPayload},
		{"ath twice", header, put(claims, `"ath":""`), errPayload},
		{"iat twice", header, put(claims, `"iat":1`), errPayload},
		{"exp twice", header, put(claims, `"exp":1,"exp":2000000000`), errPayload},
		{"nonce twice", header, put(claims, `"nonce":"","nonce":""`), errPayload},
		{"a claim behind an escape", header, put(claims, `"\u006eonce":"x"`), errPayload},
		{"text behind the header", header + "x", claims, errHeader},
		{"two headers", header + header, claims, errHeader},
		{"text behind the claims", header, claims + ",", errPayload},
		{"claims in an array", header, "[" + claims + "]", errPayload},
		{"header in an array", "[" + header + "]", claims, errHeader},
		{"a byte order mark", "\ufeff" + header, claims, errHeader},
		{"bytes that are not UTF-8", header, put(claims, "\"x\":\"\xff\""), errPayload},
		{"bytes that are not UTF-8 in a name", put(header, "\"\xc0\xaf\":1"), claims, errHeader},
		{"a comment", header, "/**/" + claims, errPayload},
		{"NaN", header, put(claims, `"x":NaN`), errPayload},
		{"a comma too much", header, claims[:len(claims)-1] + ",}", errPayload},
		{"iat with an exponent", header, strings.Replace(claims, `1800000000`, `18e8`, 1), errPayload},
		{"iat with a sign", header, strings.Replace(claims, `1800000000`, `-1800000000`, 1), errPayload},
		{"iat of eleven digits", header, strings.Replace(claims, `1800000000`, `18000000000`, 1), errPayload},
		{"iat null", header, strings.Replace(claims, `1800000000`, `null`, 1), errPayload},
		{"iat in an array", header, strings.Replace(claims, `1800000000`, `[1800000000]`, 1), errPayload},
		{"null for a header", "null", claims, errHeader},
		{"nothing for claims", header, "{}", errPayload},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := v.Verify(t.Context(), exchange(s.raw(row.header, row.claims)), testToken, s.jkt()); err != row.want {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

func TestEscapesInValuesAreRead(t *testing.T) {
	s := ecSigner()
	v := verifier(t, Config{}, fixed)
	header, claims := s.texts()
	escaped := strings.ReplaceAll(claims, "/", `\/`) // as some PHP clients write it
	escaped = strings.Replace(escaped, `"GET"`, `"\u0047ET"`, 1)
	if escaped == claims {
		t.Fatal("nothing was escaped")
	}
	if err := v.Verify(t.Context(), exchange(s.raw(" "+header+"\n", "\t"+escaped+" ")), testToken, s.jkt()); err != nil {
		t.Error(err)
	}
}

// FuzzObject: whatever the walk says of an object's members, the standard
// library says too.
func FuzzObject(f *testing.F) {
	f.Add([]byte(rfcJWK))
	f.Add([]byte(`{"a":{"b":["}",{"c":"\"]"}]},"d":1.5e3,"e":true , "f" : null}`))
	f.Add([]byte(` { "" : "" } `))
	f.Add([]byte(`{"a\u0062":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, ok := openDocument(data)
		if !ok {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("walked over what is no object: %v", err)
		}
		seen := map[string]json.RawMessage{}
		for o.next() {
			if !json.Valid(o.value) {
				t.Fatalf("the value %q is no JSON", o.value)
			}
			if s, ok := text(o.value); ok {
				var std string
				if json.Unmarshal(o.value, &std) != nil || std != string(s) {
					t.Fatalf("%q is read as %q", o.value, s)
				}
			}
			seen[string(o.name)] = o.value
		}
		if o.bad {
			return
		}
		if len(seen) != len(want) {
			t.Fatalf("%d members, want %d", len(seen), len(want))
		}
		for name, value := range want {
			if string(seen[name]) != string(value) {
				t.Fatalf("%q is %q, want %q", name, seen[name], value)
			}
		}
	})
}
