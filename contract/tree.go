// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// kind is the type of a JSON value. The values are bits, so that a schema's
// types are a set.
type kind uint8

const (
	kNull kind = 1 << iota
	kBool
	kNumber
	kString
	kArray
	kObject
	kInteger // only in a schema's set of types: a number without a fraction
)

const kAny = kNull | kBool | kNumber | kString | kArray | kObject

// node is one value of a tree. Children are a list through first and next; 0
// ends it, because node 0 is the root and nobody's child.
type node struct {
	kind  kind
	index int32  // place among its siblings
	first int32  // first item or member
	next  int32  // next sibling
	count int32  // items or members
	key   string // its name, where it is a member of an object
	text  string // a string's value, a number's literal, "true" or "false"
}

// tree is a JSON value in one slice, so that reading a request's content costs
// no allocation per value, and numbers stay exact.
type tree struct{ nodes []node }

func (t *tree) reset() {
	if cap(t.nodes) > 4096 {
		t.nodes = nil
		return
	}
	clear(t.nodes) // the strings must not outlive the request
	t.nodes = t.nodes[:0]
}

func (t *tree) add(n node) int32 {
	t.nodes = append(t.nodes, n)
	return int32(len(t.nodes) - 1)
}

// link makes child the last child of parent, whose last one so far is last (0
// when it has none).
func (t *tree) link(parent, last, child int32) {
	if last == 0 {
		t.nodes[parent].first = child
	} else {
		t.nodes[last].next = child
	}
	t.nodes[parent].count++
}

// member finds the member of object i that is called key; 0 when there is none.
func (t *tree) member(i int32, key string) int32 {
	for c := t.nodes[i].first; c != 0; c = t.nodes[c].next {
		if t.nodes[c].key == key {
			return c
		}
	}
	return 0
}

// value makes of node i what package jsonschema validates.
func (t *tree) value(i int32) any {
	n := &t.nodes[i]
	switch n.kind {
	case kBool:
		return n.text == "true"
	case kNumber:
		return json.Number(n.text)
	case kString:
		return n.text
	case kArray:
		out := make([]any, 0, n.count)
		for c := n.first; c != 0; c = t.nodes[c].next {
			out = append(out, t.value(c))
		}
		return out
	case kObject:
		out := make(map[string]any, n.count)
		for c := n.first; c != 0; c = t.nodes[c].next {
			out[t.nodes[c].key] = t.value(c)
		}
		return out
	}
	return nil
}

// addValue is the inverse of value, for the constants of a schema.
func (t *tree) addValue(key string, index int32, v any) int32 {
	n := node{key: key, index: index, kind: kNull}
	switch v := v.(type) {
	case bool:
		n.kind, n.text = kBool, strconv.FormatBool(v)
	case json.Number:
		n.kind, n.text = kNumber, string(v)
	case string:
		n.kind, n.text = kString, v
	case []any:
		n.kind = kArray
		i := t.add(n)
		last := int32(0)
		for k, item := range v {
			c := t.addValue("", int32(k), item)
			t.link(i, last, c)
			last = c
		}
		return i
	case map[string]any:
		n.kind = kObject
		i := t.add(n)
		last := int32(0)
		for k, name := range slices.Sorted(maps.Keys(v)) {
			c := t.addValue(name, int32(k), v[name])
			t.link(i, last, c)
			last = c
		}
		return i
	}
	return t.add(n)
}

func treeOf(v any) *tree {
	t := new(tree)
	t.addValue("", 0, v)
	return t
}

// equal compares two values as JSON Schema does: numbers by value, objects
// without regard to order.
func equal(a *tree, i int32, b *tree, j int32) bool {
	x, y := &a.nodes[i], &b.nodes[j]
	if x.kind != y.kind || x.count != y.count {
		return false
	}
	switch x.kind {
	case kBool, kString:
		return x.text == y.text
	case kNumber:
		return x.text == y.text || compareNumbers(x.text, y.text) == 0
	case kArray:
		for c, d := x.first, y.first; c != 0; c, d = a.nodes[c].next, b.nodes[d].next {
			if !equal(a, c, b, d) {
				return false
			}
		}
	case kObject:
		for c := x.first; c != 0; c = a.nodes[c].next {
			d := b.member(j, a.nodes[c].key)
			if d == 0 || !equal(a, c, b, d) {
				return false
			}
		}
	}
	return true
}
