// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// value begins a value, of which c is the first byte.
func (s *stripper) value(c byte) (more bool, err error) {
	end := s.pos + 1
	kind := kString
	switch c {
	case '{':
		kind = kObject
	case '[':
		kind = kArray
	case '"':
	case 't':
		kind = kBool
		end = s.literal("true")
	case 'f':
		kind = kBool
		end = s.literal("false")
	case 'n':
		kind = kNull
		end = s.literal("null")
	default:
		kind = kNumber
		end = s.number()
	}
	switch end {
	case wrong:
		return false, errJSON
	case unfinished:
		return true, nil
	}
	node, err := s.nodeOf(kind)
	if err != nil {
		return false, err
	}
	if node != nil {
		s.types(node, kind, s.buf[s.pos:end])
	}
	switch kind {
	case kObject, kArray:
		return false, s.open(node, kind == kArray)
	case kString:
		s.pos, s.state = s.pos+1, inString
		return false, nil
	}
	s.pos = end
	s.valueEnds()
	return false, nil
}

const (
	wrong      = -1
	unfinished = -2
)

// nodeOf gives the outline of the value that begins, nil within what is
// removed. An item is decided on here, a member was when its name was read.
func (s *stripper) nodeOf(k kind) (*outline, error) {
	if s.cut != 0 {
		return nil, nil
	}
	if len(s.stack) == 0 {
		if s.root == nil || s.conceals(s.root) {
			return nil, errHidden
		}
		return s.root, nil
	}
	f := &s.stack[len(s.stack)-1]
	if !f.array {
		return s.found.next, nil
	}
	to := f.node.items
	f.name = "*"
	switch {
	case to == nil && s.rules.allow:
		to = anything
	case to == nil && s.rules.block:
		s.found.cutItem(s.stack)
		return nil, errUndeclared
	case to == nil || s.conceals(to):
		if s.found.cutItem(s.stack); !s.rules.keep {
			s.remove(f)
			return nil, nil
		}
		if to == nil {
			to = anything
		}
	}
	s.retain(f)
	return to, nil
}

// types notes a value that is of none of the declared types.
func (s *stripper) types(node *outline, k kind, literal []byte) {
	if node.types == 0 || node.types&k != 0 && (k != kNumber || node.types&kNumber != 0) {
		return
	}
	if k == kNumber && node.types&kInteger != 0 && (!bytes.ContainsAny(literal, ".eE") || isInteger(string(literal))) {
		return
	}
	s.found.invalidHere(s.stack)
}

// open begins an object or array.
func (s *stripper) open(node *outline, array bool) error {
	if len(s.stack) == deepest {
		return errDeep
	}
	if node != nil && node.pick != nil && !array {
		node = s.alternative(node)
	}
	s.stack = append(s.stack, frame{node: node, array: array})
	s.pos++
	s.state = wantFirstKey
	if array {
		s.state = wantFirstItem
	}
	return nil
}

// literal gives the end of a word.
func (s *stripper) literal(word string) int {
	rest := s.buf[s.pos:]
	if len(rest) < len(word) {
		if string(rest) == word[:len(rest)] {
			return unfinished
		}
		return wrong
	}
	if string(rest[:len(word)]) != word {
		return wrong
	}
	return s.pos + len(word)
}

// number gives the end of a number (RFC 8259, section 6).
func (s *stripper) number() int {
	i, b := s.pos, s.buf
	for i < len(b) {
		if c := b[i]; c-'0' > 9 && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		i++
	}
	if i == len(b) && !s.last {
		return unfinished
	}
	if !isNumberText(b[s.pos:i]) {
		return wrong
	}
	return i
}

func isNumberText(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && b[n]-'0' <= 9 {
			n++
		}
		b = b[n:]
		return n > 0
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) > 1 && b[0] == '0' && b[1]-'0' <= 9 || !digits() {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; !digits() {
			return false
		}
	}
	if len(b) > 0 && b[0]|0x20 == 'e' {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		return digits() && len(b) == 0
	}
	return len(b) == 0
}

// text reads on in a string.
func (s *stripper) text() (more bool, err error) {
	b, i, ascii := s.buf, s.pos, true
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(b[s.pos:i]) {
				return false, errJSON
			}
			s.pos = i + 1
			s.valueEnds()
			return false, nil
		case c == '\\':
			n := escapeLength(b[i:])
			if n == wrong {
				return false, errJSON
			}
			if n == unfinished {
				return s.pause(i, ascii)
			}
			i += n
		case c < 0x20:
			return false, errJSON
		default:
			ascii = ascii && c < utf8.RuneSelf
			i++
		}
	}
	return s.pause(i, ascii)
}

// pause ends a piece of a string at i, or before the character whose bytes are
// not all there.
func (s *stripper) pause(i int, ascii bool) (more bool, err error) {
	if !ascii {
		from := i
		for from > s.pos && from > i-utf8.UTFMax && !utf8.RuneStart(s.buf[from-1]) {
			from--
		}
		if from > s.pos && i == len(s.buf) && !utf8.FullRune(s.buf[from-1:i]) {
			i = from - 1
		}
		if !utf8.Valid(s.buf[s.pos:i]) {
			return false, errJSON
		}
	}
	s.pos = i
	return true, nil
}

// escapeLength gives the length of the escape that b begins with.
func escapeLength(b []byte) int {
	switch {
	case len(b) < 2:
		return unfinished
	case bytes.IndexByte([]byte(escapes), b[1]) >= 0:
		return 2
	case b[1] != 'u':
		return wrong
	}
	for i := 2; i < 6; i++ {
		if i == len(b) {
			return unfinished
		}
		if c := b[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return wrong
		}
	}
	return 6
}

// endOfString gives the place behind the string that begins at from, unfinished
// when its end is not there. Escapes are left to who decodes them.
func endOfString(b []byte, from int) (end int, escaped bool) {
	for i := from + 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			i++
		case c < 0x20:
			return wrong, escaped
		}
	}
	return unfinished, escaped
}

// decodeName gives the name that a JSON string with escapes means. A lone
// surrogate is taken for U+FFFD, as most readers do.
func decodeName(text []byte) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			out = append(out, text[i])
			i++
			continue
		}
		n := escapeLength(text[i:])
		if n < 0 {
			return nil, errJSON
		}
		if n == 2 {
			out = append(out, escapeds[bytes.IndexByte([]byte(escapes), text[i+1])])
			i += n
			continue
		}
		r := hexRune(text[i+2 : i+6])
		i += n
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if escapeLength(text[i:]) == 6 && text[i] == '\\' {
				low = hexRune(text[i+2 : i+6])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

func hexRune(b []byte) (r rune) {
	for _, c := range b {
		v := rune(c - '0')
		if c > '9' {
			v = rune(c|0x20-'a') + 10
		}
		r = r<<4 | v
	}
	return r
}

// alternative looks ahead for the member that tells which of several forms the
// object at pos has. Where it cannot be found, the object may have any of them.
func (s *stripper) alternative(node *outline) *outline {
	budget := mostAhead*len(s.buf) - s.spent
	if !s.whole || budget <= 0 {
		return node
	}
	v, looked := lookAhead(s.buf[s.pos:], node.pick.property, budget)
	s.spent += looked
	if one := node.pick.by[string(v)]; one != nil {
		return one
	}
	return node
}

// lookAhead finds the string that a member of the object at the start of b has.
// It gives nil where there is none, or where there are two.
func lookAhead(b []byte, property string, budget int) (value []byte, looked int) {
	depth, found := 0, false
	b = b[:min(len(b), budget)]
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return value, i
			}
		case '"':
			end, escaped := endOfString(b, i)
			if end < 0 {
				return nil, len(b)
			}
			name := b[i+1 : end-1]
			i = end - 1
			if depth == 1 && escaped {
				name, _ = decodeName(name)
			}
			if depth != 1 || string(name) != property {
				continue
			}
			at := end
			for at < len(b) && (isSpace(b[at]) || b[at] == ':') {
				at++
			}
			if at == end || bytes.IndexByte(b[end:at], ':') < 0 {
				continue // it is a value
			}
			if found {
				return nil, i
			}
			found = true
			if at == len(b) || b[at] != '"' {
				continue
			}
			stop, escaped := endOfString(b, at)
			if stop < 0 {
				return nil, len(b)
			}
			if value, i = b[at+1:stop-1], stop-1; escaped {
				value, _ = decodeName(value)
			}
		}
	}
	return nil, len(b)
}
