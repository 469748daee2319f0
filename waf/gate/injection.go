// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strings"
	"sync"

	libinjection "github.com/corazawaf/libinjection-go"

	"durward/waf/transform"
)

// markup are the bytes of which a value must contain one for libinjection to
// call it a script.
//
// Its five readers of HTML end with a finding at a doctype, a tag's name, a
// comment, or the value of an attribute with a name from its list. The first
// three stand behind a "<". An attribute's value stands behind its "=", but for
// the one with which four of the readers begin, which has no name.
var markup = transform.Bytes("<=")

// sqlInjection is libinjection's verdict on a value. Values that are one token to
// its SQL reader are answered here: no fingerprint of one token is on its list,
// but for that of a comment of MySQL.
func sqlInjection(val string) bool {
	if oneToken(val) {
		return false
	}
	if len(val) > maxRaised {
		found, _ := libinjection.IsSQLi(val)
		return found
	}
	buffer := raised.Get().(*[maxRaised]byte)
	defer raised.Put(buffer)
	found, _ := libinjection.IsSQLi(raise(buffer, val))
	clear(buffer[:len(val)])
	return found
}

// maxRaised bounds the values that are written in capitals for libinjection: it
// looks at the first words of a value only, and makes each of them anew in
// capitals where it is not so already.
const maxRaised = 512

var raised = sync.Pool{New: func() any { return new([maxRaised]byte) }}

// raise writes a value in capitals, unless libinjection tells small letters from
// capitals in it: behind a backslash or a dollar sign, in quotes, and in the name
// sp_password.
func raise(buffer *[maxRaised]byte, val string) string {
	small := false
	for i := range len(val) {
		c := val[i]
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
			small = true
		case c == '\\' || c == '$' || c == '\'' || c == '_' && strings.HasPrefix(val[i:], "_password"):
			return val
		}
		buffer[i] = c
	}
	if !small {
		return val
	}
	return view(buffer[:len(val)])
}

// Bytes by what libinjection's reader of SQL makes of them.
const (
	wordStart = 1 << iota // begins a word, when no quote follows
	wordPart              // goes on with one
	digit
)

var sqlBytes = func() (t [256]uint8) {
	for c := range 256 {
		switch b := byte(c); {
		case '0' <= b && b <= '9':
			t[c] = digit | wordPart
		case b == '_' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z':
			t[c] = wordStart | wordPart
		}
	}
	return t
}()

// jsonPrefix begins the names of JSON members. The reader takes a word apart at
// a dot if what stands before it is a word of SQL: "json" is none, and none has
// a dot behind it.
const jsonPrefix = "json."

// oneToken tells whether a value is a single word or number to libinjection.
func oneToken(val string) bool {
	if val == "" {
		return true
	}
	rest, dotted := strings.CutPrefix(val, jsonPrefix)
	want := uint8(wordPart)
	switch first := sqlBytes[val[0]]; {
	case dotted:
	case first&wordStart != 0:
	case first&digit != 0 && len(val) < 16:
		want = digit
	default:
		return false
	}
	for i := range len(rest) {
		if sqlBytes[rest[i]]&want == 0 && (rest[i] != '.' || !dotted) {
			return false
		}
	}
	return true
}
