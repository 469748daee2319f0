// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string behind its opening quote. One without escapes is a view
// into the body.
func (r *jsonReader) text() (string, bool) {
	at := r.i
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			return view(r.b[at : r.i-1]), true
		case c == '\\':
			return r.escaped(at)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// escaped reads on from the first backslash of the string that began at start.
func (r *jsonReader) escaped(start int) (string, bool) {
	f := r.f
	at := len(f.arena)
	f.arena = append(f.arena, r.b[start:r.i]...)
	for r.i < len(r.b) {
		c := r.b[r.i]
		r.i++
		switch {
		case c == '"':
			return view(f.arena[at:]), true
		case c < ' ':
			return "", false
		case c != '\\':
			f.arena = append(f.arena, c)
			continue
		}
		if r.i == len(r.b) {
			return "", false
		}
		c = r.b[r.i]
		r.i++
		switch c {
		case '"', '\\', '/':
			f.arena = append(f.arena, c)
		case 'b':
			f.arena = append(f.arena, '\b')
		case 'f':
			f.arena = append(f.arena, '\f')
		case 'n':
			f.arena = append(f.arena, '\n')
		case 'r':
			f.arena = append(f.arena, '\r')
		case 't':
			f.arena = append(f.arena, '\t')
		case 'u':
			c, ok := r.unit()
			if !ok {
				return "", false
			}
			// Any escape that follows half of a pair is taken as the other half.
			if utf16.IsSurrogate(c) && len(r.b)-r.i >= 6 && r.b[r.i] == '\\' && r.b[r.i+1] == 'u' {
				r.i += 2
				second, ok := r.unit()
				if !ok {
					return "", false
				}
				c = utf16.DecodeRune(c, second)
			}
			f.arena = utf8.AppendRune(f.arena, c)
		default:
			return "", false
		}
	}
	return "", false
}

// unit reads the four digits of an escape.
func (r *jsonReader) unit() (rune, bool) {
	if len(r.b)-r.i < 4 {
		return 0, false
	}
	var c rune
	for _, h := range r.b[r.i : r.i+4] {
		if unhex[h] > 15 {
			return 0, false
		}
		c = c<<4 | rune(unhex[h])
	}
	r.i += 4
	return c, true
}
