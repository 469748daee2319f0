// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"unicode/utf8"

	"durward"
)

// stripper reads JSON (RFC 8259) once and gives it again without what the
// outline does not have or its reader may not see. What is kept is copied as it
// stands; where nothing is removed nothing is copied. It takes the text as a
// whole or in pieces, of which it keeps no more than window bytes.
type stripper struct {
	who   *durward.Principal
	rules *guardRules
	root  *outline

	buf   []byte // what was not yet read to its end
	pos   int    // the next byte
	mark  int    // where what is kept and not yet given begins
	hold  int    // where a separator begins whose next member is not decided on; -1: none
	last  bool   // nothing comes after buf
	whole bool   // buf holds the text from its first byte to its last
	state state
	out   []byte // what was kept, once something was removed
	spent int    // bytes that were looked at ahead

	stack []frame
	cut   int // depth of the member that is being removed; 0: none
	found findings
}

// guardRules is what of a ResponseConfig the stripper works by.
type guardRules struct {
	allow     bool // undeclared members stay
	writeOnly bool // so do write-only ones
	keep      bool // nothing is removed: only findings are wanted
	block     bool // the first undeclared member ends it
}

// frame is an object or array that is being read.
type frame struct {
	node  *outline // nil within what is removed
	name  string   // of the member that is being read, as declared; "*" for others
	seen  uint64   // required members that came
	array bool
	kept  bool // a member was given
}

type state uint8

const (
	wantValue state = iota
	wantFirstItem
	wantFirstKey
	wantKey
	inString
	wantMore // a separator or an end
	ended
)

const (
	deepest    = 128      // JSON is nested no deeper
	window     = 64 << 10 // most bytes that one token or space between two may have
	mostAhead  = 8        // how often, on average, a byte is looked at ahead
	mostFields = 10       // that findings name
)

var (
	errJSON       = errors.New("the answer's content is not well-formed JSON, or not in UTF-8")
	errDeep       = errors.New("the answer's JSON is nested too deeply")
	errWindow     = errors.New("the answer's JSON has a name, number or space that is too long")
	errHidden     = errors.New("the answer is not for this caller")
	errUndeclared = errors.New("the answer's content has members that its schema does not declare")
)

func (s *stripper) reset(root *outline, rules *guardRules, who *durward.Principal) {
	*s = stripper{who: who, rules: rules, root: root, hold: -1, stack: s.stack[:0], out: s.out[:0], found: s.found}
	s.found.reset()
}

// strip reads a whole text. clean tells that it may be sent as it is; otherwise
// the result is what may be, valid until the stripper is used again.
func (s *stripper) strip(text []byte) (result []byte, clean bool, err error) {
	s.buf, s.last, s.whole = text, true, true
	if len(text) > 2 && text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf {
		s.pos = 3 // a byte order mark, which RFC 8259 (8.1) lets a reader ignore
	}
	if _, err := s.run(); err != nil {
		return nil, false, err
	}
	if s.mark == 0 && len(s.out) == 0 {
		return text, true, nil
	}
	s.give(len(s.buf))
	return s.out, false, nil
}

// run reads as far as the bytes go. more tells that it needs others.
func (s *stripper) run() (more bool, err error) {
	for {
		if s.state != inString {
			s.space()
		}
		if s.pos == len(s.buf) {
			if s.last && s.state != ended {
				return false, errJSON
			}
			return !s.last, nil
		}
		c := s.buf[s.pos]
		switch s.state {
		case inString:
			more, err = s.text()
		case wantFirstKey, wantKey:
			if c == '}' && s.state == wantFirstKey {
				s.close()
				continue
			}
			more, err = s.member(c)
		case wantFirstItem:
			if c == ']' {
				s.close()
				continue
			}
			more, err = s.value(c)
		case wantValue:
			more, err = s.value(c)
		case wantMore:
			err = s.separator(c)
		default:
			return false, errJSON // something behind the value
		}
		if more || err != nil {
			if more && s.last {
				return false, errJSON
			}
			return more, err
		}
	}
}

func (s *stripper) space() {
	for s.pos < len(s.buf) {
		switch s.buf[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return
		}
	}
}

// separator reads what stands behind a value within an object or array.
func (s *stripper) separator(c byte) error {
	f := &s.stack[len(s.stack)-1]
	switch {
	case c == ',':
		if s.cut == 0 {
			s.hold = s.pos
		}
		s.pos++
		s.state = wantKey
		if f.array {
			s.state = wantValue
		}
		return nil
	case c == ']' && f.array, c == '}' && !f.array:
		s.close()
		return nil
	}
	return errJSON
}

// close ends the object or array that is being read.
func (s *stripper) close() {
	f := &s.stack[len(s.stack)-1]
	s.hold = -1
	s.pos++
	if f.node != nil && !f.array {
		if missing := f.node.required &^ f.seen; missing != 0 && !f.node.free {
			s.lacks(f.node, missing)
		}
	}
	s.stack = s.stack[:len(s.stack)-1]
	s.valueEnds()
}

// valueEnds is called behind the last byte of every value.
func (s *stripper) valueEnds() {
	if s.cut != 0 && s.cut == len(s.stack) {
		s.cut, s.mark = 0, s.pos
	}
	s.state = wantMore
	if len(s.stack) == 0 {
		s.state = ended
	}
}

// member reads a name and the colon behind it, and decides on the member.
func (s *stripper) member(c byte) (more bool, err error) {
	if c != '"' {
		return false, errJSON
	}
	end, escaped := endOfString(s.buf, s.pos)
	switch end {
	case wrong:
		return false, errJSON
	case unfinished:
		return true, nil
	}
	colon := end
	for colon < len(s.buf) && isSpace(s.buf[colon]) {
		colon++
	}
	if colon == len(s.buf) {
		return true, nil
	}
	if s.buf[colon] != ':' {
		return false, errJSON
	}
	name := s.buf[s.pos+1 : end-1]
	if !utf8.Valid(name) {
		return false, errJSON
	}
	if escaped {
		if name, err = decodeName(name); err != nil {
			return false, err
		}
	}
	f := &s.stack[len(s.stack)-1]
	if s.cut == 0 {
		if err := s.decideMember(f, name); err != nil {
			return false, err
		}
	}
	s.pos, s.state = colon+1, wantValue
	return false, nil
}

func (s *stripper) decideMember(f *frame, name []byte) error {
	e, to := f.node.member(name)
	f.name = "*"
	if e != nil {
		f.name = e.name
		f.seen |= e.bit
	}
	switch {
	case to == nil && s.rules.allow:
		to = anything
	case to == nil:
		if s.rules.block {
			s.found.cutMember(s.stack, name)
			return errUndeclared
		}
		if s.found.cutMember(s.stack, name); !s.rules.keep {
			s.remove(f)
			return nil
		}
		to = anything
	case s.conceals(to):
		if s.found.cutMember(s.stack, name); !s.rules.keep {
			s.remove(f)
			return nil
		}
	}
	s.retain(f)
	s.found.next = to
	return nil
}

// conceals tells that the value is not for who asks.
func (s *stripper) conceals(o *outline) bool {
	for _, h := range o.hidden {
		if !h.shows(s.who, s.rules.writeOnly) {
			return true
		}
	}
	return false
}

// retain gives what stands before a member that is kept, without a separator
// when it is the first.
func (s *stripper) retain(f *frame) {
	if s.hold >= 0 && !f.kept && s.buf[s.hold] == ',' {
		s.give(s.hold)
		s.mark = s.hold + 1
	}
	f.kept, s.hold = true, -1
}

// remove begins to leave out a member, with the separator before it.
func (s *stripper) remove(f *frame) {
	at := s.pos
	if s.hold >= 0 {
		at = s.hold
	}
	s.give(at)
	s.mark, s.hold, s.cut = at, -1, len(s.stack)
}

// give copies what is kept, up to a place.
func (s *stripper) give(to int) {
	if s.cut == 0 {
		s.out = append(s.out, s.buf[s.mark:to]...)
	}
	s.mark = to
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
