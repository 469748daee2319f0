// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const maxKeyFile = 64 << 10

// readFile reads a small file. Its errors do not hold what is in it.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = errors.New("is larger than 64 KiB")
	}
	return text, err
}

// secretOf gives the bytes of a secret: those of its text, or what stands
// behind "base64:".
func secretOf(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, "base64:")
	if !ok {
		return []byte(text), nil
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("is not base64 behind its prefix")
	}
	return secret, nil
}

// parsePublic reads a public key: PEM (PKIX or PKCS #1) or a JWK.
func parsePublic(text []byte) (crypto.PublicKey, error) {
	if isJSON(text) {
		key, err := parseJWK(text)
		if err != nil {
			return nil, err
		}
		if !key.IsPublic() {
			return nil, errors.New("is not a public key; keep the other part with the signer")
		}
		return key.Key, nil
	}
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	var key crypto.PublicKey
	switch block.Type {
	case "PUBLIC KEY":
		if key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			key, err = parsePSSPublic(block.Bytes)
		}
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("is not a public key; keep the other part with the signer")
	}
	if err != nil {
		return nil, errors.New("cannot be read as a public key")
	}
	return key, nil
}

// parsePrivate reads a signing key: PEM (PKCS #8, SEC 1 or PKCS #1), a JWK, or
// the text of a secret, which comes as []byte.
func parsePrivate(text []byte) (any, error) {
	if isJSON(text) {
		key, err := parseJWK(text)
		if err != nil {
			return nil, err
		}
		if key.IsPublic() {
			return nil, errors.New("is a public key, which cannot sign")
		}
		return key.Key, nil
	}
	if !bytes.Contains(text, []byte("-----BEGIN ")) {
		return secretOf(strings.TrimRight(string(text), "\r\n"))
	}
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			key, err = parsePSSPrivate(block.Bytes)
		}
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("is not a private key without passphrase")
	}
	if err != nil {
		return nil, errors.New("cannot be read as a private key")
	}
	return key, nil
}

func isJSON(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) }

func parseJWK(text []byte) (*jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	err := key.UnmarshalJSON(text)
	if _, secret := key.Key.([]byte); err != nil || !secret && !key.Valid() { // Valid knows no secrets
		return nil, errors.New("is not a JWK of a known type")
	}
	if key.Use != "" && key.Use != "sig" {
		return nil, errors.New("is a JWK that is not for signatures")
	}
	return &key, nil
}

// onePEM gives the only block of a PEM file: of two keys, which one is meant
// cannot be known. EC PARAMETERS, which openssl puts first, are passed over.
func onePEM(text []byte) (*pem.Block, error) {
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("is neither PEM nor a JWK")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("has more than one key")
	}
	return block, nil
}

// oidPSS is id-RSASSA-PSS (RFC 4055), which crypto/x509 does not read in keys.
var oidPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}

func parsePSSPublic(der []byte) (crypto.PublicKey, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !info.Algorithm.Algorithm.Equal(oidPSS) {
		return nil, errors.New("not an RSASSA-PSS key")
	}
	return x509.ParsePKCS1PublicKey(info.Key.RightAlign())
}

func parsePSSPrivate(der []byte) (any, error) {
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !info.Algorithm.Algorithm.Equal(oidPSS) {
		return nil, errors.New("not an RSASSA-PSS key")
	}
	return x509.ParsePKCS1PrivateKey(info.Key)
}

func marshalPublic(key crypto.PublicKey) ([]byte, error) { return x509.MarshalPKIXPublicKey(key) }
