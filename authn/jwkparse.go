// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// parseKey reads one key (RFC 7517, section 4), if it is public and for checking
// signatures.
func parseKey(raw json.RawMessage) (*verifyKey, error) {
	var meta struct {
		Use    *string   `json:"use"`
		KeyOps *[]string `json:"key_ops"`
		D      any       `json:"d"`
		K      any       `json:"k"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return nil, errors.New("not a JWK")
	}
	switch {
	case meta.K != nil:
		return nil, errors.New("is symmetric")
	case meta.D != nil:
		return nil, errors.New("is a private key, which its issuer must replace")
	case meta.Use != nil && *meta.Use != "sig":
		return nil, errors.New("is not for signatures")
	case meta.KeyOps != nil && !slices.Contains(*meta.KeyOps, "verify"):
		return nil, errors.New("is not for checking signatures")
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil {
		return nil, errors.New("cannot be read, or is not of a known type")
	}
	k := &verifyKey{kid: jwk.KeyID, alg: jwk.Algorithm, public: jwk.Key}
	if err := checkKey(k); err != nil {
		return nil, err
	}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, errors.New("has no thumbprint")
	}
	k.print = sha256.Sum256(fmt.Appendf(thumb, "%q %q", k.kid, k.alg))
	return k, nil
}

// checkKey refuses keys that are too weak, or of no use.
func checkKey(k *verifyKey) error {
	if len(k.kid) > maxKid {
		return errors.New("has a kid that is too long")
	}
	if p, ok := k.public.(*rsa.PublicKey); ok {
		switch {
		case p.N.BitLen() < minRSA:
			return fmt.Errorf("is an RSA key of less than %d bits", minRSA)
		case p.E < minExponent:
			return fmt.Errorf("is an RSA key with an exponent below %d", minExponent)
		case weakROCA(p.N):
			return errors.New("is an RSA key of a generator that leaks it (CVE-2017-15361)")
		}
	}
	if !slices.ContainsFunc(knownAlgorithms, k.fits) {
		return errors.New("fits no known algorithm")
	}
	return nil
}

// rocaPrimes are those for which the powers of 65537 do not reach every
// residue, so that a modulus of the flawed generator stands out.
var rocaPrimes = []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

// weakROCA tells whether n has the fingerprint of CVE-2017-15361: modulo every
// small prime it is a power of 65537. By chance about one in 2^27 has it.
func weakROCA(n *big.Int) bool {
	var rest big.Int
	for _, p := range rocaPrimes {
		want := rest.Mod(n, big.NewInt(p)).Int64()
		found := false
		for power, i := int64(1), int64(0); i < p && !found; i++ {
			found = power == want
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}
