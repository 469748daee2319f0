// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package line

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Printable gives text for a terminal or a spreadsheet. What Durward wrote has
// no control characters; a copy may have been changed, and unquoted values have
// what the client sent. Every character that is not for the eye becomes the
// escape that JSON has for it.
func Printable(text []byte) []byte {
	clean := true
	for _, c := range text {
		clean = clean && c >= 0x20 && c < 0x7f
	}
	if clean {
		return text
	}
	out := make([]byte, 0, len(text)+16)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			out = append(out, `\ufffd`...)
		case r == ' ', unicode.IsPrint(r):
			out = append(out, text[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out
}
