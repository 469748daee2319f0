// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"
)

// claim marks the pairs with a name as used, and gives the first one's place,
// -1 when there is none. A second one is a fault where it must be single.
func (w *work) claim(name string, single bool) int {
	first := -1
	for i := range w.pairs {
		if p := &w.pairs[i]; p.name == name && !p.used {
			p.used = true
			if first < 0 {
				first = i
			} else if single {
				w.c.note("", reasonRepeated)
				single = false
			}
		}
	}
	return first
}

func (w *work) queryParameter(r *rule) {
	c := &w.c
	had := len(*c.out)
	switch {
	case r.json:
	case r.style == "deepObject":
		if w.deepParameter(r) {
			return
		}
	case r.exploded():
		w.objectParameter(r)
		return
	case r.types&kArray != 0 && r.explode:
		w.listParameter(r)
		return
	}
	i := w.claim(r.name, true)
	switch {
	case len(*c.out) > had:
	case i < 0 && r.required:
		c.note("", reasonRequired)
	case i < 0, w.pairs[i].raw == "" && r.emptyValue:
	default:
		c.value(r, w.pairs[i].raw, unescape)
	}
}

// again tells that another pair behind this one has its name.
func (w *work) again(first int) bool {
	return slices.ContainsFunc(w.pairs[first+1:], func(p pair) bool { return p.name == w.pairs[first].name })
}

// listParameter checks a list whose items are parameters of the same name.
func (w *work) listParameter(r *rule) {
	c := &w.c
	first := w.claim(r.name, false)
	if first < 0 {
		if r.required {
			c.note("", reasonRequired)
		}
		return
	}
	if w.pairs[first].raw == "" && r.emptyValue && !w.again(first) {
		return
	}
	root, last, reason := c.t.add(node{kind: kArray}), int32(0), ""
	for i := first; i < len(w.pairs); i++ {
		if w.pairs[i].name != r.name {
			continue
		}
		if last, reason = c.item(root, last, r.shape.items, w.pairs[i].raw, unescape); reason != "" {
			c.note("", reason)
			return
		}
	}
	if n := c.t.nodes[root]; n.count == 1 && r.single&^kNull != 0 {
		// A list or a single value, and one is there: the single value first.
		text, _ := unescape(w.pairs[first].raw)
		c.path = c.path[:0]
		if c.quietly(r.schema, c.scalar(r.schema, r.single, text)) {
			return
		}
	}
	c.run(r.schema, root)
}

// objectParameter checks an object whose members are parameters of their own:
// name[member]=value, or member=value.
func (w *work) objectParameter(r *rule) {
	c := &w.c
	root, last, reason := c.t.add(node{kind: kObject}), int32(0), ""
	for i := range w.pairs {
		p := &w.pairs[i]
		member := p.name
		if r.style == "deepObject" {
			rest, ok := strings.CutPrefix(p.name, r.name+"[")
			if !ok {
				continue
			}
			member, ok = strings.CutSuffix(rest, "]")
			if !ok || strings.ContainsAny(member, "[]") {
				continue
			}
		} else if r.shape.member(member) == nil {
			continue
		}
		if p.used {
			continue
		}
		p.used = true
		if last, reason = w.pairMember(root, last, &r.shape, i, member, unescape); reason != "" {
			c.note("/"+escapePointer(shown(member)), reason)
			return
		}
	}
	switch {
	case c.t.nodes[root].count > 0:
		c.run(r.schema, root)
	case r.required:
		c.note("", reasonRequired)
	}
}

// pairMember adds the member that pair i holds to an object. Where its schema
// is a list, all pairs of its name are its items.
func (w *work) pairMember(root, last int32, sh *shape, i int, member string, decode decodeFunc) (int32, string) {
	c := &w.c
	s := sh.member(member)
	if s == nil || s.typeSet()&^kNull != kArray {
		text, ok := decode(w.pairs[i].raw)
		if !ok {
			return 0, reasonChar
		}
		return c.addMember(root, last, sh, member, text)
	}
	items := s.shapeOf().items
	list := c.t.add(node{kind: kArray, key: member, index: c.t.nodes[root].count})
	lastItem, reason := int32(0), ""
	for k := i; k < len(w.pairs); k++ {
		if w.pairs[k].name != w.pairs[i].name {
			continue
		}
		w.pairs[k].used = true
		if lastItem, reason = c.item(list, lastItem, items, w.pairs[k].raw, decode); reason != "" {
			return 0, reason
		}
	}
	c.t.link(root, last, list)
	return list, ""
}
