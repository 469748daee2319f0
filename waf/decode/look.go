// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import "bytes"

// kinds are what a text may be, at first sight.
type kinds uint8

const (
	isBase64 kinds = 1 << iota
	isToken
	isJSON
	isEscaped
)

// Shortest texts: a value that may stand for something, base64 of a text, and
// a text that base64 stands for.
const (
	shortest       = 6
	shortestBase64 = 11
	shortestText   = 8
)

// Classes of bytes.
const (
	letter = 1 << iota // and digits
	dash               // - and _
	plus               // + and /
	equals             //
	space              // and line breaks
	dot
	backslash
	other
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			t[c] = letter
		default:
			t[c] = other
		}
	}
	t['-'], t['_'], t['+'], t['/'], t['='] = dash, dash, plus, plus, equals
	t[' '], t['\r'], t['\n'], t['.'], t['\\'] = space, space, space, dot, backslash
	return t
}()

// look tells at first sight what a text may be; 0 for most. One pass, nothing
// allocated.
func look(text []byte) (what kinds) {
	if len(text) < shortest {
		return 0
	}
	var seen uint8
	for _, c := range text {
		seen |= class[c]
	}
	if len(text) >= shortestBase64 {
		switch {
		case seen&(other|backslash|dot) == 0:
			what |= isBase64
		case seen&(other|backslash|plus|space) == 0 && bytes.HasPrefix(text, []byte("eyJ")) && bytes.Count(text, []byte{'.'}) == 2:
			what |= isToken
		case bytes.HasPrefix(text, []byte("data:")) && bytes.Contains(text[:min(len(text), 128)], []byte(";base64,")):
			what |= isBase64
		}
	}
	if seen&other == 0 && seen&backslash == 0 {
		return what
	}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[' || trimmed[0] == '"') {
		what |= isJSON
	}
	if seen&backslash != 0 && hasEscape(text) || seen&other != 0 && hasPercent(text) {
		what |= isEscaped
	}
	return what
}

// hasEscape tells whether a text holds an escape of JavaScript: \u0027, \x27.
func hasEscape(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return false
		}
		if _, n := escape(text[i:]); n > 0 {
			return true
		}
		text = text[i+1:]
	}
}

// hasPercent tells whether a text holds % and two hexadecimal digits: one
// decoding has been done, and another would find something.
func hasPercent(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '%')
		if i < 0 || i+2 >= len(text) {
			return false
		}
		if unhex(text[i+1]) >= 0 && unhex(text[i+2]) >= 0 || text[i+1]|0x20 == 'u' && unhex(text[i+2]) >= 0 {
			return true
		}
		text = text[i+1:]
	}
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
