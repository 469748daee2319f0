// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"durward"
)

var (
	errChain = errors.New("capability: the chain does not fit: it was changed, or made with another key")
	errOrder = errors.New("uses: a not-after must stand before it, so that the count can be forgotten some day")
)

// Root is what the minter says of a token, before any caveat.
type Root struct {
	Consumer string    // durward.Consumer.ID of who it is for
	Subject  string    // for whom that consumer acts; "" is the consumer itself
	Issued   time.Time // to the second
}

// Token is a capability token. It is immutable. Printing it shows its id, not
// the credential, which is what Text gives.
type Token struct {
	Root
	KeyID   string // which key it was minted with
	ID      string // 32 hexadecimal digits, the same for all that are made from it
	Caveats []Caveat
	raw     string
}

// Mint makes a token with a random id.
func Mint(key Key, root Root, caveats ...Caveat) (Token, error) {
	var id [idSize]byte
	rand.Read(id[:]) // never fails
	return mint(key, root, id, caveats)
}

func mint(key Key, root Root, id [idSize]byte, caveats []Caveat) (Token, error) {
	if err := key.check(); err != nil {
		return Token{}, err
	}
	issued := root.Issued.Unix()
	switch {
	case !validConsumer([]byte(root.Consumer)):
		return Token{}, durward.Invalid("consumer", "must be the id of a consumer: letters a-z, digits, _ and -")
	case !validSubject([]byte(root.Subject)):
		return Token{}, durward.Invalid("subject", "must have at most 255 bytes of UTF-8 and no control characters")
	case issued < 0 || issued > maxTime:
		return Token{}, durward.Invalid("issued", "must be a time from 1970 to 9999")
	}
	b := []byte{version, byte(len(key.ID))}
	b = append(b, key.ID...)
	b = append(b, id[:]...)
	b = append(append(b, byte(len(root.Consumer))), root.Consumer...)
	b = append(append(b, byte(len(root.Subject))), root.Subject...)
	b = binary.BigEndian.AppendUint64(b, uint64(issued))
	m := newMAC()
	m.tag = rootKey([]byte(key.Secret))
	m.step(b)
	t, err := read(append(b, m.tag[:]...))
	if err != nil {
		return Token{}, err
	}
	return t.Attenuate(caveats...)
}

// Parse reads the text of a token. It needs no key, and says nothing about
// whether the token is good. Caveats of unknown types are kept.
func Parse(text string) (Token, error) {
	raw, err := decode(nil, []byte(text))
	if err != nil {
		return Token{}, err
	}
	return read(raw)
}

func read(raw []byte) (Token, error) {
	v, err := split(raw)
	if err != nil {
		return Token{}, err
	}
	t := Token{
		Root:  Root{Consumer: string(v.consumer), Subject: string(v.subject), Issued: time.Unix(v.issued, 0).UTC()},
		KeyID: string(v.keyID), ID: hex.EncodeToString(v.id), raw: string(raw),
	}
	for rest := v.caveats; len(rest) > 0; {
		var kind Type
		var body []byte
		kind, _, body, rest, _ = nextCaveat(rest)
		if err := checkBody(kind, body); kind.known() && err != nil {
			return Token{}, errCaveats
		}
		t.Caveats = append(t.Caveats, Caveat{kind: kind, body: string(body)})
	}
	return t, nil
}

// Attenuate makes a token that also has these caveats, in this order. It needs
// no key: anybody who holds a token can narrow it.
func (t Token) Attenuate(caveats ...Caveat) (Token, error) {
	if len(t.raw) < tagSize {
		return Token{}, errForm
	}
	if len(t.Caveats)+len(caveats) > MaxCaveats {
		return Token{}, errors.New("the token would have more than 32 caveats")
	}
	all := slices.Concat(t.Caveats, caveats)
	if err := checkOrder(all, len(t.Caveats)); err != nil {
		return Token{}, err
	}
	m := newMAC()
	b := []byte(t.raw[:len(t.raw)-tagSize])
	copy(m.tag[:], t.raw[len(b):])
	for _, c := range caveats {
		from := len(b)
		b = c.append(b)
		m.step(b[from:])
	}
	if b = append(b, m.tag[:]...); len(b) > maxRaw {
		return Token{}, errTooLong
	}
	t.raw, t.Caveats = string(b), all
	return t, nil
}

// checkOrder checks the caveats from the given one on.
func checkOrder(all []Caveat, from int) error {
	ends, fields, counts := false, 0, 0
	for i, c := range all {
		if i >= from {
			if err := c.Check(); err != nil {
				return err
			}
		}
		switch {
		case c.kind == TypeNotAfter:
			ends = true
		case c.kind == TypeUses:
			if counts++; i < from {
				continue
			}
			if !ends {
				return errOrder
			}
			if counts > maxCounts {
				return errCounts
			}
		case c.kind == TypeBody:
			if fields++; fields > maxFields && i >= from {
				return errFields
			}
		}
	}
	return nil
}

// Verify tells whether the token was minted with the secret and then only
// narrowed, by caveats whose meaning is known. Whether they hold is for a
// [Method] to say. It compares in constant time.
func (t Token) Verify(secret []byte) error {
	v, err := split([]byte(t.raw))
	if err != nil {
		return err
	}
	m := newMAC()
	m.tag = rootKey(secret)
	m.step(v.header)
	for rest := v.caveats; len(rest) > 0; {
		var whole []byte
		_, whole, _, rest, _ = nextCaveat(rest)
		m.step(whole)
	}
	if !hmac.Equal(m.tag[:], v.tag) {
		return errChain
	}
	for _, c := range t.Caveats {
		if !c.kind.known() {
			return errUnknownCaveat
		}
	}
	return nil
}

// Text is the credential: whoever has it can use it.
func (t Token) Text() string { return prefix + base64url.EncodeToString([]byte(t.raw)) }

// String names the token without showing the credential.
func (t Token) String() string { return "capability " + t.ID }

// GoString is String.
func (t Token) GoString() string { return t.String() }
