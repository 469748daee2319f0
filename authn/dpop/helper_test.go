// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/authn/uses"
)

const (
	testToken = "an.access.token"
	testURL   = "https://api.example.com/spaces/7"
)

var testNow = time.Unix(1_800_000_000, 0)

func fixed() time.Time { return testNow }

// signer is a client's key.
type signer struct {
	alg string
	key crypto.Signer
}

var (
	ecSigner  = sync.OnceValue(func() signer { return signer{"ES256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))} })
	rsaSigner = sync.OnceValue(func() signer { return signer{"RS256", must(rsa.GenerateKey(rand.Reader, 2048))} })
	edSigner  = sync.OnceValue(func() signer {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return signer{"EdDSA", must(key, err)}
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64url.EncodeToString(b) }

// jwk gives the members of the public key.
func (s signer) jwk() map[string]any {
	switch p := s.key.Public().(type) {
	case *ecdsa.PublicKey:
		point := must(p.Bytes())
		return map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(p)}
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": b64(p.N.Bytes()), "e": b64(big.NewInt(int64(p.E)).Bytes())}
	}
	panic("no such key")
}

func (s signer) jkt() string { return must(Thumbprint(must(json.Marshal(s.jwk())))) }

func (s signer) sign(input string) []byte {
	sum := sha256.Sum256([]byte(input))
	switch key := s.key.(type) {
	case *ecdsa.PrivateKey:
		r, t, err := ecdsa.Sign(rand.Reader, key, sum[:])
		must(r, err)
		return append(r.FillBytes(make([]byte, 32)), t.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	case *rsa.PrivateKey:
		if s.alg == "PS256" {
			return must(rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
		}
		return must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]))
	}
	panic("no such key")
}

// members change an object; a nil value removes its member.
type members map[string]any

func (m members) apply(to map[string]any) map[string]any {
	maps.Copy(to, m)
	maps.DeleteFunc(to, func(_ string, v any) bool { return v == nil })
	return to
}

// proof makes one for testURL and testToken at testNow, with changes.
func (s signer) proof(header, key, claims members) string {
	h := header.apply(map[string]any{"typ": "dpop+jwt", "alg": s.alg, "jwk": key.apply(s.jwk())})
	sum := sha256.Sum256([]byte(testToken))
	c := claims.apply(map[string]any{
		"jti": "jti-" + rand.Text(), "htm": "GET", "htu": testURL, "iat": testNow.Unix(), "ath": b64(sum[:]),
	})
	return s.raw(string(must(json.Marshal(h))), string(must(json.Marshal(c))))
}

// raw signs the two texts as they are.
func (s signer) raw(header, claims string) string {
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	return input + "." + b64(s.sign(input))
}

// texts gives the texts of a good proof, for changes that no map can express.
func (s signer) texts() (header, claims string) {
	parts := strings.Split(s.proof(nil, nil, nil), ".")
	return string(must(base64url.DecodeString(parts[0]))), string(must(base64url.DecodeString(parts[1])))
}

// exchange is a GET of testURL with those proofs.
func exchange(proofs ...string) *durward.Exchange {
	x := &durward.Exchange{
		In:     durward.Request{Method: "GET", Scheme: "https", Host: "api.example.com", Path: "/spaces/7"},
		Client: durward.Client{Scheme: "https"},
	}
	x.In.Header.Add("Accept", "*/*")
	for _, p := range proofs {
		x.In.Header.Add("Dpop", p)
	}
	return x
}

func verifier(t testing.TB, cfg Config, now func() time.Time) *Verifier {
	t.Helper()
	v, err := New(cfg, uses.New(0, now), now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// usesFunc is a Uses made of a function.
type usesFunc func(space string, id [32]byte, limit int, until time.Time) (bool, error)

func (f usesFunc) Use(_ context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error) {
	return f(space, id, limit, until)
}

// noUse fails the test when a use is counted.
func noUse(t *testing.T) Uses {
	return usesFunc(func(string, [32]byte, int, time.Time) (bool, error) {
		t.Error("a bad proof was counted")
		return true, nil
	})
}

func pad(n int) string { return fmt.Sprintf("%0*d", n, 0) }
