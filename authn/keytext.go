// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"strings"
)

// An API key reads dw_ENVIRONMENT_ID_SECRETCHECKSUM, so that people and secret
// scanners know one when they see it. The checksum catches a slip of the pen
// before anything is looked up; it protects nothing.
const (
	keyPrefix   = "dw_"
	keyIDLen    = 12
	secretLen   = 32 // 190 bits
	checksumLen = 6
	maxKeyText  = len(keyPrefix) + 8 + 1 + keyIDLen + 1 + secretLen + checksumLen
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var (
	errKeyForm     = errors.New("api key: not the text of a key")
	errEnvironment = errors.New("environment must be 2 to 8 letters a-z")
	errPepper      = errors.New("pepper must be at least 32 bytes")
)

// MintKey makes a new key. The text is shown to its holder once; a store keeps
// id and hash. The pepper is the store's and at least 32 bytes long.
func MintKey(pepper []byte, environment string) (text, id string, hash [32]byte, err error) {
	if !validEnvironment(environment) {
		return "", "", hash, errEnvironment
	}
	if len(pepper) < 32 {
		return "", "", hash, errPepper
	}
	id = randomBase62(keyIDLen)
	body := keyPrefix + environment + "_" + id + "_" + randomBase62(secretLen)
	sum := keyChecksum(body)
	text = body + string(sum[:])
	return text, id, HashKey(pepper, text), nil
}

// HashKey is what a store keeps of a key: HMAC-SHA-256 of its text under the
// pepper, so that a copied store does not let keys be tried out.
func HashKey(pepper []byte, text string) (hash [32]byte) {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(text))
	mac.Sum(hash[:0])
	return hash
}

// ParseKey checks a key's form and checksum, and gives its public parts. It
// says nothing about whether such a key exists.
func ParseKey(text string) (environment, id string, err error) {
	if len(text) > maxKeyText || !strings.HasPrefix(text, keyPrefix) {
		return "", "", errKeyForm
	}
	environment, rest, ok := strings.Cut(text[len(keyPrefix):], "_")
	if !ok || !validEnvironment(environment) || len(rest) != keyIDLen+1+secretLen+checksumLen || rest[keyIDLen] != '_' {
		return "", "", errKeyForm
	}
	id = rest[:keyIDLen]
	if !isBase62(id) || !isBase62(rest[keyIDLen+1:]) {
		return "", "", errKeyForm
	}
	sum := keyChecksum(text[:len(text)-checksumLen])
	if text[len(text)-checksumLen:] != string(sum[:]) {
		return "", "", errKeyForm
	}
	return environment, id, nil
}

func validEnvironment(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 8
}

func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return true
}

// keyChecksum is the CRC-32 (IEEE) of body in six digits to the base of 62.
func keyChecksum(body string) (sum [checksumLen]byte) {
	n := crc32.ChecksumIEEE(view(body))
	for i := checksumLen - 1; i >= 0; i-- {
		sum[i] = base62[n%62]
		n /= 62
	}
	return sum
}

// randomBase62 draws every digit with the same chance: bytes from 248 on, which
// would favour the first digits, are drawn again.
func randomBase62(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		rand.Read(buf[:])
		for _, b := range buf {
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}
