// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// object walks the members of one JSON object, without a map and without
// reflection. The standard library has decided before that the text is JSON; what
// follows relies on it. A member's name that has an escape makes it bad: two
// spellings of one name are the way to have two readers see different objects.
type object struct {
	data  []byte
	i     int
	name  []byte // between the quotes
	value []byte // as it stands
	bad   bool
}

// openDocument begins with a whole text, which must be one JSON object in UTF-8
// (RFC 8259, RFC 7493).
func openDocument(data []byte) (object, bool) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return object{}, false
	}
	return openObject(data)
}

// openObject begins with a value of valid JSON.
func openObject(value []byte) (object, bool) {
	o := object{data: value}
	if o.skip() != '{' {
		return object{}, false
	}
	o.i++
	return o, true
}

// next goes to the next member. It is false at the end, and when o is bad.
func (o *object) next() bool {
	if o.bad {
		return false
	}
	if o.skip() == ',' {
		o.i++
		o.skip()
	}
	if o.data[o.i] == '}' {
		return false
	}
	from := o.i
	o.string()
	o.name = o.data[from+1 : o.i-1]
	if bytes.IndexByte(o.name, '\\') >= 0 {
		o.bad = true
		return false
	}
	o.skip()
	o.i++ // :
	o.skip()
	from = o.i
	o.any()
	o.value = o.data[from:o.i]
	return true
}

// skip passes white space and gives the byte behind it.
func (o *object) skip() byte {
	for {
		switch c := o.data[o.i]; c {
		case ' ', '\t', '\r', '\n':
			o.i++
		default:
			return c
		}
	}
}

// string passes a string.
func (o *object) string() {
	for o.i++; o.data[o.i] != '"'; o.i++ {
		if o.data[o.i] == '\\' {
			o.i++
		}
	}
	o.i++
}

// any passes a value, however deep, by counting brackets.
func (o *object) any() {
	depth := 0
	for {
		switch o.data[o.i] {
		case '"':
			o.string()
		case '{', '[':
			depth++
			o.i++
		case '}', ']':
			depth--
			o.i++
		default:
			o.i++
		}
		if depth > 0 {
			continue
		}
		// Behind a string or a bracket the value is over; a number or a word goes
		// on to what can stand behind it.
		switch o.data[o.i-1] {
		case '"', '}', ']':
			return
		}
		switch o.data[o.i] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// once keeps the value of a member. It is false when there was one.
func once(to *[]byte, value []byte) bool {
	if *to != nil {
		return false
	}
	*to = value
	return true
}

// onceText does the same for a member that must be a string.
func onceText(to *[]byte, value []byte) bool {
	s, ok := text(value)
	return ok && once(to, s)
}

// text gives the content of a string, never nil. Escapes are rare (some clients
// write "\/"), and left to the standard library.
func text(value []byte) ([]byte, bool) {
	if value[0] != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, false
	}
	return append([]byte{}, s...), true
}

// seconds reads a NumericDate (RFC 7519, 2): seconds since 1970, of which a
// fraction is cut off. No value leaves to as it is.
func seconds(to *int64, value []byte) bool {
	if value == nil {
		return true
	}
	whole, fraction, point := bytes.Cut(value, []byte{'.'})
	if len(whole) == 0 || len(whole) > 10 || point && !digits(fraction) || !digits(whole) {
		return false
	}
	n := int64(0)
	for _, c := range whole {
		n = n*10 + int64(c-'0')
	}
	*to = n
	return true
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
