// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash"
	"maps"
	"math/big"
	"strings"
	"sync"
	"time"
)

var b64 = base64.RawURLEncoding

// token is a JSON Web Token taken apart.
type token struct {
	header, claims map[string]any
	first, second  string // as they were
	signature      []byte
}

// parse takes a token apart; nil when the text is none.
func parse(text string) *token {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil
	}
	t := &token{first: parts[0], second: parts[1]}
	for i, into := range []*map[string]any{&t.header, &t.claims} {
		raw, err := b64.DecodeString(strings.TrimRight(parts[i], "="))
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err != nil || d.Decode(into) != nil || *into == nil {
			return nil
		}
	}
	sig, err := b64.DecodeString(strings.TrimRight(parts[2], "="))
	if err != nil {
		return nil
	}
	t.signature = sig
	return t
}

func (t *token) alg() string { s, _ := t.header["alg"].(string); return s }

// with copies a set of members and changes some; nil takes one away.
func with(m map[string]any, changes map[string]any) map[string]any {
	out := maps.Clone(m)
	for k, v := range changes {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func segment(m map[string]any) string {
	data, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return b64.EncodeToString(data)
}

// signer makes the signature of a text.
type signer func(text string) []byte

func unsigned(string) []byte { return nil }

func hmacOf(alg string, key []byte) signer {
	return func(text string) []byte {
		m := hmac.New(hashOf(alg), key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
}

func hashOf(alg string) func() hash.Hash {
	switch {
	case strings.HasSuffix(alg, "384"):
		return sha512.New384
	case strings.HasSuffix(alg, "512"):
		return sha512.New
	}
	return sha256.New
}

// own is the run's own key, made once for the process: nobody knows it.
var own = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaOf(key *rsa.PrivateKey) signer {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			return nil
		}
		return sig
	}
}

// text writes a token down.
func text(header, claims map[string]any, sign signer) string {
	body := segment(header) + "." + segment(claims)
	return body + "." + b64.EncodeToString(sign(body))
}

// ownJWK is the run's public key as a JWK (RFC 7517).
func ownJWK(key *rsa.PrivateKey, kid string) map[string]any {
	return map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": b64.EncodeToString(key.N.Bytes()), "e": b64.EncodeToString(big.NewInt(int64(key.E)).Bytes())}
}

// ownCertificate is a certificate of the run's key by itself.
func ownCertificate(key *rsa.PrivateKey) string {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "durward-probe"},
		NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(2500000000, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(der)
}

// publicKeys reads a JWK set, or a PEM text.
func publicKeys(body []byte) []any {
	var keys []any
	for rest := body; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if k, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			keys = append(keys, k)
		} else if k, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
			keys = append(keys, k)
		} else if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			keys = append(keys, c.PublicKey)
		}
	}
	type jwk struct{ Kty, Crv, N, E, X, Y string }
	var set struct {
		jwk
		Keys []jwk
	}
	if json.Unmarshal(body, &set) != nil {
		return keys
	}
	for _, k := range append(set.Keys, set.jwk) {
		n, _ := b64.DecodeString(k.N)
		e, _ := b64.DecodeString(k.E)
		x, _ := b64.DecodeString(k.X)
		y, _ := b64.DecodeString(k.Y)
		switch {
		case k.Kty == "RSA" && len(n) > 0 && len(e) > 0 && len(e) <= 4:
			keys = append(keys, &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())})
		case k.Kty == "EC" && k.Crv == "P-256" && len(x) == 32 && len(y) == 32:
			if key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...)); err == nil {
				keys = append(keys, key)
			}
		case k.Kty == "OKP" && len(x) == ed25519.PublicKeySize:
			keys = append(keys, ed25519.PublicKey(x))
		}
	}
	return keys
}

// secretsOf are the forms in which a service may hold a public key that it is
// tricked to take for a secret.
func secretsOf(key any) [][]byte {
	var out [][]byte
	add := func(kind string, der []byte) {
		p := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		out = append(out, p, bytes.TrimRight(p, "\n"), der)
	}
	if der, err := x509.MarshalPKIXPublicKey(key); err == nil {
		add("PUBLIC KEY", der)
	}
	if k, ok := key.(*rsa.PublicKey); ok {
		add("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(k))
	}
	return out
}

// crack finds the word that a token was signed with; ok is false when none of
// the list did.
func (t *token) crack(words []string) (word string, ok bool) {
	alg := t.alg()
	if !strings.HasPrefix(alg, "HS") {
		return "", false
	}
	for _, w := range words {
		if hmac.Equal(hmacOf(alg, []byte(w))(t.first+"."+t.second), t.signature) {
			return w, true
		}
	}
	return "", false
}
