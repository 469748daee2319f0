// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "slices"

var typeNames = map[string]kind{
	"null": kNull, "boolean": kBool, "number": kNumber, "integer": kInteger,
	"string": kString, "array": kArray, "object": kObject,
}

// exoticKeywords change what a reference means, so that a schema that leads to
// one is left to the library whole.
var exoticKeywords = []string{"$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "$vocabulary"}

// part compiles the schema at a place, once. Schemas may lead back to
// themselves, so the result is entered before its parts are made.
func (sc *schemas) part(at place) *schema {
	if s, ok := sc.compiled[at]; ok {
		return s
	}
	s := &schema{at: at, maxLength: -1, maxMembers: -1, maxItems: -1, minContains: 1, maxContains: -1}
	sc.compiled[at] = s
	if s.bad = sc.bad[at]; s.bad != nil {
		return s
	}
	v, ok := lookup(sc.root(at.file), at.pointer)
	if !ok {
		s.bad = sc.src.fail(at, "there is no schema")
		return s
	}
	if verdict, ok := v.(bool); ok {
		s.never = !verdict
		return s
	}
	m, ok := v.(map[string]any)
	if !ok {
		s.bad = sc.src.fail(at, "a schema must be an object or a boolean")
		return s
	}
	for _, keyword := range exoticKeywords {
		if _, ok := m[keyword]; ok {
			s.exotic = true
			return s
		}
	}
	b := builder{sc: sc, s: s, c: cursor{sc.src, at, v}}
	b.any()
	b.numbers()
	b.texts()
	b.objects()
	b.arrays()
	b.combined()
	return s
}

// builder reads the keywords of one schema.
type builder struct {
	sc *schemas
	s  *schema
	c  cursor
}

// gap notes a keyword that cannot be applied. Whoever calls it leaves the
// keyword out whole.
func (b *builder) gap(c cursor, format string, args ...any) {
	b.gapAs(c, effectUnchecked, format, args...)
}

func (b *builder) gapAs(c cursor, effect, format string, args ...any) {
	if b.sc.src.gaps.sealed && !b.sc.src.gaps.seen[c.at] {
		b.s.bad = c.fail(format, args...)
		return
	}
	b.sc.src.gap(c.at, effect, c.fail(format, args...))
}

func (b *builder) has(name string) (cursor, bool) {
	m := b.c.v.(map[string]any)
	_, ok := m[name]
	return b.c.get(name), ok
}

func (b *builder) count(name string, into *int) {
	c, ok := b.has(name)
	if !ok {
		return
	}
	n, err := c.count()
	if err != nil {
		b.gap(c, "%s must be a whole number, 0 or more", name)
		return
	}
	*into = n
}

func (b *builder) bound(name string) *bound {
	c, ok := b.has(name)
	if !ok {
		return nil
	}
	literal, ok := c.v.(interface{ String() string })
	if !ok {
		b.gap(c, "%s must be a number", name)
		return nil
	}
	return newBound(literal.String())
}

func (b *builder) text(name string) string {
	c, ok := b.has(name)
	if !ok {
		return ""
	}
	text, ok := c.v.(string)
	if !ok {
		b.gap(c, "%s must be a string", name)
	}
	return text
}

// schema compiles the schema that a keyword holds.
func (b *builder) schema(name string) *schema {
	c, ok := b.has(name)
	if !ok {
		return nil
	}
	return b.part(c)
}

func (b *builder) part(c cursor) *schema { return b.sc.part(c.at) }

func (b *builder) list(name string) []*schema {
	c, ok := b.has(name)
	if !ok {
		return nil
	}
	items, ok := c.v.([]any)
	if !ok || len(items) == 0 {
		b.gap(c, "%s must be a list of schemas", name)
		return nil
	}
	var out []*schema
	for _, item := range c.items() {
		out = append(out, b.part(item))
	}
	return out
}

func (b *builder) named(name string) map[string]*schema {
	c, ok := b.has(name)
	if !ok {
		return nil
	}
	parts, ok := c.v.(map[string]any)
	if !ok {
		b.gap(c, "%s must be an object", name)
		return nil
	}
	out := make(map[string]*schema, len(parts))
	for name, part := range c.members() {
		out[name] = b.part(part)
	}
	return out
}

func (b *builder) names(c cursor) []string {
	list, ok := c.v.([]any)
	if !ok {
		b.gap(c, "must be a list of names")
	}
	var out []string
	for _, one := range list {
		name, ok := one.(string)
		if !ok {
			b.gap(c, "must be a list of names")
			return nil
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
