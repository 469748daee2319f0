// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"unicode/utf8"
)

// Most decodings of one value that is escaped again and again.
const maxUnescape = 3

// unescape undoes escapes that a decoding has left: %xx as often as it takes,
// and \uXXXX, \u{X}, \xXX. nil when nothing changes.
func unescape(text []byte) (plain []byte, step string) {
	plain, step = text, ""
	for range maxUnescape {
		if !hasPercent(plain) {
			break
		}
		next := appendPercent(make([]byte, 0, len(plain)), plain)
		if bytes.Equal(next, plain) {
			break
		}
		plain, step = next, "percent"
	}
	if hasEscape(plain) {
		plain, step = appendEscapes(make([]byte, 0, len(plain)), plain), join(step, "unicode")
	}
	if step == "" || readable(plain) == nil {
		return nil, ""
	}
	return plain, step
}

// appendForm decodes a name or value of a form or query.
func appendForm(dst, text []byte) []byte {
	start := len(dst)
	dst = appendPercent(dst, text)
	if bytes.IndexByte(text, '+') < 0 {
		return dst
	}
	// A + is a space, and a %2B a +: so it is done over again, in order.
	dst = dst[:start]
	for part := range bytes.SplitAfterSeq(text, []byte{'+'}) {
		cut, plus := bytes.CutSuffix(part, []byte{'+'})
		dst = appendPercent(dst, cut)
		if plus {
			dst = append(dst, ' ')
		}
	}
	return dst
}

// appendPercent decodes %xx and %uXXXX once; what is none stays as it is.
func appendPercent(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '%')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		switch {
		case len(text) >= 3 && unhex(text[1]) >= 0 && unhex(text[2]) >= 0:
			dst = append(dst, byte(unhex(text[1])<<4|unhex(text[2])))
			text = text[3:]
		case len(text) >= 6 && text[1]|0x20 == 'u' && hex4(text[2:]) >= 0:
			dst = utf8.AppendRune(dst, rune(hex4(text[2:])))
			text = text[6:]
		default:
			dst = append(dst, '%')
			text = text[1:]
		}
	}
}

// hex4 is the number of four hexadecimal digits, -1 for what is none.
func hex4(text []byte) int {
	n := 0
	for i := range 4 {
		if i >= len(text) || unhex(text[i]) < 0 {
			return -1
		}
		n = n<<4 | unhex(text[i])
	}
	return n
}

// appendEscapes decodes \uXXXX, \u{X} and \xXX, as JavaScript has them.
func appendEscapes(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		r, n := escape(text)
		if n == 0 {
			dst = append(dst, '\\')
			text = text[1:]
			continue
		}
		dst = utf8.AppendRune(dst, r)
		text = text[n:]
	}
}

// escape reads one escape at the beginning of a text; n is 0 for none.
func escape(text []byte) (r rune, n int) {
	switch {
	case len(text) >= 4 && text[1] == 'x' && unhex(text[2]) >= 0 && unhex(text[3]) >= 0:
		return rune(unhex(text[2])<<4 | unhex(text[3])), 4
	case len(text) >= 6 && text[1] == 'u' && hex4(text[2:]) >= 0:
		return rune(hex4(text[2:])), 6
	case len(text) >= 5 && text[1] == 'u' && text[2] == '{':
		end := bytes.IndexByte(text[:min(len(text), 11)], '}')
		for _, c := range text[3:max(end, 3)] {
			if unhex(c) < 0 {
				return 0, 0
			}
			r = r<<4 | rune(unhex(c))
		}
		if end > 3 {
			return r, end + 1
		}
	}
	return 0, 0
}
