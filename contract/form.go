// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"unicode/utf8"
)

// isText tells that s is UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// form checks application/x-www-form-urlencoded content as the object that its
// fields are. A field that comes several times is a list.
func (w *work) form(m *mediaRule, s string) *fault {
	w.t.reset()
	var reason string
	if w.pairs, reason = splitPairs(w.pairs[:0], s, w.c.lim.members); reason != "" {
		return &fault{reason: reason, bounded: reason == reasonMany}
	}
	root, last := w.t.add(node{kind: kObject}), int32(0)
	for i := range w.pairs {
		p := &w.pairs[i]
		if p.used {
			continue
		}
		p.used = true
		if last, reason = w.pairMember(root, last, &m.shape, i, p.name, unescapeForm); reason != "" {
			w.c.note("/"+escapePointer(shown(p.name)), reason)
			return nil
		}
		if !m.open && m.shape.members[p.name] == nil {
			w.c.note("/"+escapePointer(shown(p.name)), reasonUnknown)
		}
	}
	if m.schema != nil {
		w.c.run(m.schema, root)
	}
	return nil
}
