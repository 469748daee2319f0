// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"errors"
	"strings"
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
