// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"strconv"
)

// kind is what a node is.
type kind uint8

const (
	nullNode kind = iota
	boolNode
	numberNode
	stringNode
	listNode
	mapNode
)

// node is one value of a document, JSON or YAML, with the order of members. By
// YAML's aliases nodes may be shared, and even hold themselves.
type node struct {
	kind  kind
	text  string // of a string; of a number in the form of JSON
	truth bool
	items []*node
	keys  []string
	byKey map[string]*node
}

// get is a member of a map, else nil; it is nil as well where the member is
// null, which says as little.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	if m := n.byKey[key]; m != nil && m.kind != nullNode {
		return m
	}
	return nil
}

// set adds a member, or changes it.
func (n *node) set(key string, v *node) {
	if _, there := n.byKey[key]; !there {
		n.keys = append(n.keys, key)
	}
	n.byKey[key] = v
}

func newMap() *node { return &node{kind: mapNode, byKey: map[string]*node{}} }

// str is a string's text; numbers and booleans, which people write without
// quotes, count as what they look like.
func (n *node) str() string {
	switch {
	case n == nil:
		return ""
	case n.kind == stringNode, n.kind == numberNode:
		return n.text
	case n.kind == boolNode:
		return strconv.FormatBool(n.truth)
	}
	return ""
}

// flag is a boolean, also one in quotes.
func (n *node) flag() bool {
	return n != nil && (n.kind == boolNode && n.truth || n.kind == stringNode && n.text == "true")
}

// number is a number, also one in quotes.
func (n *node) number() (float64, bool) {
	if n == nil || n.kind != numberNode && n.kind != stringNode {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	return f, err == nil
}

// strings are the strings of a list; one string counts as a list of one.
func (n *node) strings() []string {
	if n == nil {
		return nil
	}
	if n.kind != listNode {
		if s := n.str(); s != "" {
			return []string{s}
		}
		return nil
	}
	var all []string
	for _, item := range n.items {
		if s := item.str(); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// Limits of one value that is taken out of a document (an example, say).
const (
	valueDepth = 32
	valueNodes = 20000
)

// value is the node as encoding/json has values, numbers as json.Number. It
// says false where it is too deep or too large.
func (n *node) value() (any, bool) {
	left := valueNodes
	v := n.valueWithin(valueDepth, &left)
	return v, left > 0
}

func (n *node) valueWithin(depth int, left *int) any {
	*left--
	if n == nil || *left <= 0 {
		return nil
	}
	if depth == 0 {
		*left = 0
		return nil
	}
	switch n.kind {
	case boolNode:
		return n.truth
	case numberNode:
		return json.Number(n.text)
	case stringNode:
		return n.text
	case listNode:
		list := make([]any, 0, len(n.items))
		for _, item := range n.items {
			list = append(list, item.valueWithin(depth-1, left))
		}
		return list
	case mapNode:
		m := make(map[string]any, len(n.keys))
		for _, k := range n.keys {
			m[k] = n.byKey[k].valueWithin(depth-1, left)
		}
		return m
	}
	return nil
}
