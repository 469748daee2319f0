// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxAnswer  = 64 << 10 // bytes of an answer
	maxDepth   = 16
	maxMembers = 1024 // members and elements in one answer
	maxName    = 256  // bytes of a subject, role, scope, audience
	maxList    = 256  // roles, scopes, audiences
)

var (
	errJSON      = errors.New("introspection: the answer is not a plain JSON object")
	errClaimType = errors.New("introspection: a member of the answer has the wrong type, or is too long")
)

// readObject reads a JSON object (RFC 8259) that no two readers can understand
// differently: UTF-8, no member twice at any depth, nothing behind it. Numbers
// stay json.Number.
func readObject(data []byte) (map[string]any, error) {
	if len(data) > maxAnswer || !utf8.Valid(data) || !json.Valid(data) {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	r := reader{d: d, left: maxMembers}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errJSON
	}
	return o, nil
}

type reader struct {
	d    *json.Decoder
	left int
}

func (r *reader) value(depth int) (any, error) {
	if r.left--; r.left < 0 || depth > maxDepth {
		return nil, errJSON
	}
	t, err := r.d.Token()
	if err != nil {
		return nil, errJSON
	}
	switch t {
	case json.Delim('{'):
		return r.object(depth)
	case json.Delim('['):
		return r.array(depth)
	}
	return t, nil
}

func (r *reader) object(depth int) (any, error) {
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
		if o[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.d.Token() // }
	return o, err
}

func (r *reader) array(depth int) (any, error) {
	a := []any{}
	for r.d.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := r.d.Token() // ]
	return a, err
}

// find gives the first member that is there: of the configured name, or of the
// defaults where none is configured.
func find(o map[string]any, configured string, defaults []string) any {
	if configured == "" {
		for _, name := range defaults {
			if v, ok := o[name]; ok {
				return v
			}
		}
		return nil
	}
	if v, ok := o[configured]; ok {
		return v
	}
	var v any = o
	for name := range strings.SplitSeq(configured, ".") {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[name]
	}
	return v
}

func text(o map[string]any, configured string, defaults ...string) (string, error) {
	v := find(o, configured, defaults)
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || len(s) > maxName {
		return "", errClaimType
	}
	return s, nil
}

// list reads a list of names, or a string: one name, or several between spaces
// where split is set.
func list(v any, split bool) ([]string, error) {
	var names []string
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		names = []string{v}
		if split {
			names = strings.Fields(v)
		}
	case []any:
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil, errClaimType
			}
			names = append(names, s)
		}
	default:
		return nil, errClaimType
	}
	if len(names) > maxList {
		return nil, errClaimType
	}
	for _, n := range names {
		if n == "" || len(n) > maxName {
			return nil, errClaimType
		}
	}
	return names, nil
}

// date reads a time: a number of seconds from 1970 to 9999. The zero time says
// that there is none.
func date(o map[string]any, name string) (time.Time, error) {
	v, ok := o[name]
	if !ok || v == nil {
		return time.Time{}, nil
	}
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, errClaimType
	}
	const last = 253402300799
	if s, err := strconv.ParseInt(string(n), 10, 64); err == nil && s >= 0 && s <= last {
		return time.Unix(s, 0), nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || !(f >= 0 && f <= last) {
		return time.Time{}, errClaimType
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e9)), nil
}
