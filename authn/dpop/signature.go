// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
)

// algorithm is a JWS algorithm that a proof may have: asymmetric ones only (RFC
// 9449, 11.6).
type algorithm uint8

const (
	unknownAlgorithm algorithm = iota
	es256
	edDSA
	ed25519Name // the same under the name that says which curve (RFC 9864)
	ps256
	rs256
)

// algorithmNames has them in the order in which a challenge lists them.
var algorithmNames = [...]string{"", "ES256", "EdDSA", "Ed25519", "PS256", "RS256"}

func algorithmOf(name string) algorithm {
	for i := 1; i < len(algorithmNames); i++ {
		if algorithmNames[i] == name {
			return algorithm(i)
		}
	}
	return unknownAlgorithm
}

// fits tells whether the key is of the algorithm's kind, and for no other
// algorithm.
func (k *jwk) fits(a algorithm) bool {
	if k.alg != nil && string(k.alg) != algorithmNames[a] {
		return false
	}
	switch a {
	case es256:
		return k.kind == keyP256
	case edDSA, ed25519Name:
		return k.kind == keyEd25519
	case ps256, rs256:
		return k.kind == keyRSA
	}
	return false
}

// signed tells whether the proof has its key's signature (RFC 7518, 3; RFC 8037).
func (p *proof) signed() bool {
	switch p.alg {
	case es256:
		return p.signedES256()
	case edDSA, ed25519Name:
		var x [ed25519.PublicKeySize]byte
		return decodeInto(x[:], p.key.x) && ed25519.Verify(x[:], view(p.input), p.sig)
	case ps256, rs256:
		key, ok := p.key.rsa()
		if !ok {
			return false
		}
		sum := sha256.Sum256(view(p.input))
		if p.alg == rs256 {
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], p.sig) == nil
		}
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], p.sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return false
}

func (p *proof) signedES256() bool {
	const half = 32
	if len(p.sig) != 2*half {
		return false
	}
	var point [1 + 2*half]byte
	point[0] = 4 // uncompressed
	if !decodeInto(point[1:1+half], p.key.x) || !decodeInto(point[1+half:], p.key.y) {
		return false
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:]) // refuses what is not on the curve
	if err != nil {
		return false
	}
	sum := sha256.Sum256(view(p.input))
	var buf [2 + 2*(3+half)]byte
	der := append(buf[:0], 0x30, 0)
	der = appendInteger(der, p.sig[:half])
	der = appendInteger(der, p.sig[half:])
	der[1] = byte(len(der) - 2)
	return ecdsa.VerifyASN1(key, sum[:], der) // refuses zero and what exceeds the order
}

// appendInteger appends a DER INTEGER of a positive number.
func appendInteger(der, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	pad := n[0] >> 7
	der = append(der, 2, byte(len(n))+pad)
	if pad == 1 {
		der = append(der, 0)
	}
	return append(der, n...)
}
