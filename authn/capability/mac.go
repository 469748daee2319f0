// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Labels keep these tags apart from any other use of the same secret or tag.
const (
	keyLabel  = "durward-capability-v1"
	usesLabel = "durward-capability-v1-uses"
)

// rootKey is the key of the first step: HMAC-SHA-256 of the label under the
// secret.
func rootKey(secret []byte) (key [32]byte) {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(keyLabel))
	m.Sum(key[:0])
	return key
}

// mac computes a chain of HMACs without allocating. crypto/hmac cannot change
// its key, so each step would make two hashes anew; a key of 32 bytes is one
// padded block (RFC 2104, section 2), which leaves nothing to go wrong, and a
// test holds this against crypto/hmac.
type mac struct {
	h     hash.Hash
	block [sha256.BlockSize]byte
	sum   [sha256.Size]byte
	tag   [sha256.Size]byte
}

func newMAC() mac { return mac{h: sha256.New()} }

// step makes the tag HMAC-SHA-256(tag, msg).
func (m *mac) step(msg []byte) {
	for i := range m.block {
		m.block[i] = 0x36
	}
	m.keyBlock()
	m.h.Reset()
	m.h.Write(m.block[:])
	m.h.Write(msg)
	m.h.Sum(m.sum[:0])
	for i := range m.block {
		m.block[i] = 0x5c
	}
	m.keyBlock()
	m.h.Reset()
	m.h.Write(m.block[:])
	m.h.Write(m.sum[:])
	m.h.Sum(m.tag[:0])
}

func (m *mac) keyBlock() {
	for i, c := range m.tag {
		m.block[i] ^= c
	}
}

// clear forgets what could serve as a key.
func (m *mac) clear() {
	clear(m.block[:])
	clear(m.sum[:])
	clear(m.tag[:])
	m.h.Reset()
}

// counter is a use count of a token. Its id is a hash of the tag behind the
// caveat, which only tokens that were made from there have in common; the tag
// itself would be a credential, and must not lie in a store.
type counter struct {
	id    [32]byte
	limit uint32
	until int64 // seconds; the NotAfter before it
}

func counterOf(tag *[32]byte, body []byte) counter {
	var text [len(usesLabel) + 32]byte
	copy(text[:], usesLabel)
	copy(text[len(usesLabel):], tag[:])
	c := counter{id: sha256.Sum256(text[:])}
	if len(body) == 4 {
		c.limit = binary.BigEndian.Uint32(body)
	}
	return c
}
