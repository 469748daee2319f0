// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"time"
)

// Reasons why a key file is refused. None quotes any of it.
var (
	errPEM     = errors.New("is not one PEM block PRIVATE KEY (PKCS #8)")
	errKeyType = errors.New("holds a key that is neither Ed25519 nor ECDSA P-256")
	errKeyID   = errors.New("is corrupt: the key is not the one that its Key-Id names")
	errActive  = errors.New("is corrupt: Active is not a time")
)

// PEM headers of the files that the gateway writes.
const (
	headerActive = "Active"
	headerID     = "Key-Id"
	blockType    = "PRIVATE KEY"
)

var b64 = base64.RawURLEncoding

// key is a signing key. It is immutable.
type key struct {
	id     string // RFC 7638 thumbprint
	alg    string
	active time.Time // from when on it signs; zero for fixed keys
	seq    int       // its number in the directory
	signer crypto.Signer
	jwk    string // the public key, as a JWK
}

// newKey makes a key for alg that signs from active on.
func newKey(alg string, active time.Time) (*key, error) {
	var signer crypto.Signer
	var err error
	switch alg {
	case "ES256":
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return nil, err
	}
	return keyOf(signer, active)
}

// keyOf gives the key its id and its public form.
func keyOf(signer any, active time.Time) (*key, error) {
	var alg, required string
	switch s := signer.(type) {
	case ed25519.PrivateKey:
		alg = "EdDSA"
		required = `{"crv":"Ed25519","kty":"OKP","x":"` + b64.EncodeToString(s.Public().(ed25519.PublicKey)) + `"}`
	case *ecdsa.PrivateKey:
		if s.Curve != elliptic.P256() {
			return nil, errKeyType
		}
		point, err := s.PublicKey.Bytes() // 4, x, y
		if err != nil || len(point) != 65 {
			return nil, errKeyType
		}
		alg = "ES256"
		required = `{"crv":"P-256","kty":"EC","x":"` + b64.EncodeToString(point[1:33]) + `","y":"` + b64.EncodeToString(point[33:]) + `"}`
	default:
		return nil, errKeyType
	}
	// RFC 7638, section 3: the hash of the required members in this order.
	sum := sha256.Sum256([]byte(required))
	k := &key{id: b64.EncodeToString(sum[:]), alg: alg, active: active, signer: signer.(crypto.Signer)}
	k.jwk = required[:len(required)-1] + `,"use":"sig","alg":"` + alg + `","kid":"` + k.id + `"}`
	return k, nil
}

// encode gives the file of a key: PKCS #8 in PEM, with the time from which on
// it signs, and its id, which tells a damaged file from a good one.
func (k *key) encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der, Headers: map[string]string{
		headerActive: k.active.UTC().Format(time.RFC3339), headerID: k.id,
	}}), nil
}

// parseKey reads a key file. One of the gateway's own (own) must have the
// headers that encode writes.
func parseKey(data []byte, own bool) (*key, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != blockType || len(trimSpace(rest)) > 0 {
		return nil, errPEM
	}
	signer, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errPEM
	}
	var active time.Time
	if own {
		if active, err = time.Parse(time.RFC3339, block.Headers[headerActive]); err != nil {
			return nil, errActive
		}
	}
	k, err := keyOf(signer, active)
	if err != nil {
		return nil, err
	}
	if id, has := block.Headers[headerID]; (own || has) && id != k.id {
		return nil, errKeyID
	}
	return k, nil
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// sign appends the signature of input in the form of JWS (RFC 7515): that of
// RFC 8032, or the two numbers of ECDSA in 32 bytes each (RFC 7518, 3.4).
func (k *key) sign(dst, input []byte) ([]byte, error) {
	switch s := k.signer.(type) {
	case ed25519.PrivateKey:
		return append(dst, ed25519.Sign(s, input)...), nil
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(input)
		r, t, err := ecdsa.Sign(rand.Reader, s, sum[:])
		if err != nil {
			return nil, err
		}
		var sig [64]byte
		r.FillBytes(sig[:32])
		t.FillBytes(sig[32:])
		return append(dst, sig[:]...), nil
	}
	return nil, errKeyType
}
