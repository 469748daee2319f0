// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// rsaBits is the least that RFC 7518, 3.3 allows; keys here live for minutes.
const rsaBits = 2048

// generation is one set of keys, one for each algorithm, in the order of the
// Options. It never changes.
type generation struct {
	keys []jose.JSONWebKey // private
}

func newGeneration(algorithms []string) (*generation, error) {
	g := &generation{}
	for _, alg := range algorithms {
		if _, ok := g.find(alg); ok {
			return nil, fmt.Errorf("issuer: algorithm %q is named twice", alg)
		}
		private, err := newKey(alg)
		if err != nil {
			return nil, err
		}
		key := jose.JSONWebKey{Key: private, Algorithm: alg, Use: "sig"}
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("issuer: %w", err)
		}
		key.KeyID = base64.RawURLEncoding.EncodeToString(sum) // RFC 7638
		g.keys = append(g.keys, key)
	}
	return g, nil
}

func newKey(alg string) (crypto.Signer, error) {
	switch jose.SignatureAlgorithm(alg) {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jose.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("issuer: algorithm %q is not an asymmetric one of RFC 7518 or RFC 8037", alg)
}

// find gives the private key of an algorithm; of the first one when alg is "".
func (g *generation) find(alg string) (jose.JSONWebKey, bool) {
	for _, key := range g.keys {
		if alg == "" || key.Algorithm == alg {
			return key, true
		}
	}
	return jose.JSONWebKey{}, false
}

func (g *generation) public() []jose.JSONWebKey {
	keys := make([]jose.JSONWebKey, len(g.keys))
	for n, key := range g.keys {
		keys[n] = key.Public()
	}
	return keys
}
