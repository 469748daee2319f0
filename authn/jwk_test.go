// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func jwkOf(t *testing.T, key any, change map[string]any) string {
	t.Helper()
	b, err := jose.JSONWebKey{Key: key, KeyID: "k"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range change {
		m[k] = v
	}
	b, err = json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestKeysThatMustNotBeTrustedAreLeftOut(t *testing.T) {
	ec, rk := ecKey().Public(), rsaKey().Public()
	one := map[string]any{}
	// 2048 bits of the right shape; nobody needs to know its factors.
	small := &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 1024), big.NewInt(105)), E: 65537}
	e3 := &rsa.PublicKey{N: rsaKey().N, E: 3}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224JWK := fmt.Sprintf(`{"kty":"EC","crv":"P-224","kid":"k","x":%q,"y":%q}`, b64(string(p224.X.Bytes())), b64(string(p224.Y.Bytes())))
	for name, row := range map[string]struct {
		jwk  string
		want string // "" when used
	}{
		"EC":                         {jwkOf(t, ec, one), ""},
		"RSA":                        {jwkOf(t, rk, one), ""},
		"Ed25519":                    {jwkOf(t, edKey().Public(), one), ""},
		"for signatures":             {jwkOf(t, ec, map[string]any{"use": "sig"}), ""},
		"to verify":                  {jwkOf(t, ec, map[string]any{"key_ops": []string{"verify"}}), ""},
		"of its algorithm":           {jwkOf(t, ec, map[string]any{"alg": "ES256"}), ""},
		"for encryption":             {jwkOf(t, rk, map[string]any{"use": "enc"}), "not for signatures"},
		"use empty":                  {jwkOf(t, rk, map[string]any{"use": ""}), "not for signatures"},
		"to encrypt":                 {jwkOf(t, rk, map[string]any{"key_ops": []string{"encrypt"}}), "not for checking"},
		"key_ops empty":              {jwkOf(t, rk, map[string]any{"key_ops": []string{}}), "not for checking"},
		"algorithm of another type":  {jwkOf(t, rk, map[string]any{"alg": "ES256"}), "fits no known algorithm"},
		"algorithm of another curve": {jwkOf(t, ec, map[string]any{"alg": "ES384"}), "fits no known algorithm"},
		"symmetric algorithm":        {jwkOf(t, rk, map[string]any{"alg": "HS256"}), "fits no known algorithm"},
		"symmetric":                  {`{"kty":"oct","kid":"k","k":"c2VjcmV0"}`, "symmetric"},
		"private EC":                 {jwkOf(t, ecKey(), one), "private key"},
		"private RSA":                {jwkOf(t, rsaKey(), one), "private key"},
		"RSA of 1024 bits":           {jwkOf(t, small, one), "less than 2048"},
		"RSA with exponent 3":        {jwkOf(t, e3, one), "exponent below"},
		"RSA over 4096 bits":         {jwkOf(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8192).Add(new(big.Int).Lsh(big.NewInt(1), 8192), big.NewInt(1)), E: 65537}, one), "cannot be read"},
		"curve without an algorithm": {p224JWK, "cannot be read"},
		"point off the curve":        {jwkOf(t, ec, map[string]any{"x": b64(strings.Repeat("x", 32))}), "cannot be read"},
		"unknown type":               {`{"kty":"AKP","kid":"k"}`, "cannot be read"},
		"type missing":               {`{"kid":"k"}`, "cannot be read"},
		"member twice":               {`{"kid":"a",` + jwkOf(t, ec, one)[1:], "cannot be read"},
		"kid too long":               {jwkOf(t, ec, map[string]any{"kid": strings.Repeat("k", 300)}), "too long"},
		"not an object":              {`"key"`, "not a JWK"},
	} {
		t.Run(name, func(t *testing.T) {
			// Whatever the key, the good one beside it stays usable.
			set, left, err := parseKeySet([]byte(setOf(row.jwk, edWith("other"))), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !set.has("other") {
				t.Error("the other key is gone")
			}
			switch {
			case row.want == "" && (len(left) != 0 || len(set.keys) != 2):
				t.Errorf("left out: %v", left)
			case row.want != "" && (len(left) != 1 || !strings.Contains(left[0].Error(), row.want)):
				t.Errorf("left out because of %v, want %q", left, row.want)
			}
		})
	}
}

func edWith(kid string) string { return signingKey{kid, "EdDSA", edKey()}.jwk() }

func TestKeySetsThatAreNoneAreErrors(t *testing.T) {
	many := make([]string, maxKeys+1)
	for i := range many {
		many[i] = `{}`
	}
	for _, doc := range []string{``, `null`, `[]`, `{}`, `{"keys":null}`, `{"keys":{}}`, `{"keys":"x"}`, `<html>`, setOf(many...)} {
		if _, _, err := parseKeySet([]byte(doc), nil); err == nil {
			t.Errorf("%.40s is taken for a key set", doc)
		}
	}
	if set, _, err := parseKeySet([]byte(`{"keys":[]}`), nil); err != nil || len(set.keys) != 0 {
		t.Errorf("an empty set is an answer: %v", err)
	}
}

func TestKidsThatTwoKeysShare(t *testing.T) {
	other := signingKey{"k", "ES256", newECKey()}
	for name, row := range map[string]struct {
		keys []string
		want int
	}{
		"the same key twice counts once":             {[]string{es("k").jwk(), es("k").jwk()}, 1},
		"two keys of a type: neither is used":        {[]string{es("k").jwk(), other.jwk()}, 0},
		"keys of different types: the alg decides":   {[]string{es("k").jwk(), rs("k").jwk()}, 2},
		"one key for two algorithms under one kid":   {[]string{rs("k").jwk(), signingKey{"k", "PS256", rsaKey()}.jwk()}, 2},
		"no kid at all is no shared kid":             {[]string{es("").jwk(), signingKey{"", "ES256", newECKey()}.jwk()}, 2},
		"an encryption key with the kid is no match": {[]string{es("k").jwk(), strings.Replace(other.jwk(), `"sig"`, `"enc"`, 1)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			set, _, err := parseKeySet([]byte(setOf(row.keys...)), nil)
			if err != nil || len(set.keys) != row.want {
				t.Errorf("%d keys (%v), want %d", len(set.keys), err, row.want)
			}
		})
	}
}

func TestTokenWithoutKidIsTriedWithFewKeysOnly(t *testing.T) {
	var jwks []string
	for i := range 8 {
		jwks = append(jwks, signingKey{fmt.Sprint(i), "ES256", newECKey()}.jwk())
	}
	last := es("last")
	try := func(n int) *verifyKey {
		set, _, err := parseKeySet([]byte(setOf(append(jwks[:n:n], last.jwk())...)), nil)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := parseToken(last.sign(`{"alg":"ES256"}`, "{}"))
		if err != nil {
			t.Fatal(err)
		}
		return set.verify(tok)
	}
	if try(maxKidless-1) == nil {
		t.Error("refused with few keys")
	}
	if try(maxKidless) != nil {
		t.Error("tried more keys than it should")
	}
}

func TestUnchangedKeysStayTheSameObjects(t *testing.T) {
	first, _, _ := parseKeySet([]byte(setOf(es("a").jwk(), rs("b").jwk())), nil)
	second, _, _ := parseKeySet([]byte(setOf(rs("b").jwk(), edWith("c"))), first)
	if second.keys[0] != first.keys[1] {
		t.Error("a key that is still there is another object")
	}
	if second.same(first) || !first.same(first) || second.same(nil) {
		t.Error("same does not tell sets apart")
	}
}
