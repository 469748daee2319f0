// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"hash"
	"math/big"
	"sync"
)

// Algorithms (RFC 9421, section 3.3). rsa-v1_5-sha256 is not offered: its
// padding has a history, and who can make new signatures can make PSS.
const (
	HMACSHA256      = "hmac-sha256"
	Ed25519         = "ed25519"
	ECDSAP256SHA256 = "ecdsa-p256-sha256"
	RSAPSSSHA512    = "rsa-pss-sha512"
)

// Least strength of keys, and the most that a check may cost.
const (
	minSecret   = 32 // bytes
	minRSA      = 2048
	maxRSA      = 8192
	minExponent = 65537
)

func knownAlgorithm(alg string) bool {
	switch alg {
	case HMACSHA256, Ed25519, ECDSAP256SHA256, RSAPSSSHA512:
		return true
	}
	return false
}

// verifier checks signatures of one key. It is safe for concurrent use.
type verifier struct {
	alg    string
	public crypto.PublicKey // nil for HMAC
	macs   sync.Pool        // hash.Hash under the secret
	print  [32]byte         // identifies the key, whatever its id
}

func newSecretVerifier(secret []byte) (*verifier, error) {
	if len(secret) < minSecret {
		return nil, errors.New("is shorter than 32 bytes")
	}
	v := &verifier{alg: HMACSHA256, print: sha256.Sum256(append([]byte("hmac-sha256 key:"), secret...))}
	v.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return v, nil
}

// newPublicVerifier takes a key if it is strong enough and of the algorithm.
func newPublicVerifier(alg string, public crypto.PublicKey) (*verifier, error) {
	if natural, err := algorithmOf(public); err != nil {
		return nil, err
	} else if natural != alg {
		return nil, errors.New("is not a key of this algorithm")
	}
	der, err := marshalPublic(public)
	if err != nil {
		return nil, errors.New("cannot be used")
	}
	return &verifier{alg: alg, public: public, print: sha256.Sum256(der)}, nil
}

// algorithmOf is the one algorithm that a key is for.
func algorithmOf(public crypto.PublicKey) (string, error) {
	switch p := public.(type) {
	case ed25519.PublicKey:
		return Ed25519, nil
	case *ecdsa.PublicKey:
		if p.Curve == elliptic.P256() {
			return ECDSAP256SHA256, nil
		}
		return "", errors.New("is on another curve than P-256")
	case *rsa.PublicKey:
		switch {
		case p.N.BitLen() < minRSA:
			return "", errors.New("is an RSA key of less than 2048 bits")
		case p.N.BitLen() > maxRSA:
			return "", errors.New("is an RSA key of more than 8192 bits")
		case p.E < minExponent:
			return "", errors.New("is an RSA key with an exponent below 65537")
		}
		return RSAPSSSHA512, nil
	}
	return "", errors.New("is not an Ed25519, P-256 or RSA key")
}

// verify tells whether sig is the key's signature of base.
func (v *verifier) verify(base, sig []byte) bool {
	switch p := v.public.(type) {
	case nil:
		h := v.macs.Get().(hash.Hash)
		h.Reset()
		h.Write(base)
		var sum [sha256.Size]byte
		h.Sum(sum[:0])
		v.macs.Put(h)
		return subtle.ConstantTimeCompare(sum[:], sig) == 1
	case ed25519.PublicKey:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(p, base, sig)
	case *ecdsa.PublicKey:
		if len(sig) != 64 {
			return false
		}
		sum := sha256.Sum256(base)
		return ecdsa.Verify(p, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case *rsa.PublicKey:
		sum := sha512.Sum512(base)
		return rsa.VerifyPSS(p, crypto.SHA512, sum[:], sig, pssOptions) == nil
	}
	return false
}

// pssOptions: the salt is as long as the hash (section 3.3.1).
var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512}

// once is what of a signature value nobody but the signer can vary. From an
// ECDSA signature (r, s) everyone can make (r, -s), which is valid too.
func (v *verifier) once(sig []byte) []byte {
	if v.alg == ECDSAP256SHA256 {
		return sig[:32]
	}
	return sig
}

// sign signs base with a private key, or with a secret.
func sign(private any, base []byte) ([]byte, error) {
	switch p := private.(type) {
	case []byte:
		h := hmac.New(sha256.New, p)
		h.Write(base)
		return h.Sum(nil), nil
	case ed25519.PrivateKey:
		return ed25519.Sign(p, base), nil
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(base)
		r, s, err := ecdsa.Sign(rand.Reader, p, sum[:])
		if err != nil {
			return nil, err
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return sig, nil
	case *rsa.PrivateKey:
		sum := sha512.Sum512(base)
		return rsa.SignPSS(rand.Reader, p, crypto.SHA512, sum[:], pssOptions)
	}
	return nil, errors.New("not a signing key")
}
