// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// Limits of a token.
const (
	// MaxText is the longest text of a token, in bytes.
	MaxText = 4 << 10
	// MaxCaveats is how many caveats a token can have.
	MaxCaveats = 32

	prefix     = "dwc_"
	version    = 1
	idSize     = 16
	tagSize    = 32
	maxRaw     = (MaxText - len(prefix)) * 3 / 4
	maxKeyID   = 64
	maxSubject = 255
)

// Why a token could not be read or was refused. None holds any of the token.
var (
	errForm    = errors.New("capability: not the text of a token")
	errLength  = errors.New("capability: longer than 4 KiB, or empty")
	errVersion = errors.New("capability: of a version that is not known")
	errRoot    = errors.New("capability: key id, consumer, subject or time of issue is malformed")
	errCaveats = errors.New("capability: caveats are malformed, or more than 32")
	errTooLong = errors.New("the token would be longer than 4 KiB")
)

var base64url = base64.RawURLEncoding.Strict()

// view is a token taken apart, not yet verified. Its slices are of one buffer.
type view struct {
	header   []byte // what the first step signs
	keyID    []byte
	id       []byte
	consumer []byte
	subject  []byte
	issued   int64
	caveats  []byte
	count    int
	tag      []byte
}

// decode takes the one spelling of a token: prefix, unpadded base64url whose
// last bits are zero, nothing around it. Records and counters know a token by
// what it says, proofs of possession by its spelling: there must not be two.
func decode(dst, text []byte) ([]byte, error) {
	if len(text) == 0 || len(text) > MaxText {
		return nil, errLength
	}
	if len(text) < len(prefix) || string(text[:len(prefix)]) != prefix {
		return nil, errForm
	}
	text = text[len(prefix):]
	n := base64url.DecodedLen(len(text))
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	got, err := base64url.Decode(dst[:n], text)
	// The decoder skips line breaks.
	if err != nil || base64url.EncodedLen(got) != len(text) {
		return nil, errForm
	}
	return dst[:got], nil
}

// take cuts a string with one byte of length off b.
func take(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}

// split takes a token apart. The bodies of its caveats are not looked at.
func split(raw []byte) (v view, err error) {
	if len(raw) == 0 {
		return v, errForm
	}
	if raw[0] != version {
		return v, errVersion
	}
	b := raw[1:]
	var ok bool
	if v.keyID, b, ok = take(b); !ok || !validKeyID(v.keyID) || len(b) < idSize {
		return v, errRoot
	}
	v.id, b = b[:idSize], b[idSize:]
	if v.consumer, b, ok = take(b); !ok || !validConsumer(v.consumer) {
		return v, errRoot
	}
	if v.subject, b, ok = take(b); !ok || !validSubject(v.subject) || len(b) < 8 {
		return v, errRoot
	}
	issued := binary.BigEndian.Uint64(b)
	if issued > maxTime {
		return v, errRoot
	}
	v.issued, b = int64(issued), b[8:]
	v.header = raw[:len(raw)-len(b)]
	if len(b) < tagSize {
		return v, errForm
	}
	v.caveats, v.tag = b[:len(b)-tagSize], b[len(b)-tagSize:]
	for rest := v.caveats; len(rest) > 0; v.count++ {
		if _, _, _, rest, ok = nextCaveat(rest); !ok || v.count == MaxCaveats {
			return v, errCaveats
		}
	}
	return v, nil
}

// nextCaveat takes the first caveat off b: its type, the whole of it, its body.
func nextCaveat(b []byte) (t Type, whole, body, rest []byte, ok bool) {
	if len(b) < 3 {
		return 0, nil, nil, nil, false
	}
	n := 3 + int(binary.BigEndian.Uint16(b[1:]))
	if len(b) < n {
		return 0, nil, nil, nil, false
	}
	return Type(b[0]), b[:n], b[3:n], b[n:], true
}

func validKeyID(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && !contains("-._", c) {
			return false
		}
	}
	return len(b) > 0 && len(b) <= maxKeyID
}

// validConsumer is what durward.Consumer.ID says.
func validConsumer(b []byte) bool {
	for i, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || i > 0 && (c == '_' || c == '-')) {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 63
}

// validSubject also takes none.
func validSubject(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return len(b) <= maxSubject && utf8.Valid(b)
}
