// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package foreign decides which texts may be API keys that were made by another
// gateway, and under which id they are stored. Package authn asks it for every
// such key that a request carries, package keyring when keys are imported.
//
// A foreign key has no public part: all of it is the secret. Its id is derived
// one-way from the HMAC-SHA-256 (RFC 2104) of its text under the store's
// pepper. So a look-up needs no plaintext in the store, is not compared byte by
// byte with what a caller guesses, and the id can stand in records and lists.
//
// The threats are guessed keys (short, repeating and simple texts are refused
// at import) and a copied store, of which nobody can compute a key or its id
// without the pepper. It keeps no state and cannot fail.
package foreign

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"math"
	"strings"
)

// Bounds of a foreign key's text, in bytes.
const (
	MinText = 20
	MaxText = 256
)

// IDPrefix begins the id of every foreign key. No key that is made here has an
// id with a hyphen.
const IDPrefix = "ext-"

// Why a text cannot be a foreign key.
var (
	ErrForm = errors.New("a foreign key has 20 to 256 visible ASCII characters, and does not begin with dw_")
	ErrWeak = errors.New("the key could be guessed: it needs at least 20 characters that follow no pattern")
)

// Form tells whether a text has the form of a foreign key. It is cheap and
// allocates nothing, for requests; whether there is such a key, it cannot say.
func Form(text string) bool {
	if len(text) < MinText || len(text) > MaxText || strings.HasPrefix(text, "dw_") {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Limits of what is taken for random. 20 random hexadecimal digits, the least
// that has a chance, have 80 bits, of which a sample of 20 shows about 65.
const (
	leastDistinct = 8
	leastBits     = 56
)

// Check is nil for a text that may be imported as a key. It is a sieve against
// placeholders and words, no proof that a key was drawn at random.
func Check(text string) error {
	if !Form(text) {
		return ErrForm
	}
	var counts [128]int
	distinct := 0
	for i := range len(text) {
		if counts[text[i]]++; counts[text[i]] == 1 {
			distinct++
		}
	}
	bits := 0.0 // the text's length times the entropy of its characters
	for _, n := range counts {
		if n > 0 {
			bits -= float64(n) * math.Log2(float64(n)/float64(len(text)))
		}
	}
	if distinct < leastDistinct || bits < leastBits || repeats(text) || runs(text) {
		return ErrWeak
	}
	return nil
}

// repeats tells whether a text is a shorter one again and again.
func repeats(text string) bool {
	for n := 1; n <= len(text)/2; n++ {
		if strings.HasPrefix(text[n:], text[:len(text)-n]) {
			return true
		}
	}
	return false
}

// runs tells whether more than half of the characters are the neighbour, up or
// down, of the one before or the same: "abcdefgh", "0123456789", "aaaa".
func runs(text string) bool {
	n := 0
	for i := 1; i < len(text); i++ {
		if d := int(text[i]) - int(text[i-1]); d >= -1 && d <= 1 {
			n++
		}
	}
	return 2*n > len(text)
}

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// idBytes of a hash make an id: 120 bits, so that no two keys share one.
const idBytes = 15

// ID is the id of the key whose text has the hash: what authn.HashKey gives,
// and what durward.Key.Hash holds.
func ID(hash [32]byte) string {
	const label = "durward foreign key id\x00"
	var in [len(label) + 32]byte
	copy(in[:], label)
	copy(in[len(label):], hash[:])
	sum := sha256.Sum256(in[:])
	var id [len(IDPrefix) + idBytes/5*8]byte
	copy(id[:], IDPrefix)
	lower.Encode(id[len(IDPrefix):], sum[:idBytes])
	return string(id[:])
}
