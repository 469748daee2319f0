// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
)

// keyType is the kty and crv of a JWK.
type keyType uint8

const (
	noKey keyType = iota
	keyP256
	keyEd25519
	keyRSA
)

// Bounds of an RSA key. The upper one keeps a check from costing more than its
// client pays.
const (
	minModulus  = 2048 / 8
	maxModulus  = 4096 / 8
	minExponent = 65537
)

// jwk is a public key as its client wrote it (RFC 7517, RFC 7518 section 6, RFC
// 8037). The texts are in canonical form, so that a key has one thumbprint.
type jwk struct {
	kind       keyType
	alg        []byte // the only algorithm that it is for; nil when it does not say
	x, y, n, e []byte // as they stand, in base64url
}

// jwkMembers are the members of a JWK that are looked at.
type jwkMembers struct{ kty, crv, x, y, n, e, use, alg, ops []byte }

// parse reads a public key. A private key is refused whatever else it is: whoever
// sends it has lost it.
func (k *jwk) parse(value []byte) error {
	o, ok := openObject(value)
	if !ok {
		return errKey
	}
	var m jwkMembers
	for o.next() {
		switch string(o.name) {
		case "kty":
			ok = onceText(&m.kty, o.value)
		case "crv":
			ok = onceText(&m.crv, o.value)
		case "x":
			ok = onceText(&m.x, o.value)
		case "y":
			ok = onceText(&m.y, o.value)
		case "n":
			ok = onceText(&m.n, o.value)
		case "e":
			ok = onceText(&m.e, o.value)
		case "use":
			ok = onceText(&m.use, o.value)
		case "alg":
			ok = onceText(&m.alg, o.value)
		case "key_ops":
			ok = once(&m.ops, o.value)
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
			return errPrivate
		}
		if !ok {
			return errKey
		}
	}
	if o.bad || m.use != nil && string(m.use) != "sig" || m.ops != nil && !verifies(m.ops) {
		return errKey
	}
	k.alg, k.x, k.y, k.n, k.e = m.alg, m.x, m.y, m.n, m.e
	return k.check(string(m.kty), string(m.crv))
}

// check finds the kind of the key, and whether its numbers can be one.
func (k *jwk) check(kty, crv string) error {
	switch {
	case kty == "EC" && crv == "P-256" && k.n == nil && k.e == nil:
		k.kind = keyP256
		if len(k.x) != sha256Text || len(k.y) != sha256Text || !canonical(k.x) || !canonical(k.y) {
			return errKey
		}
	case kty == "OKP" && crv == "Ed25519" && k.y == nil && k.n == nil && k.e == nil:
		k.kind = keyEd25519
		if len(k.x) != sha256Text || !canonical(k.x) {
			return errKey
		}
	case kty == "RSA" && crv == "" && k.x == nil && k.y == nil:
		k.kind = keyRSA
		if _, ok := k.rsa(); !ok {
			return errKey
		}
	default:
		return errKey
	}
	return nil
}

// verifies tells whether key_ops, an array, has "verify" (RFC 7517, 4.3).
func verifies(ops []byte) bool {
	if ops[0] != '[' {
		return false
	}
	o := object{data: ops, i: 1}
	for o.skip() != ']' {
		if o.data[o.i] == ',' {
			o.i++
			o.skip()
		}
		from := o.i
		o.any()
		if string(o.data[from:o.i]) == `"verify"` {
			return true
		}
	}
	return false
}

// canonical tells whether s, which stands for 32 bytes, is their only spelling.
func canonical(s []byte) bool {
	var b [32]byte
	return decodeInto(b[:], s)
}

// decodeInto fills b, and is false when s is not canonical base64url of just as
// many bytes.
func decodeInto(b, s []byte) bool {
	for _, c := range s {
		if !isBase64url[c] {
			return false
		}
	}
	if base64url.DecodedLen(len(s)) != len(b) {
		return false
	}
	n, err := base64url.Decode(b, s)
	return err == nil && n == len(b)
}

// rsa gives the key, if its modulus has 2048 to 4096 bits and is odd, and its
// exponent is odd and at least 65537. Both must be without leading zeros (RFC
// 7518, 2: Base64urlUInt).
func (k *jwk) rsa() (*rsa.PublicKey, bool) {
	var n [maxModulus]byte
	var e [4]byte
	size, short := base64url.DecodedLen(len(k.n)), base64url.DecodedLen(len(k.e))
	if size < minModulus || size > maxModulus || short < 1 || short > len(e) ||
		!decodeInto(n[:size], k.n) || !decodeInto(e[:short], k.e) ||
		n[0] == 0 || size == minModulus && n[0] < 0x80 || n[size-1]&1 == 0 || e[0] == 0 {
		return nil, false
	}
	exponent := 0
	for _, c := range e[:short] {
		exponent = exponent<<8 | int(c)
	}
	if exponent < minExponent || exponent > 1<<31-1 || exponent&1 == 0 {
		return nil, false
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n[:size]), E: exponent}, true
}

// thumbprint is RFC 7638: the hash of the members that make the key, by name,
// without white space. b is room to work in.
func (k *jwk) thumbprint(b []byte) [sha256.Size]byte {
	member := func(before string, value []byte) {
		b = append(append(b, before...), value...)
	}
	switch k.kind {
	case keyP256:
		member(`{"crv":"P-256","kty":"EC","x":"`, k.x)
		member(`","y":"`, k.y)
	case keyEd25519:
		member(`{"crv":"Ed25519","kty":"OKP","x":"`, k.x)
	case keyRSA:
		member(`{"e":"`, k.e)
		member(`","kty":"RSA","n":"`, k.n)
	}
	b = append(b, `"}`...)
	return sha256.Sum256(b)
}

// Thumbprint is the RFC 7638 thumbprint of a public JWK, SHA-256 in base64url: what
// the cnf.jkt of a token holds. It takes the keys that a proof may have, and the
// error says what is wrong with another without quoting it.
func Thumbprint(key []byte) (string, error) {
	if _, ok := openDocument(key); !ok {
		return "", errors.New("dpop: not a JWK")
	}
	var k jwk
	if err := k.parse(key); err != nil {
		return "", err
	}
	sum := k.thumbprint(nil)
	return base64url.EncodeToString(sum[:]), nil
}
