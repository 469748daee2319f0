// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// Limits of a key set.
const (
	maxKeySet   = 1 << 20 // bytes
	maxKeys     = 100
	maxKidless  = 4 // keys that a token without kid is tried with
	minRSA      = 2048
	minExponent = 65537
)

// verifyKey is one public key of a set. It stays the same object from one
// refresh to the next as long as the issuer publishes it.
type verifyKey struct {
	kid    string
	alg    string // the only algorithm that it is for; "" leaves it to its type
	public crypto.PublicKey
	print  [32]byte
	// removed tells the cache that the issuer no longer publishes the key.
	removed atomic.Bool
}

// fits tells whether the key may check a signature of that algorithm, so that
// no key is ever used in another scheme than its own (RFC 8725, 3.1).
func (k *verifyKey) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		return len(alg) == 5 && (alg[:2] == "RS" || alg[:2] == "PS")
	case *ecdsa.PublicKey:
		switch p.Curve {
		case elliptic.P256():
			return alg == "ES256"
		case elliptic.P384():
			return alg == "ES384"
		case elliptic.P521():
			return alg == "ES512"
		}
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// keySet is a set as the issuer published it once. It is immutable.
type keySet struct{ keys []*verifyKey }

func (s *keySet) has(kid string) bool {
	return slices.ContainsFunc(s.keys, func(k *verifyKey) bool { return k.kid == kid })
}

// verify gives the key that signed t, or nil. A token that names a key is
// tried with that one only.
func (s *keySet) verify(t *token) *verifyKey {
	tries := 0
	for _, k := range s.keys {
		if t.kid != "" && k.kid != t.kid || !k.fits(t.alg) {
			continue
		}
		if tries++; tries > maxKidless {
			break
		}
		if k.signs(t) {
			return k
		}
	}
	return nil
}

// parseKeySet reads a JWK set (RFC 7517, section 5). A key that cannot check
// signatures, or that must not be trusted, is left out and said why; the rest
// is used. Keys that previous has too stay the same objects.
func parseKeySet(data []byte, previous *keySet) (set *keySet, left []error, err error) {
	var doc struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &doc); err != nil || doc.Keys == nil {
		return nil, nil, errors.New("not a JWK set")
	}
	if len(*doc.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("JWK set of more than %d keys", maxKeys)
	}
	set = &keySet{}
	for i, raw := range *doc.Keys {
		k, err := parseKey(raw)
		if err != nil {
			left = append(left, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		set.keys = append(set.keys, k)
	}
	left = append(left, set.dropAmbiguous()...)
	if previous != nil {
		for i, k := range set.keys {
			if same := slices.IndexFunc(previous.keys, func(p *verifyKey) bool { return p.print == k.print }); same >= 0 {
				set.keys[i] = previous.keys[same]
			}
		}
	}
	return set, left, nil
}

// same tells whether both sets hold the same keys.
func (s *keySet) same(o *keySet) bool { return o != nil && slices.Equal(s.keys, o.keys) }

// dropAmbiguous removes every key whose kid another key of the same type has:
// which of them is meant cannot be known. The same key twice is kept once.
func (s *keySet) dropAmbiguous() (left []error) {
	var kept []*verifyKey
	for i, k := range s.keys {
		twin := func(o *verifyKey) bool {
			return o.print != k.print && o.kid == k.kid && k.kid != "" &&
				(o.alg == k.alg || o.alg == "" || k.alg == "") &&
				fmt.Sprintf("%T", o.public) == fmt.Sprintf("%T", k.public)
		}
		switch {
		case slices.ContainsFunc(s.keys[:i], func(o *verifyKey) bool { return o.print == k.print }):
		case slices.ContainsFunc(s.keys, twin):
			left = append(left, fmt.Errorf("key %d: shares its kid with another key", i))
		default:
			kept = append(kept, k)
		}
	}
	s.keys = kept
	return left
}

func (s *keySet) contains(k *verifyKey) bool { return slices.Contains(s.keys, k) }
