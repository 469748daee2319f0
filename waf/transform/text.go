// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// lowercase also turns a byte that is no UTF-8 into U+FFFD once any byte is
// above 0x7f, as strings.ToLower does.
func lowercase(dst, s []byte) ([]byte, bool) {
	return mapRunes(dst, s, &notLower, unicode.ToLower)
}

func uppercase(dst, s []byte) ([]byte, bool) {
	return mapRunes(dst, s, &notUpper, unicode.ToUpper)
}

// Bytes that can begin a character that changes: by lowering, by raising, by
// taking white space away.
var (
	notLower = upperASCII.Union(nonASCII)
	notUpper = lowerASCII.Union(nonASCII)
	blanks   = whitespace.Union(nonASCII)
)

func mapRunes(dst, s []byte, candidates *ByteSet, to func(rune) rune) ([]byte, bool) {
	i := indexIn(s, candidates)
	if i < 0 {
		return s, false
	}
	for i < len(s) {
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 || to(r) != r {
			break
		}
		i += n
	}
	if i == len(s) {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		r, n := utf8.DecodeRune(s[i:])
		dst = utf8.AppendRune(dst, to(r))
		i += n
	}
	return dst, true
}

// removeWhitespace drops what Unicode calls white space. Bytes that are no
// UTF-8 become U+FFFD, which Coraza does not report as a change.
func removeWhitespace(dst, s []byte) ([]byte, bool) {
	i := indexIn(s, &blanks)
	if i < 0 {
		return s, false
	}
	for i < len(s) {
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 || unicode.IsSpace(r) {
			break
		}
		i += n
	}
	if i == len(s) {
		return s, false
	}
	dst = append(dst, s[:i]...)
	dropped := false
	for i < len(s) {
		r, n := utf8.DecodeRune(s[i:])
		if i += n; unicode.IsSpace(r) {
			dropped = true
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, dropped
}

// latinSpace tells the white space of Latin-1: as a character, or as the single
// byte 0xa0.
func latinSpace(s []byte) (space bool, size int) {
	r, n := utf8.DecodeRune(s)
	switch r {
	case ' ', '\t', '\n', '\v', '\f', '\r', 0x85, 0xa0:
		return true, n
	}
	return s[0] == 0xa0, n
}

// compressWhitespace makes one space of each run of white space.
func compressWhitespace(dst, s []byte) ([]byte, bool) {
	i, after := 0, false
	for i < len(s) {
		space, n := latinSpace(s[i:])
		if space && (after || s[i] != ' ') {
			break
		}
		after = space
		i += n
	}
	if i == len(s) {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		space, n := latinSpace(s[i:])
		switch {
		case !space:
			dst = append(dst, s[i:i+n]...)
		case !after:
			dst = append(dst, ' ')
		}
		after = space
		i += n
	}
	return dst, true
}

const trimmed = " \t\n\r\f\v"

func trim(_, s []byte) ([]byte, bool)      { return part(s, bytes.Trim(s, trimmed)) }
func trimLeft(_, s []byte) ([]byte, bool)  { return part(s, bytes.TrimLeft(s, trimmed)) }
func trimRight(_, s []byte) ([]byte, bool) { return part(s, bytes.TrimRight(s, trimmed)) }

func part(whole, out []byte) ([]byte, bool) { return out, len(out) != len(whole) }

func removeNulls(dst, s []byte) ([]byte, bool) {
	i := bytes.IndexByte(s, 0)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for _, c := range s[i:] {
		if c != 0 {
			dst = append(dst, c)
		}
	}
	return dst, true
}

func replaceNulls(dst, s []byte) ([]byte, bool) {
	i := bytes.IndexByte(s, 0)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s...)
	for ; i < len(dst); i++ {
		if dst[i] == 0 {
			dst[i] = ' '
		}
	}
	return dst, true
}

// utf8ToUnicode writes each character above 0x7f as %uHHHH, with more digits
// where it needs them.
func utf8ToUnicode(dst, s []byte) ([]byte, bool) {
	i := indexIn(s, &nonASCII)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	for i < len(s) {
		if s[i] < utf8.RuneSelf {
			dst = append(dst, s[i])
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		dst = append(dst, '%', 'u')
		for limit := rune(0x1000); r < limit && limit > 1; limit >>= 4 {
			dst = append(dst, '0')
		}
		dst = strconv.AppendUint(dst, uint64(r), 16)
		i += n
	}
	return dst, true
}

// htmlEntityDecode uses the very function that Coraza calls, so that both have
// one table of entities. A change that keeps the length is not reported.
func htmlEntityDecode(dst, s []byte) ([]byte, bool) {
	i := firstEntity(s)
	if i < 0 {
		return s, false
	}
	dst = append(dst, s[:i]...)
	dst = append(dst, html.UnescapeString(string(s[i:]))...)
	if bytes.Equal(dst, s) {
		return s, false
	}
	return dst, len(dst) != len(s)
}

// firstEntity finds the first & that can begin an entity.
func firstEntity(s []byte) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '&' {
			continue
		}
		if c := s[i+1]; c == '#' || '0' <= c && c <= '9' || upperASCII.Has(c) || lowerASCII.Has(c) {
			return i
		}
	}
	return -1
}
