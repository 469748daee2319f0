// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"unicode/utf8"
)

// sextet is the value of a byte in either alphabet of RFC 4648, or one of the
// marks behind it. A space is a + that came through the decoding of a form.
var sextet = func() (t [256]uint8) {
	for i := range t {
		t[i] = invalid
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = uint8(i)
	}
	t['-'], t['_'], t[' '] = 62, 63, 62
	t['\r'], t['\n'] = skipped, skipped
	return t
}()

const (
	invalid = 0xff
	skipped = 0xfe
)

// firstLook is how many bytes are decoded before the rest is.
const firstLook = 48

// decodeBase64 gives the text that base64 stands for, and which it was; nil
// when it stands for none. Both alphabets are taken, also mixed, and padding may
// be there or not: decoders that are in use differ in it.
func decodeBase64(text []byte) (plain []byte, step string) {
	if i := bytes.Index(text[:min(len(text), 128)], []byte(";base64,")); i >= 0 {
		text = text[i+len(";base64,"):]
	}
	text = bytes.TrimRight(text, "= \r\n")
	if len(text) < shortestBase64-1 {
		return nil, ""
	}
	var first [firstLook]byte
	if head, ok := appendBase64(first[:0], text[:min(len(text), firstLook*4/3)]); !ok || len(readable(head)) == 0 {
		return nil, ""
	}
	plain, ok := appendBase64(make([]byte, 0, len(text)*3/4+1), text)
	if !ok {
		return nil, ""
	}
	if plain = readable(plain); len(plain) < shortestText {
		return nil, ""
	}
	if bytes.ContainsAny(text, "-_") {
		return plain, "base64url"
	}
	return plain, "base64"
}

func appendBase64(dst, text []byte) ([]byte, bool) {
	var acc uint32
	n := 0
	for _, c := range text {
		v := sextet[c]
		if v >= skipped {
			if v == skipped {
				continue
			}
			return dst, false
		}
		acc = acc<<6 | uint32(v)
		if n++; n == 4 {
			dst = append(dst, byte(acc>>16), byte(acc>>8), byte(acc))
			acc, n = 0, 0
		}
	}
	switch n {
	case 1:
		return dst, false
	case 2:
		dst = append(dst, byte(acc>>4))
	case 3:
		dst = append(dst, byte(acc>>10), byte(acc>>2))
	}
	return dst, true
}

// readable gives back what is mostly text, and nil for what is not: at most one
// byte of eight is neither printable ASCII, white space nor UTF-8. Text in
// UTF-16 of the Latin alphabet is given without its zeros.
func readable(b []byte) []byte {
	if zeros := bytes.Count(b, []byte{0}); zeros*5 >= len(b)*2 {
		b = bytes.ReplaceAll(b, []byte{0}, nil)
	}
	bad := 0
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c >= ' ' && c < 0x7f, c == '\t', c == '\n', c == '\r':
			i++
			continue
		case c >= utf8.RuneSelf:
			if r, n := utf8.DecodeRune(b[i:]); r != utf8.RuneError && r > 0x9f {
				i += n
				continue
			}
			if len(b)-i < utf8.UTFMax && !utf8.FullRune(b[i:]) {
				i = len(b) // cut in the middle
				continue
			}
		}
		bad++
		i++
	}
	if bad*8 > len(b) {
		return nil
	}
	return b
}
