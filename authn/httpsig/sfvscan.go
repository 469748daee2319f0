// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// scanner reads bare items. At the end of text peek gives 0, which no field
// value holds.
type scanner struct {
	text string
	at   int
}

func (s *scanner) end() bool { return s.at == len(s.text) }

func (s *scanner) peek() byte {
	if s.end() {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) eat(c byte) bool {
	if s.end() || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) spaces() {
	for s.eat(' ') {
	}
}

func (s *scanner) blank() {
	for s.eat(' ') || s.eat('\t') {
	}
}

// while gives the longest run of bytes for which ok is true.
func (s *scanner) while(ok func(byte) bool) string {
	from := s.at
	for !s.end() && ok(s.text[s.at]) {
		s.at++
	}
	return s.text[from:s.at]
}

// key reads a key, "" when there is none.
func (s *scanner) key() string {
	if c := s.peek(); !isLower(c) && c != '*' {
		return ""
	}
	return s.while(func(c byte) bool {
		return isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'
	})
}

func (s *scanner) bare() (value, error) {
	switch c := s.peek(); {
	case c == '-' || isDigit(c):
		return s.number()
	case c == '"':
		return s.quoted()
	case c == '*' || isLower(c) || c >= 'A' && c <= 'Z':
		return value{kind: kindToken, text: s.while(isTokenByte)}, nil
	case c == ':':
		return s.bytes()
	case c == '?':
		s.at++
		switch {
		case s.eat('1'):
			return value{kind: kindBoolean, num: 1}, nil
		case s.eat('0'):
			return value{kind: kindBoolean}, nil
		}
	case c == '@':
		s.at++
		v, err := s.number()
		if err == nil && v.kind == kindInteger {
			return value{kind: kindDate, num: v.num}, nil
		}
	case c == '%':
		return s.display()
	}
	return value{}, errForm
}

// number reads an Integer of at most 15 digits, or a Decimal of at most 12
// before and 3 behind the point (section 4.2.4).
func (s *scanner) number() (v value, err error) {
	negative := s.eat('-')
	whole := s.while(isDigit)
	if whole == "" || len(whole) > 15 {
		return v, errForm
	}
	v.kind = kindInteger
	for i := range len(whole) {
		v.num = v.num*10 + int64(whole[i]-'0')
	}
	if s.eat('.') {
		fraction := s.while(isDigit)
		if len(whole) > 12 || fraction == "" || len(fraction) > 3 {
			return v, errForm
		}
		v.kind = kindDecimal
		for i := range 3 {
			v.num *= 10
			if i < len(fraction) {
				v.num += int64(fraction[i] - '0')
			}
		}
	}
	if negative {
		v.num = -v.num
	}
	return v, nil
}

// quoted reads a String (section 4.2.5).
func (s *scanner) quoted() (value, error) {
	s.at++
	from, escaped := s.at, false
	for !s.end() {
		switch c := s.text[s.at]; {
		case c == '"':
			text := s.text[from:s.at]
			s.at++
			if escaped {
				text = unescape(text)
			}
			return value{kind: kindString, text: text}, nil
		case c == '\\':
			escaped = true
			s.at++
			if n := s.peek(); n != '"' && n != '\\' {
				return value{}, errForm
			}
		case c < 0x20 || c > 0x7e:
			return value{}, errForm
		}
		s.at++
	}
	return value{}, errForm
}

func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// bytes reads a Byte Sequence (section 4.2.7).
func (s *scanner) bytes() (value, error) {
	s.at++
	n := strings.IndexByte(s.text[s.at:], ':')
	if n < 0 {
		return value{}, errForm
	}
	text := s.text[s.at : s.at+n]
	s.at += n + 1
	if !canonicalBase64(text) {
		return value{}, errForm
	}
	return value{kind: kindBytes, text: text}, nil
}

// canonicalBase64 tells whether text is the one encoding of its bytes. It
// allocates nothing.
func canonicalBase64(text string) bool {
	if len(text)%4 != 0 {
		return false
	}
	var in [4]byte
	var out [3]byte
	if len(text) > 0 {
		// The last group has the padding, and bits that must be zero.
		copy(in[:], text[len(text)-4:])
		if _, err := strictBase64.Decode(out[:], in[:]); err != nil || strings.ContainsAny(text, "\r\n") {
			return false
		}
		text = text[:len(text)-4]
	}
	for i := range len(text) {
		if c := text[i]; !isLower(c) && !isDigit(c) && (c < 'A' || c > 'Z') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

var strictBase64 = base64.StdEncoding.Strict()

// display reads a Display String (section 4.2.10).
func (s *scanner) display() (value, error) {
	s.at++
	if !s.eat('"') {
		return value{}, errForm
	}
	var b []byte
	for !s.end() {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return value{}, errForm
			}
			return value{kind: kindDisplay, text: string(b)}, nil
		case c < 0x20 || c > 0x7e:
			return value{}, errForm
		case c == '%':
			if len(s.text)-s.at < 2 || !isLowerHex(s.text[s.at]) || !isLowerHex(s.text[s.at+1]) {
				return value{}, errForm
			}
			b = append(b, unhex(s.text[s.at])<<4|unhex(s.text[s.at+1]))
			s.at += 2
		default:
			b = append(b, c)
		}
	}
	return value{}, errForm
}
