// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"slices"
	"strings"
)

// mediaType is a type in lower case, without parameters.
func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}

// JSON tells whether the content is JSON, by its type.
func (m *Media) JSON() bool {
	return m.Type == "application/json" || strings.HasSuffix(m.Type, "+json") || m.Type == "text/json"
}

func (l *loader) body(p place) *Body {
	p, _, ok := l.deref(p)
	if !ok {
		return nil
	}
	b := &Body{Required: p.node.get("required").flag(), Content: l.content(p.get("content"))}
	if len(b.Content) == 0 {
		l.warn(p, "a body without content")
		return nil
	}
	return b
}

// content reads media types, JSON first: plain JSON, then other kinds of it.
func (l *loader) content(p place) []*Media {
	var all []*Media
	for _, typ := range p.members() {
		q, _, ok := l.deref(p.get(typ))
		if !ok || q.node.kind != mapNode || strings.HasPrefix(typ, "x-") {
			continue
		}
		m := &Media{Type: mediaType(typ), Schema: l.schema(q.get("schema")), Examples: l.examples(q)}
		encoding := q.get("encoding")
		for _, name := range encoding.members() {
			e := encoding.get(name).node
			if m.Encoding == nil {
				m.Encoding = map[string]Encoding{}
			}
			one := Encoding{Type: mediaType(e.get("contentType").str()), Style: e.get("style").str()}
			one.Explode = one.Style == "" || one.Style == "form"
			if explode := e.get("explode"); explode != nil {
				one.Explode = explode.flag()
			}
			m.Encoding[name] = one
		}
		all = append(all, m)
	}
	jsonFirst(all)
	return all
}

func jsonFirst(all []*Media) {
	rank := func(m *Media) int {
		switch {
		case m.Type == "application/json":
			return 0
		case m.JSON():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b *Media) int { return rank(a) - rank(b) })
}

// examples reads example and examples of a parameter or content.
func (l *loader) examples(p place) []any {
	var all []any
	take := func(q place) {
		if v, ok := q.node.value(); ok && q.node != nil {
			all = append(all, v)
		}
	}
	take(p.get("example"))
	examples := p.get("examples")
	for _, item := range examples.list() {
		take(item)
	}
	for _, name := range examples.members() {
		if q, _, ok := l.deref(examples.get(name)); ok {
			take(q.get("value"))
		}
	}
	return all
}

func (l *loader) answers(op *Operation, top, p place) {
	all := p.get("responses")
	for _, status := range all.members() {
		q, _, ok := l.deref(all.get(status))
		if !ok || q.node.kind != mapNode || strings.HasPrefix(status, "x-") {
			continue
		}
		key := strings.ToUpper(status)
		if key == "DEFAULT" {
			key = "default"
		}
		a := &Answer{Status: key, Description: q.node.get("description").str(), Headers: map[string]*Schema{}}
		if l.old {
			a.Content = l.oldContent(top, p, q)
		} else {
			a.Content = l.content(q.get("content"))
		}
		headers := q.get("headers")
		for _, name := range headers.members() {
			h, _, ok := l.deref(headers.get(name))
			if !ok {
				continue
			}
			if !l.old {
				h = h.get("schema")
			}
			a.Headers[name] = l.schema(h)
		}
		links := q.get("links")
		for _, name := range links.members() {
			if link, _, ok := l.deref(links.get(name)); ok {
				a.Links = append(a.Links, l.link(name, link))
			}
		}
		op.Answers[key] = a
	}
}

func (l *loader) link(name string, p place) *Link {
	k := &Link{Name: name, OperationID: p.node.get("operationId").str()}
	if ref := p.node.get("operationRef").str(); k.OperationID == "" && ref != "" {
		if target, err := l.resolve(p.file, ref); err != nil {
			l.warn(p, "operationRef %q: %v", ref, err)
		} else if k.OperationID = target.node.get("operationId").str(); k.OperationID == "" {
			k.OperationID = operationAt(target.at)
		}
	}
	params := p.get("parameters")
	for _, q := range params.members() {
		if k.Params == nil {
			k.Params = map[string]any{}
		}
		k.Params[q], _ = params.get(q).node.value()
	}
	k.Body, _ = p.get("requestBody").node.value()
	return k
}

// operationAt is the ID that an operation without one gets, by its pointer:
// /paths/~1users~1{id}/get.
func operationAt(pointer string) string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/paths/"), "/")
	if len(parts) != 2 {
		return ""
	}
	return strings.ToUpper(parts[1]) + " " + pointerUnescaper.Replace(parts[0])
}

// Answer finds what is declared for a status: the status itself, its class, or
// the default; nil where none is.
func (op *Operation) Answer(status string) *Answer {
	if a := op.Answers[status]; a != nil {
		return a
	}
	if len(status) == 3 {
		if a := op.Answers[status[:1]+"XX"]; a != nil {
			return a
		}
	}
	return op.Answers["default"]
}
