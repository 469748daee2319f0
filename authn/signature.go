// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash.New
	_ "crypto/sha512"
	"math/big"
)

// signs tells whether t carries k's signature (RFC 7518, section 3; RFC 8037).
// k must fit t.alg. It calls the standard library itself, because go-jose takes
// RSA-PSS salts of any length, where RFC 7518, 3.5, demands the hash's.
func (k *verifyKey) signs(t *token) bool {
	if !k.fits(t.alg) {
		return false
	}
	if p, ok := k.public.(ed25519.PublicKey); ok {
		return ed25519.Verify(p, []byte(t.signed), t.sig)
	}
	hash := hashOf(t.alg)
	h := hash.New()
	h.Write([]byte(t.signed))
	sum := h.Sum(nil)
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		if t.alg[0] == 'P' {
			return rsa.VerifyPSS(p, hash, sum, t.sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(p, hash, sum, t.sig) == nil
	case *ecdsa.PublicKey:
		size := (p.Curve.Params().BitSize + 7) / 8
		if len(t.sig) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(t.sig[:size]), new(big.Int).SetBytes(t.sig[size:])
		return ecdsa.Verify(p, sum, r, s) // which refuses zero and what exceeds the order
	}
	return false
}

// hashOf is the hash of an algorithm whose name ends in its size.
func hashOf(alg string) crypto.Hash {
	switch alg[len(alg)-3:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	}
	return crypto.SHA256
}
