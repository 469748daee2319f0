// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

const (
	maxDepth   = 16
	maxMembers = 1024 // members and elements in one document
)

var errJSON = errors.New("not a plain JSON object")

// readObject reads a JSON object in the narrowest sense of RFC 8259 and RFC
// 7493: UTF-8, no member twice at any depth (after escapes are resolved), and
// nothing behind it. Two readers of such an object cannot disagree on it.
// Numbers stay json.Number.
//
// The standard library decides whether the text is JSON at all; what follows
// relies on that, and only builds the values: its own decoder keeps the last of
// two members of one name, and lets nobody know.
func readObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errJSON
	}
	r := objectReader{data: data, left: maxMembers}
	if r.next() != '{' {
		return nil, errJSON
	}
	return r.object(1)
}

// objectReader walks valid JSON.
type objectReader struct {
	data []byte
	i    int
	left int
}

// next skips white space and gives the byte behind it, without taking it.
func (r *objectReader) next() byte {
	for {
		switch c := r.data[r.i]; c {
		case ' ', '\t', '\r', '\n':
			r.i++
		default:
			return c
		}
	}
}

func (r *objectReader) value(depth int) (any, error) {
	if r.left--; r.left < 0 || depth > maxDepth {
		return nil, errJSON
	}
	switch c := r.next(); c {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		return r.text()
	case 't':
		r.i += len("true")
		return true, nil
	case 'f':
		r.i += len("false")
		return false, nil
	case 'n':
		r.i += len("null")
		return nil, nil
	}
	from := r.i
	for r.i < len(r.data) && bytes.IndexByte([]byte("+-.0123456789Ee"), r.data[r.i]) >= 0 {
		r.i++
	}
	return json.Number(r.data[from:r.i]), nil
}

func (r *objectReader) object(depth int) (map[string]any, error) {
	o := make(map[string]any, 8)
	r.i++ // {
	for r.next() != '}' {
		if r.data[r.i] == ',' {
			r.i++
			r.next()
		}
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, errJSON
		}
		r.next()
		r.i++ // :
		if o[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	r.i++
	return o, nil
}

func (r *objectReader) array(depth int) ([]any, error) {
	a := []any{}
	r.i++ // [
	for r.next() != ']' {
		if r.data[r.i] == ',' {
			r.i++
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	r.i++
	return a, nil
}

// text reads a string. One with escapes is left to the standard library.
func (r *objectReader) text() (string, error) {
	from, escaped := r.i, false
	for r.i++; r.data[r.i] != '"'; r.i++ {
		if r.data[r.i] == '\\' {
			escaped = true
			r.i++
		}
	}
	r.i++
	if !escaped {
		return string(r.data[from+1 : r.i-1]), nil
	}
	var s string
	if err := json.Unmarshal(r.data[from:r.i], &s); err != nil {
		return "", errJSON
	}
	return s, nil
}
