// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
func readObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	r := objectReader{d: d, left: maxMembers}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errJSON
	}
	return o, nil
}

type objectReader struct {
	d    *json.Decoder
	left int
}

func (r *objectReader) value(depth int) (any, error) {
	t, err := r.d.Token()
	if err != nil {
		return nil, errJSON
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, errJSON
	}
	if delim == '{' {
		return r.object(depth + 1)
	}
	return r.array(depth + 1)
}

func (r *objectReader) object(depth int) (any, error) {
	o := make(map[string]any, 8)
	for r.d.More() {
		t, err := r.d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errJSON
		}
		if _, twice := o[name]; twice {
			return nil, errJSON
		}
		if r.left--; r.left < 0 {
			return nil, errJSON
		}
		if o[name], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := r.d.Token()
	return o, err
}

func (r *objectReader) array(depth int) (any, error) {
	a := []any{}
	for r.d.More() {
		if r.left--; r.left < 0 {
			return nil, errJSON
		}
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := r.d.Token()
	return a, err
}
