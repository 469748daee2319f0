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
func (sc *schemas) part(at place) (*schema, error) {
	if s, ok := sc.compiled[at]; ok {
		return s, nil
	}
	s := &schema{at: at, maxLength: -1, maxMembers: -1, maxItems: -1, minContains: 1, maxContains: -1}
	sc.compiled[at] = s
	v, ok := lookup(sc.root(at.file), at.pointer)
	if !ok {
		return nil, sc.src.fail(at, "there is no schema")
	}
	if verdict, ok := v.(bool); ok {
		s.never = !verdict
		return s, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, sc.src.fail(at, "a schema must be an object or a boolean")
	}
	for _, keyword := range exoticKeywords {
		if _, ok := m[keyword]; ok {
			s.exotic = true
			return s, nil
		}
	}
	b := builder{sc: sc, s: s, c: cursor{sc.src, at, v}}
	b.any()
	b.numbers()
	b.texts()
	b.objects()
	b.arrays()
	b.combined()
	return s, b.err
}

// builder reads the keywords of one schema; the first fault stays.
type builder struct {
	sc  *schemas
	s   *schema
	c   cursor
	err error
}

func (b *builder) fail(c cursor, format string, args ...any) {
	if b.err == nil {
		b.err = c.fail(format, args...)
	}
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
		b.fail(c, "%s must be a whole number, 0 or more", name)
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
		b.fail(c, "%s must be a number", name)
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
		b.fail(c, "%s must be a string", name)
	}
	return text
}

func (b *builder) pattern(c cursor, source string) *pattern {
	p, err := compilePattern(source)
	if err != nil {
		b.fail(c, "%v", err)
	}
	return p
}

// schema compiles the schema that a keyword holds.
func (b *builder) schema(name string) *schema {
	c, ok := b.has(name)
	if !ok || b.err != nil {
		return nil
	}
	return b.part(c)
}

func (b *builder) part(c cursor) *schema {
	s, err := b.sc.part(c.at)
	if err != nil && b.err == nil {
		b.err = err
	}
	return s
}

func (b *builder) list(name string) []*schema {
	c, ok := b.has(name)
	if !ok {
		return nil
	}
	items, ok := c.v.([]any)
	if !ok || len(items) == 0 {
		b.fail(c, "%s must be a list of schemas", name)
		return nil
	}
	var out []*schema
	for _, item := range c.items() {
		if b.err == nil {
			out = append(out, b.part(item))
		}
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
		b.fail(c, "%s must be an object", name)
		return nil
	}
	out := make(map[string]*schema, len(parts))
	for name, part := range c.members() {
		if b.err == nil {
			out[name] = b.part(part)
		}
	}
	return out
}

func (b *builder) names(c cursor) []string {
	list, ok := c.v.([]any)
	if !ok {
		b.fail(c, "must be a list of names")
	}
	var out []string
	for _, one := range list {
		name, ok := one.(string)
		if !ok {
			b.fail(c, "must be a list of names")
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
