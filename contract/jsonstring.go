// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string. One without escapes is a part of the input.
func (d *decoder) str() (string, bool) {
	d.pos++
	start, ascii := d.pos, true
	for d.pos < len(d.s) {
		switch c := d.s[d.pos]; {
		case c == '"':
			text := d.s[start:d.pos]
			d.pos++
			if !ascii && !utf8.ValidString(text) {
				return "", d.fail(reasonUTF8, false)
			}
			return text, true
		case c == '\\':
			return d.escaped(start)
		case c < 0x20:
			return "", d.fail(reasonSyntax, false)
		case c >= utf8.RuneSelf:
			ascii = false
		}
		d.pos++
	}
	return "", d.fail(reasonSyntax, false)
}

// escaped reads the rest of a string that has an escape at d.pos.
func (d *decoder) escaped(start int) (string, bool) {
	b := append(make([]byte, 0, d.pos-start+32), d.s[start:d.pos]...)
	for d.pos < len(d.s) {
		c := d.s[d.pos]
		d.pos++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", d.fail(reasonUTF8, false)
			}
			return string(b), true
		case c < 0x20:
			return "", d.fail(reasonSyntax, false)
		case c != '\\':
			b = append(b, c)
			continue
		}
		var ok bool
		if b, ok = d.escape(b); !ok {
			return "", false
		}
	}
	return "", d.fail(reasonSyntax, false)
}

const (
	escapes  = `"\/bfnrt`
	escapeds = "\"\\/\b\f\n\r\t"
)

// escape reads what follows a backslash.
func (d *decoder) escape(b []byte) ([]byte, bool) {
	c := d.peek()
	d.pos++
	if k := strings.IndexByte(escapes, c); k >= 0 {
		return append(b, escapeds[k]), true
	}
	if c != 'u' {
		return b, d.fail(reasonSyntax, false)
	}
	r, ok := d.hex4()
	if !ok {
		return b, d.fail(reasonSyntax, false)
	}
	if utf16.IsSurrogate(r) {
		if !strings.HasPrefix(d.s[d.pos:], `\u`) {
			return b, d.fail(reasonUTF8, false)
		}
		d.pos += 2
		low, ok := d.hex4()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return b, d.fail(reasonUTF8, false)
		}
	}
	return utf8.AppendRune(b, r), true
}

func (d *decoder) hex4() (rune, bool) {
	if len(d.s)-d.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.s[d.pos : d.pos+4]) {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	d.pos += 4
	return r, true
}
