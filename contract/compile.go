// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
)

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

func (b *builder) any() {
	if c, ok := b.has("type"); ok {
		list, isList := c.v.([]any)
		if !isList {
			list = []any{c.v}
		}
		for _, one := range list {
			name, _ := one.(string)
			k := typeNames[name]
			if k == 0 {
				b.fail(c, "type must be null, boolean, number, integer, string, array or object")
			}
			b.s.types |= k
		}
	}
	if c, ok := b.has("const"); ok {
		b.s.enum = treeOf([]any{c.v})
	} else if c, ok := b.has("enum"); ok {
		list, isList := c.v.([]any)
		if !isList {
			b.fail(c, "enum must be a list")
		}
		b.s.enum = treeOf(list)
	}
	if c, both := b.has("enum"); both {
		if _, ok := b.has("const"); ok {
			// Both apply; the second is one more schema for the same value.
			list, _ := c.v.([]any)
			b.s.allOf = append(b.s.allOf, enumSchema(b.s.at, treeOf(list)))
		}
	}
	b.s.indexEnum()
	if c, ok := b.has("$ref"); ok {
		ref, _ := c.v.(string)
		to, ok := placeOf(ref)
		if !ok {
			b.s.exotic = true
			return
		}
		b.s.ref = b.part(cursor{b.c.s, to, nil})
	}
}

func enumSchema(at place, values *tree) *schema {
	s := &schema{at: at, enum: values, maxLength: -1, maxMembers: -1, maxItems: -1, minContains: 1, maxContains: -1}
	s.indexEnum()
	return s
}

// indexEnum makes the look-up of an enum that holds only strings.
func (s *schema) indexEnum() {
	if s.enum == nil || s.enum.nodes[0].count == 0 {
		return
	}
	index := make(map[string]struct{}, s.enum.nodes[0].count)
	for i := s.enum.nodes[0].first; i != 0; i = s.enum.nodes[i].next {
		if s.enum.nodes[i].kind != kString {
			return
		}
		index[s.enum.nodes[i].text] = struct{}{}
	}
	s.strings = index
}

func (b *builder) numbers() {
	s := b.s
	s.min, s.max = b.bound("minimum"), b.bound("maximum")
	s.above, s.below = b.bound("exclusiveMinimum"), b.bound("exclusiveMaximum")
	if s.multiple = b.bound("multipleOf"); s.multiple != nil && s.multiple.exact.Sign() <= 0 {
		b.fail(b.c.get("multipleOf"), "multipleOf must be more than 0")
	}
}

func (b *builder) texts() {
	b.count("minLength", &b.s.minLength)
	b.count("maxLength", &b.s.maxLength)
	if source := b.text("pattern"); source != "" {
		b.s.pattern = b.pattern(b.c.get("pattern"), source)
	}
	format := b.text("format")
	b.s.format, b.s.number = stringFormats[format], numberFormats[format]
}

func (b *builder) objects() {
	s := b.s
	s.properties = b.named("properties")
	if c, ok := b.has("required"); ok {
		s.required = b.names(c)
	}
	patterns := b.named("patternProperties")
	for _, source := range slices.Sorted(maps.Keys(patterns)) {
		re := b.pattern(b.c.get("patternProperties"), source)
		s.patterns = append(s.patterns, patternSchema{re, patterns[source]})
	}
	s.additional, s.names = b.schema("additionalProperties"), b.schema("propertyNames")
	b.count("minProperties", &s.minMembers)
	b.count("maxProperties", &s.maxMembers)
	if c, ok := b.has("dependentRequired"); ok {
		s.dependentRequired = map[string][]string{}
		for name, list := range c.members() {
			s.dependentRequired[name] = b.names(list)
		}
	}
	s.dependentSchemas = b.named("dependentSchemas")
	b.dependencies()
	s.unevaluatedMembers = b.schema("unevaluatedProperties")
	s.hasObject = s.properties != nil || s.required != nil || s.patterns != nil || s.additional != nil || s.names != nil ||
		s.minMembers > 0 || s.maxMembers >= 0 || s.dependentRequired != nil || s.dependentSchemas != nil
}

// dependencies is the keyword that dependentRequired and dependentSchemas have
// replaced, and which documents still use.
func (b *builder) dependencies() {
	c, ok := b.has("dependencies")
	if !ok {
		return
	}
	s := b.s
	if s.dependentRequired == nil {
		s.dependentRequired = map[string][]string{}
	}
	if s.dependentSchemas == nil {
		s.dependentSchemas = map[string]*schema{}
	}
	for name, part := range c.members() {
		if _, names := part.v.([]any); names {
			s.dependentRequired[name] = append(s.dependentRequired[name], b.names(part)...)
		} else if had := s.dependentSchemas[name]; b.err == nil && had == nil {
			s.dependentSchemas[name] = b.part(part)
		} else {
			b.fail(part, "the name is in dependentSchemas too")
		}
	}
}

func (b *builder) arrays() {
	s := b.s
	s.prefix = b.list("prefixItems")
	s.items, s.contains = b.schema("items"), b.schema("contains")
	b.count("minContains", &s.minContains)
	b.count("maxContains", &s.maxContains)
	b.count("minItems", &s.minItems)
	b.count("maxItems", &s.maxItems)
	if c, ok := b.has("uniqueItems"); ok {
		unique, err := c.flag(false)
		if s.unique = unique; err != nil {
			b.fail(c, "uniqueItems must be true or false")
		}
	}
	s.unevaluatedItems = b.schema("unevaluatedItems")
	s.hasArray = s.prefix != nil || s.items != nil || s.contains != nil || s.minItems > 0 || s.maxItems >= 0 || s.unique
}

func (b *builder) combined() {
	s := b.s
	s.allOf = append(s.allOf, b.list("allOf")...)
	s.anyOf, s.oneOf = b.list("anyOf"), b.list("oneOf")
	s.not, s.ifs = b.schema("not"), b.schema("if")
	if s.ifs != nil {
		s.then, s.els = b.schema("then"), b.schema("else")
	}
	s.inPart = s.ref != nil || s.allOf != nil || s.anyOf != nil || s.oneOf != nil || s.not != nil || s.ifs != nil
}
