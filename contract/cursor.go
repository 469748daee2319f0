// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
)

// cursor is a value of a document together with its place, so that every
// complaint can say where.
type cursor struct {
	s  *sources
	at place
	v  any
}

func (c cursor) fail(format string, args ...any) error { return c.s.fail(c.at, format, args...) }

// exists tells that there is a value; a null counts as none.
func (c cursor) exists() bool { return c.v != nil }

// get gives a member; it does not exist when c is no object.
func (c cursor) get(name string) cursor {
	m, _ := c.v.(map[string]any)
	return cursor{c.s, c.at.child(name), m[name]}
}

// members gives the members of an object in the order of their names.
func (c cursor) members() iter.Seq2[string, cursor] {
	return func(yield func(string, cursor) bool) {
		m, _ := c.v.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !yield(name, c.get(name)) {
				return
			}
		}
	}
}

// items gives the items of an array.
func (c cursor) items() iter.Seq2[int, cursor] {
	return func(yield func(int, cursor) bool) {
		list, _ := c.v.([]any)
		for i, v := range list {
			if !yield(i, cursor{c.s, c.at.item(i), v}) {
				return
			}
		}
	}
}

// object complains when c exists and is no object.
func (c cursor) object() error {
	if _, ok := c.v.(map[string]any); !ok && c.exists() {
		return c.fail("must be an object")
	}
	return nil
}

// array complains when c exists and is no array.
func (c cursor) array() error {
	if _, ok := c.v.([]any); !ok && c.exists() {
		return c.fail("must be an array")
	}
	return nil
}

// text gives a string, "" when there is none.
func (c cursor) text() (string, error) {
	switch v := c.v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return string(v), nil // version: 1.0 without quotes
	}
	return "", c.fail("must be a string")
}

// flag gives a boolean, def when there is none.
func (c cursor) flag(def bool) (bool, error) {
	switch v := c.v.(type) {
	case nil:
		return def, nil
	case bool:
		return v, nil
	}
	return false, c.fail("must be true or false")
}

// count gives a whole number that is not negative.
func (c cursor) count() (int, error) {
	n, ok := c.v.(json.Number)
	if ok && isInteger(string(n)) {
		if v, err := strconv.Atoi(rat(string(n)).RatString()); err == nil && v >= 0 {
			return v, nil
		}
	}
	return 0, c.fail("must be a whole number, 0 or more")
}

// follow gives what c refers to, where it is a Reference Object. Schemas are
// not followed: there a reference has siblings and may be recursive.
func (c cursor) follow() (cursor, error) {
	for range maxReference {
		ref, ok := c.get("$ref").v.(string)
		if !ok {
			return c, c.object()
		}
		to, err := c.s.target(c.at.file, ref)
		if err != nil {
			return c, c.fail("%v", err)
		}
		v, ok := lookup(c.s.files[to.file].root, to.pointer)
		if !ok {
			return c, c.fail("$ref names nothing")
		}
		c = cursor{c.s, to, v}
	}
	return c, c.fail("references lead to references without end")
}
