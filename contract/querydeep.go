// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strconv"
	"strings"
)

// deepParameter checks a parameter of style deepObject, and gives false when it
// is to be checked as a plain one. The style is defined for objects only
// (OpenAPI 3.1.1, 4.8.12.3); documents that are in use have it for lists as well,
// as name[]=a&name[]=b or name[0]=a&name[1]=b, and for a value that is either an
// object or a plain one.
func (w *work) deepParameter(r *rule) bool {
	deep, plain, list := 0, false, true
	for i := range w.pairs {
		p := &w.pairs[i]
		if p.name == r.name {
			plain = true
			continue
		}
		index, ok := strings.CutPrefix(p.name, r.name+"[")
		if !ok || p.used {
			continue
		}
		index, ok = strings.CutSuffix(index, "]")
		list = list && ok && (index == "" || index == strconv.Itoa(deep))
		deep++
	}
	switch {
	case plain && deep > 0: // two readers could take either
		w.claim(r.name, false)
		w.c.note("", reasonRepeated)
		return true
	case deep == 0 && r.single&^kNull != 0:
		return false
	case deep > 0 && list && r.types&kArray != 0:
		w.deepList(r)
		return true
	case deep > 0 && r.types&kObject == 0: // a list with gaps, or in another order
		w.c.note("", reasonType)
		return true
	}
	w.objectParameter(r)
	return true
}

// deepList takes the items in the order that they stand in.
func (w *work) deepList(r *rule) {
	c := &w.c
	root, last, reason := c.t.add(node{kind: kArray}), int32(0), ""
	for i := range w.pairs {
		p := &w.pairs[i]
		if p.used || !strings.HasPrefix(p.name, r.name+"[") {
			continue
		}
		p.used = true
		if last, reason = c.item(root, last, r.shape.items, p.raw, unescape); reason != "" {
			c.note("", reason)
			return
		}
	}
	c.run(r.schema, root)
}
