// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"
)

// Bounds of one structured field. A request that exceeds one is refused, so
// that the work for a request is bounded before its signature is known.
const (
	maxFieldBytes = 8 << 10
	maxMembers    = 16  // of a dictionary or list
	maxItems      = 64  // in all inner lists of a field
	maxParams     = 128 // of a whole field
)

var errForm = errors.New("not a structured field, or too large a one")

type kind uint8

// Bare item types (RFC 9651, section 3.3).
const (
	kindBoolean kind = iota
	kindInteger
	kindDecimal
	kindString
	kindToken
	kindBytes
	kindDate
	kindDisplay
)

// value is a bare item.
type value struct {
	kind kind
	// text is a String or Display String without its escapes, a Token, or the
	// canonical base64 of a Byte Sequence.
	text string
	// num is an Integer, a Date, a Decimal in thousandths, or 1 for true.
	num int64
}

type param struct {
	key string
	val value
}

// item has its parameters in field.params[p0:p1].
type item struct {
	val    value
	p0, p1 int
}

// member is a member of a dictionary, or of a list (then without key). An inner
// list has its items in field.items[i0:i1].
type member struct {
	key    string
	inner  bool
	i0, i1 int
	item
}

// field is one parsed structured field. It is used again, for it is flat.
// Strings in it are parts of what was parsed.
type field struct {
	members []member
	items   []item
	params  []param
}

func (f *field) reset() {
	clear(f.members)
	clear(f.items)
	clear(f.params)
	f.members, f.items, f.params = f.members[:0], f.items[:0], f.params[:0]
}

// find gives the member of a dictionary, or nil.
func (f *field) find(key string) *member {
	for i := range f.members {
		if f.members[i].key == key {
			return &f.members[i]
		}
	}
	return nil
}

// dictionary reads one line of a dictionary (RFC 9651, section 4.2.2) behind
// what earlier lines had. It is stricter: a key that occurs twice, which the
// RFC lets the last one win, is refused, since two readers might differ; so is
// base64 that is not canonical.
func (f *field) dictionary(line string) error {
	return f.each(line, func(s *scanner) error {
		m := member{}
		if m.key = s.key(); m.key == "" || f.find(m.key) != nil {
			return errForm
		}
		if !s.eat('=') {
			m.val = value{kind: kindBoolean, num: 1}
			m.p0 = len(f.params)
			err := f.parameters(s)
			m.p1 = len(f.params)
			f.members = append(f.members, m)
			return err
		}
		return f.member(s, m)
	})
}

// list reads one line of a list (section 4.2.1).
func (f *field) list(line string) error {
	return f.each(line, func(s *scanner) error { return f.member(s, member{}) })
}

// single reads an item (section 4.2.3).
func (f *field) single(line string) error {
	if len(line) > maxFieldBytes {
		return errForm
	}
	s := scanner{text: strings.Trim(line, " ")}
	it, err := f.item(&s)
	if err != nil || !s.end() {
		return errForm
	}
	f.members = append(f.members, member{item: it})
	return nil
}

// each reads the members of a line, of which there is at least one.
func (f *field) each(line string, read func(*scanner) error) error {
	if len(line) > maxFieldBytes {
		return errForm
	}
	s := scanner{text: strings.Trim(line, " ")}
	for {
		if len(f.members) == maxMembers {
			return errForm
		}
		if err := read(&s); err != nil {
			return err
		}
		s.blank()
		if s.end() {
			return nil
		}
		if !s.eat(',') {
			return errForm
		}
		s.blank()
	}
}

// member reads an item or an inner list into m.
func (f *field) member(s *scanner, m member) (err error) {
	if s.eat('(') {
		m.inner = true
		m.i0 = len(f.items)
		if err := f.innerList(s); err != nil {
			return err
		}
		m.i1 = len(f.items)
		m.p0 = len(f.params)
		err = f.parameters(s)
		m.p1 = len(f.params)
	} else {
		m.item, err = f.item(s)
	}
	f.members = append(f.members, m)
	return err
}

// innerList reads the items up to the closing parenthesis (section 4.2.1.2).
func (f *field) innerList(s *scanner) error {
	for {
		s.spaces()
		if s.eat(')') {
			return nil
		}
		if len(f.items) == maxItems {
			return errForm
		}
		it, err := f.item(s)
		if err != nil {
			return err
		}
		f.items = append(f.items, it)
		if c := s.peek(); c != ' ' && c != ')' {
			return errForm
		}
	}
}

func (f *field) item(s *scanner) (it item, err error) {
	if it.val, err = s.bare(); err != nil {
		return it, err
	}
	it.p0 = len(f.params)
	err = f.parameters(s)
	it.p1 = len(f.params)
	return it, err
}

// parameters reads what stands behind semicolons (section 4.2.3.2).
func (f *field) parameters(s *scanner) (err error) {
	from := len(f.params)
	for s.eat(';') {
		s.spaces()
		p := param{key: s.key(), val: value{kind: kindBoolean, num: 1}}
		if p.key == "" || len(f.params) == maxParams {
			return errForm
		}
		for i := range f.params[from:] {
			if f.params[from+i].key == p.key {
				return errForm
			}
		}
		if s.eat('=') {
			if p.val, err = s.bare(); err != nil {
				return err
			}
		}
		f.params = append(f.params, p)
	}
	return nil
}

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
