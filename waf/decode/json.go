// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON is looked into; what lies deeper is not.
const maxDepth = 128

// walker goes through the texts of JSON without building anything of it.
type walker struct {
	b    []byte
	i    int
	path []byte // of the value, as a.b.0
	to   leaves

	depth     int
	unescaped []byte
}

// leaves is told of each text, and of the names of members; false ends the walk.
type leaves interface {
	leaf(w *walker, text []byte, member bool) bool
}

type leafFunc func(text []byte, member bool) bool

func (f leafFunc) leaf(_ *walker, text []byte, member bool) bool { return f(text, member) }

func valid(text []byte) bool { return json.Valid(text) }

// value goes through one value; false ends the walk.
func (w *walker) value() bool {
	w.white()
	if w.i >= len(w.b) {
		return false
	}
	switch w.b[w.i] {
	case '{':
		return w.nested('}', true)
	case '[':
		return w.nested(']', false)
	case '"':
		text, ok := w.text()
		return ok && w.to.leaf(w, text, false)
	}
	start := w.i
	for w.i < len(w.b) && bytes.IndexByte([]byte(",]} \t\r\n"), w.b[w.i]) < 0 {
		w.i++
	}
	return w.i > start
}

// nested goes through an object or array.
func (w *walker) nested(end byte, object bool) bool {
	if w.depth++; w.depth > maxDepth {
		return false
	}
	defer func() { w.depth-- }()
	w.i++
	above := len(w.path)
	for n := 0; ; n++ {
		if w.white(); w.i < len(w.b) && w.b[w.i] == end && n == 0 {
			w.i++
			return true
		}
		w.path = append(w.path[:above], '.')
		if object {
			name, ok := w.text()
			if !ok || !w.to.leaf(w, name, true) {
				return false
			}
			w.path = append(w.path, name...)
			if w.white(); w.i >= len(w.b) || w.b[w.i] != ':' {
				return false
			}
			w.i++
		} else {
			w.path = strconv.AppendInt(w.path, int64(n), 10)
		}
		if !w.value() {
			return false
		}
		w.path = w.path[:above]
		if w.white(); w.i >= len(w.b) {
			return false
		}
		w.i++
		switch w.b[w.i-1] {
		case end:
			return true
		case ',':
		default:
			return false
		}
	}
}

func (w *walker) white() {
	for w.i < len(w.b) && (w.b[w.i] == ' ' || w.b[w.i] == '\n' || w.b[w.i] == '\r' || w.b[w.i] == '\t') {
		w.i++
	}
}

// text reads a string. What it gives is valid until the next is read.
func (w *walker) text() ([]byte, bool) {
	if w.i >= len(w.b) || w.b[w.i] != '"' {
		return nil, false
	}
	w.i++
	start, escaped := w.i, false
	for ; w.i < len(w.b); w.i++ {
		switch w.b[w.i] {
		case '"':
			raw := w.b[start:w.i]
			w.i++
			if !escaped {
				return raw, true
			}
			w.unescaped = appendString(w.unescaped[:0], raw)
			return w.unescaped, true
		case '\\':
			escaped = true
			w.i++
		}
	}
	return nil, false
}

var shortEscapes = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '/': '/'}

// appendString undoes the escapes of a JSON string.
func appendString(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		if c := shortEscapes[raw[1]]; c != 0 {
			dst = append(dst, c)
			raw = raw[2:]
			continue
		}
		r := -1
		if raw[1] == 'u' {
			r = hex4(raw[2:])
		}
		if r < 0 {
			dst = append(dst, raw[:2]...)
			raw = raw[2:]
			continue
		}
		raw = raw[6:]
		if utf16.IsSurrogate(rune(r)) && len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
			if both := utf16.DecodeRune(rune(r), rune(hex4(raw[2:]))); both != utf8.RuneError {
				dst, raw = utf8.AppendRune(dst, both), raw[6:]
				continue
			}
		}
		dst = utf8.AppendRune(dst, rune(r))
	}
}
