// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "strings"

// multipart checks the parts' names, types and, where they are not files, their
// values. Each part is held against the schema of its field; keywords that
// compare fields with each other (oneOf, dependentRequired) are not applied.
func (w *work) multipart(m *mediaRule, content []byte, boundary string) *fault {
	parts, f := splitParts(content, boundary, w.c.lim.parts)
	if f != nil {
		return f
	}
	w.t.reset()
	seen := make(map[string]bool, len(parts))
	for i := range parts {
		p := &parts[i]
		w.c.name = "/" + escapePointer(shown(p.name))
		s := m.shape.member(p.name)
		switch {
		case s == nil && !m.open, s != nil && s.never:
			w.c.note("", reasonUnknown)
		case seen[p.name] && (s == nil || s.typeSet()&kArray == 0):
			w.c.note("", reasonRepeated)
		default:
			w.part(s, m.encoding[p.name], p)
		}
		seen[p.name] = true
	}
	for _, name := range m.names {
		if !seen[name] {
			w.c.name = "/" + escapePointer(name)
			w.c.note("", reasonRequired)
		}
	}
	w.c.name = ""
	return nil
}

// part checks one part against the schema of its field.
func (w *work) part(s *schema, form *partForm, p *part) {
	if form != nil && len(form.types) > 0 && !form.takes(p) {
		w.c.note("", reasonOtherType)
		return
	}
	if s == nil {
		return
	}
	types := s.typeSet() &^ kNull
	if types == kArray {
		// Each part is one item.
		if s = s.shapeOf().items; s == nil {
			return
		}
		types = s.typeSet() &^ kNull
	}
	if isJSONType(p.base) || types == kObject {
		root := int32(len(w.t.nodes))
		if f := w.c.dec.decode(string(p.content), &w.t, w.c.lim); f != nil {
			w.c.note(f.pointer, f.reason)
			return
		}
		w.c.run(s, root)
		return
	}
	if p.isFile || p.base != "" && p.base != "text/plain" {
		return // a file: its size is bounded by the content's
	}
	text := string(p.content)
	if !isText(text) {
		w.c.note("", reasonChar)
		return
	}
	w.c.run(s, w.c.scalar(s, types, text))
}

// takes tells that the part's type is one of those that the contract names. A
// part without a type is text/plain (RFC 7578, 4.4).
func (f *partForm) takes(p *part) bool {
	base := p.base
	if base == "" {
		base = "text/plain"
	}
	for _, t := range f.types {
		if kind, ok := strings.CutSuffix(t, "/*"); t == base || t == "*/*" || ok && strings.HasPrefix(base, kind+"/") {
			return true
		}
	}
	return false
}
