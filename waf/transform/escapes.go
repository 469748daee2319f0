// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"bytes"
	"unicode/utf8"
)

// controlEscape holds what \a to \v stand for, 0 for the rest.
var controlEscape = [256]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// octal reads up to three octal digits at s[i].
func octal(s []byte, i int) (value, digits int) {
	for digits < 3 && i+digits < len(s) && '0' <= s[i+digits] && s[i+digits] <= '7' {
		value = value<<3 | int(s[i+digits]-'0')
		digits++
	}
	return value, digits
}

// hexRun reads up to six hexadecimal digits at s[i].
func hexRun(s []byte, i int) (value rune, digits int) {
	for digits < 6 && i+digits < len(s) && nibble[s[i+digits]] >= 0 {
		value = value<<4 | rune(nibble[s[i+digits]])
		digits++
	}
	return value, digits
}

// unescape copies s and replaces what begins with a backslash: escape gives the
// byte for the escape at s[i] and its length. A backslash at the end stays.
func unescape(dst, s []byte, escape func(s []byte, i int) (byte, int)) ([]byte, bool) {
	i := bytes.IndexByte(s, '\\')
	if i < 0 || i == len(s)-1 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		if s[i] != '\\' || i+1 == len(s) {
			dst = append(dst, s[i])
			i++
			continue
		}
		b, n := escape(s, i)
		dst = append(dst, b)
		i += n
	}
	return dst, true
}

// jsDecode reads the escapes of JavaScript. Of \uHHHH and \u{H...} the low byte
// counts, shifted for full width forms.
func jsDecode(dst, s []byte) ([]byte, bool) { return unescape(dst, s, jsEscape) }

func jsEscape(s []byte, i int) (byte, int) {
	c := s[i+1]
	switch {
	case c == 'u':
		if b, n := jsUnicode(s, i); n > 0 {
			return b, n
		}
	case c == 'x':
		if b, ok := hexByte(s, i+2); ok {
			return b, 4
		}
	case '0' <= c && c <= '7':
		value, digits := octal(s, i+1)
		if value > 0xff {
			value, digits = value>>3, digits-1
		}
		return byte(value), 1 + digits
	}
	if control := controlEscape[c]; control != 0 {
		c = control
	}
	return c, 2
}

// jsUnicode reads \u{H...} or \uHHHH at s[i]; n is 0 if it is neither.
func jsUnicode(s []byte, i int) (b byte, n int) {
	if i+2 < len(s) && s[i+2] == '{' {
		code, digits := hexRun(s, i+3)
		if end := i + 3 + digits; digits > 0 && end < len(s) && s[end] == '}' {
			b = byte(code)
			if 0xff01 <= code && code <= 0xff5e {
				b += 0x20
			}
			return b, digits + 4
		}
		return 0, 0
	}
	high, ok := hexByte(s, i+2)
	low, ok2 := hexByte(s, i+4)
	if !ok || !ok2 {
		return 0, 0
	}
	if high == 0xff && low > 0 && low < 0x5f {
		low += 0x20
	}
	return low, 6
}

// escapeSeqDecode reads the escapes of ANSI C.
func escapeSeqDecode(dst, s []byte) ([]byte, bool) { return unescape(dst, s, cEscape) }

func cEscape(s []byte, i int) (byte, int) {
	c := s[i+1]
	if control := controlEscape[c]; control != 0 {
		return control, 2
	}
	if c == 'x' || c == 'X' {
		if b, ok := hexByte(s, i+2); ok {
			return b, 4
		}
	}
	if value, digits := octal(s, i+1); digits > 0 {
		return byte(value), 1 + digits
	}
	return c, 2
}

// cssDecode reads the escapes of CSS 2: up to six hexadecimal digits for a
// character, and one white space after them. Coraza reports a change for any
// backslash, and drops one at the end.
func cssDecode(dst, s []byte) ([]byte, bool) {
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		if i++; i == len(s) {
			break
		}
		code, digits := hexRun(s, i)
		switch {
		case digits > 0:
			dst = appendCSS(dst, code)
			if i += digits; i < len(s) && whitespace.Has(s[i]) {
				i++
			}
		case s[i] == '\n':
			i++
		default:
			dst = append(dst, s[i])
			i++
		}
	}
	return dst, true
}

// appendCSS writes a character in UTF-8: U+FFFD for zero and for what is none,
// ASCII for full width forms.
func appendCSS(dst []byte, code rune) []byte {
	if code == 0 {
		code = utf8.RuneError
	} else if 0xff01 <= code && code <= 0xff5e {
		code -= 0xfee0
	}
	return utf8.AppendRune(dst, code)
}
