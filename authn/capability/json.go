// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

func validJSON(doc []byte) bool { return utf8.Valid(doc) && json.Valid(doc) }

// scanner walks a document that validJSON has taken. It relies on that.
type scanner struct {
	doc []byte
	i   int
}

// scalarAt gives the scalar to which a pointer (RFC 6901) leads. An object on
// the way must have the member once, and no other whose name differs only in
// case: readers of the same content would not all take the same one.
func scalarAt(doc []byte, pointer string) (value []byte, ok bool) {
	s := scanner{doc: doc}
	if pointer == "" {
		return s.scalar()
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		if strings.Contains(part, "~") {
			part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		}
		switch s.space() {
		case '{':
			ok = s.member(part)
		case '[':
			ok = s.element(part)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return s.scalar()
}

// scalar gives the value here, unless it is an object or array.
func (s *scanner) scalar() ([]byte, bool) {
	if c := s.space(); c == '{' || c == '[' {
		return nil, false
	}
	from := s.i
	s.skip()
	return s.doc[from:s.i], true
}

// space goes to the next byte that is no white space, and gives it.
func (s *scanner) space() byte {
	for s.i < len(s.doc) {
		switch c := s.doc[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// skip goes behind the value that begins here, without recursion.
func (s *scanner) skip() {
	depth := 0
	for s.i < len(s.doc) {
		switch c := s.space(); c {
		case '"':
			s.skipString()
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':':
			s.i++
			continue
		case 0:
			return
		default:
			for s.i < len(s.doc) && !contains(",:]} \t\r\n", s.doc[s.i]) {
				s.i++
			}
		}
		if depth == 0 {
			return
		}
	}
}

func (s *scanner) skipString() {
	for s.i++; s.i < len(s.doc); s.i++ {
		switch s.doc[s.i] {
		case '\\':
			s.i++
		case '"':
			s.i++
			return
		}
	}
}

// member goes to the value of a member of the object that begins here.
func (s *scanner) member(name string) bool {
	at := -1
	s.i++ // {
	for s.space() != '}' {
		if s.doc[s.i] == ',' {
			s.i++
			s.space()
		}
		from := s.i
		s.skipString()
		got, ok := unquote(s.doc[from:s.i])
		if !ok {
			return false
		}
		s.space()
		s.i++ // :
		s.space()
		if strings.EqualFold(got, name) {
			if at >= 0 || got != name {
				return false
			}
			at = s.i
		}
		s.skip()
	}
	s.i = at
	return at >= 0
}

// element goes to an element of the array that begins here.
func (s *scanner) element(index string) bool {
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || strconv.Itoa(n) != index {
		return false
	}
	s.i++ // [
	for ; ; n-- {
		if c := s.space(); c == ']' {
			return false
		} else if c == ',' {
			s.i++
			s.space()
		}
		if n == 0 {
			return true
		}
		s.skip()
	}
}

// unquote reads a JSON string. One with half of a surrogate pair is not taken:
// what it stands for depends on the reader.
func unquote(b []byte) (string, bool) {
	escaped := false
	for _, c := range b {
		if c == '\\' {
			escaped = true
			break
		}
	}
	if !escaped {
		return string(b[1 : len(b)-1]), true
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil || strings.ContainsRune(s, utf8.RuneError) {
		return "", false
	}
	return s, true
}
