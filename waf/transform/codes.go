// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"crypto/fips140"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"unicode"
)

const hexLower = "0123456789abcdef"

// nibble gives the value of a hexadecimal digit, or -1.
var nibble = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range 10 {
		t['0'+i] = int8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = int8(10+i), int8(10+i)
	}
	return t
}()

// hexByte reads two hexadecimal digits at s[i].
func hexByte(s []byte, i int) (b byte, ok bool) {
	if i+1 >= len(s) {
		return 0, false
	}
	high, low := nibble[s[i]], nibble[s[i+1]]
	return byte(high<<4 | low&15), high >= 0 && low >= 0
}

// sextet gives the value of a digit of standard base64, or -1.
var sextet = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(digits) {
		t[digits[i]] = int8(i)
	}
	return t
}()

// base64Decode reads up to the first byte that does not belong there.
func base64Decode(dst, s []byte) ([]byte, bool) { return decode64(dst, s, false), true }

// base64DecodeExt passes over bytes that do not belong there, and takes the
// alphabet for URLs too.
func base64DecodeExt(dst, s []byte) ([]byte, bool) { return decode64(dst, s, true), true }

func decode64(dst, s []byte, lenient bool) []byte {
	if len(s) == 0 {
		return s
	}
	bits, digits := uint32(0), 0
	for _, c := range s {
		if c == '\r' || c == '\n' || lenient && (c == '.' || unicode.IsSpace(rune(c))) {
			continue
		}
		if c == '=' || c == ' ' {
			break
		}
		if lenient && c == '-' {
			c = '+'
		} else if lenient && c == '_' {
			c = '/'
		}
		v := sextet[c]
		if v < 0 {
			if lenient {
				continue
			}
			break
		}
		bits = bits<<6 | uint32(v)
		if digits++; digits == 4 {
			dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
			bits, digits = 0, 0
		}
	}
	switch digits {
	case 2:
		dst = append(dst, byte(bits>>4))
	case 3:
		dst = append(dst, byte(bits>>10), byte(bits>>2))
	}
	return dst
}

func base64Encode(dst, s []byte) ([]byte, bool) {
	if len(s) == 0 {
		return s, true
	}
	return base64.StdEncoding.AppendEncode(dst, s), true
}

func hexDecode(dst, s []byte) ([]byte, bool) {
	if len(s)%2 != 0 {
		return s, false
	}
	for _, c := range s {
		if nibble[c] < 0 {
			return s, false
		}
	}
	if len(s) == 0 {
		return s, true
	}
	for i := 0; i < len(s); i += 2 {
		b, _ := hexByte(s, i)
		dst = append(dst, b)
	}
	return dst, true
}

func hexEncode(dst, s []byte) ([]byte, bool) {
	if len(s) == 0 {
		return s, true
	}
	return hex.AppendEncode(dst, s), true
}

func length(dst, s []byte) ([]byte, bool) {
	return strconv.AppendInt(dst, int64(len(s)), 10), true
}

// md5Sum and sha1Sum change nothing where only approved functions may be used.
func md5Sum(dst, s []byte) ([]byte, bool) {
	if fips140.Enabled() {
		return s, false
	}
	sum := md5.Sum(s)
	return append(dst, sum[:]...), true
}

func sha1Sum(dst, s []byte) ([]byte, bool) {
	if fips140.Enabled() {
		return s, false
	}
	sum := sha1.Sum(s)
	return append(dst, sum[:]...), true
}
