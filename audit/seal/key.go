// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"sync/atomic"
)

// Kinds of what keys and tags are for. They keep a subject that looks like an
// address apart from that address.
const (
	KindSubject    = "subject"
	KindAddress    = "client"
	KindCredential = "credential"
)

const (
	tagSize  = 16
	saltSize = 16
	// A sealed text is the salt, the counter, and the ciphertext with its tag.
	headSize = saltSize + 8
	sealInfo = "durward audit seal 1"
)

// encoding is how tags and ciphertexts stand in a record.
var encoding = base64.RawURLEncoding

// dataKey is the key of one subject or address as the keys file has it.
type dataKey struct {
	hash string // which row
	// owner is the row of the subject whose credential it is, and with which it
	// is erased; "" for a subject or address.
	owner string
	tag   string // what records name it by
	key   []byte
	used  int64 // day
}

// newDataKey makes the key of a value.
func newDataKey(hash []byte, kind, value string, day int64) *dataKey {
	d := &dataKey{hash: string(hash), key: make([]byte, keySize), used: day}
	rand.Read(d.key)
	d.tag = string(keyed(d.key, kind, value)[:tagSize])
	return d
}

// keyed is HMAC-SHA-256 of a value of a kind.
func keyed(key []byte, kind, value string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(kind))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

// under derives the AES-256-GCM key of one salt.
func (d *dataKey) under(salt []byte) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(sealInfo))
	mac.Write(salt)
	return newAEAD(mac.Sum(nil))
}

// entry is a data key in use: it seals until it leaves the memory. See the
// package comment for why its nonces never repeat.
type entry struct {
	*dataKey
	text string // the tag, as it stands in records
	salt [saltSize]byte
	aead cipher.AEAD
	next atomic.Uint64
	day  atomic.Int64 // on which the keys file knows it to be taken
}

func newEntry(d *dataKey) (*entry, error) {
	e := &entry{dataKey: d, text: encoding.EncodeToString([]byte(d.tag))}
	e.day.Store(d.used)
	rand.Read(e.salt[:])
	var err error
	e.aead, err = d.under(e.salt[:])
	return e, err
}

// seal appends the sealed text of plain to out.
func (e *entry) seal(out, plain, bound []byte) []byte {
	var nonce [12]byte
	binary.BigEndian.PutUint64(nonce[4:], e.next.Add(1))
	out = append(out, e.salt[:]...)
	out = append(out, nonce[4:]...)
	return e.aead.Seal(out, nonce[:], plain, bound)
}

// network is what an address is counted by: an IPv6 client has its /64.
func network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.Addr()
	}
	return a
}
