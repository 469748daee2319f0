// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// lowercase also turns a byte that is no UTF-8 into U+FFFD once any byte is
// above 0x7f, as strings.ToLower does.
func lowercase(dst, s []byte) ([]byte, bool) {
	return mapRunes(dst, s, &lowered, unicode.ToLower)
}

func uppercase(dst, s []byte) ([]byte, bool) {
	return mapRunes(dst, s, &raised, unicode.ToUpper)
}

// other stands in a table for a byte that is no ASCII.
const other = 0xff

// lowered and raised are what ASCII becomes.
var (
	lowered = letters(unicode.ToLower)
	raised  = letters(unicode.ToUpper)
)

func letters(to func(rune) rune) (t [256]byte) {
	for c := range t {
		t[c] = other
		if c < utf8.RuneSelf {
			t[c] = byte(to(rune(c)))
		}
	}
	return t
}

// asciiRun is how many bytes of ASCII a value begins with.
func asciiRun(s []byte) int {
	i := 0
	for i+8 <= len(s) && binary.LittleEndian.Uint64(s[i:])&0x8080808080808080 == 0 {
		i += 8
	}
	for i < len(s) && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

func mapRunes(dst, s []byte, ascii *[256]byte, to func(rune) rune) ([]byte, bool) {
	i := 0
	for i < len(s) {
		if c := ascii[s[i]]; c == s[i] && c != other {
			i++
			continue
		} else if c != other {
			break
		}
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
		run := s[i : i+asciiRun(s[i:])]
		n := len(dst)
		dst = append(dst, run...)
		for j, c := range dst[n:] {
			dst[n+j] = ascii[c]
		}
		for i += len(run); i < len(s) && s[i] >= utf8.RuneSelf; {
			r, size := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, to(r))
			i += size
		}
	}
	return dst, true
}

// Classes of bytes for what is done to white space.
const (
	isText  = iota
	isSpace // of ASCII
	isOther // not ASCII
)

var spaces = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = isOther
		case whitespace.Has(byte(c)):
			t[c] = isSpace
		}
	}
	return t
}()

// removeWhitespace drops what Unicode calls white space. Bytes that are no
// UTF-8 become U+FFFD, which Coraza does not report as a change.
func removeWhitespace(dst, s []byte) ([]byte, bool) {
	i := 0
	for i < len(s) {
		if class := spaces[s[i]]; class == isText {
			i++
			continue
		} else if class == isSpace {
			break
		}
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
		run := s[i : i+asciiRun(s[i:])]
		n := len(dst)
		dst = append(dst, run...)
		for _, c := range run {
			dst[n] = c
			n += int(isSpace - spaces[c]) // stays where it is for the next to overwrite
		}
		dropped = dropped || n != len(dst)
		dst = dst[:n]
		for i += len(run); i < len(s) && s[i] >= utf8.RuneSelf; {
			r, size := utf8.DecodeRune(s[i:])
			if i += size; unicode.IsSpace(r) {
				dropped = true
				continue
			}
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, dropped
}

// latinSpace tells the white space of Latin-1: as a character, or as the single
// byte 0xa0.
func latinSpace(s []byte) (space bool, size int) {
	switch spaces[s[0]] {
	case isText:
		return false, 1
	case isSpace:
		return true, 1
	}
	r, n := utf8.DecodeRune(s)
	return r == 0x85 || r == 0xa0 || s[0] == 0xa0, n
}

// compressWhitespace makes one space of each run of white space.
func compressWhitespace(dst, s []byte) ([]byte, bool) {
	i, after := 0, false
	for i < len(s) {
		if spaces[s[i]] == isText {
			after = false
			i++
			continue
		}
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
		n := i // the end of a run that stays as it is
		for n < len(s) && spaces[s[n]] == isText {
			n++
		}
		if n > i {
			dst = append(dst, s[i:n]...)
			i, after = n, false
			continue
		}
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
