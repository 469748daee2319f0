// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
)

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
				b.gap(c, "type must be null, boolean, number, integer, string, array or object")
				b.s.types = 0
				break
			}
			b.s.types |= k
		}
	}
	if c, ok := b.has("const"); ok {
		b.s.enum = treeOf([]any{c.v})
	} else if c, ok := b.has("enum"); ok {
		list, isList := c.v.([]any)
		if isList {
			b.s.enum = treeOf(list)
		} else {
			b.gap(c, "enum must be a list")
		}
	}
	if c, both := b.has("enum"); both {
		if _, ok := b.has("const"); ok {
			// Both apply; the second is one more schema for the same value.
			if list, isList := c.v.([]any); isList {
				b.s.allOf = append(b.s.allOf, enumSchema(b.s.at, treeOf(list)))
			} else {
				b.gap(c, "enum must be a list")
			}
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
		b.gap(b.c.get("multipleOf"), "multipleOf must be more than 0")
		s.multiple = nil
	}
}

func (b *builder) texts() {
	b.count("minLength", &b.s.minLength)
	b.count("maxLength", &b.s.maxLength)
	if source := b.text("pattern"); source != "" {
		p, err := compilePattern(source)
		if err != nil {
			b.gap(b.c.get("pattern"), "%v", err)
		} else {
			b.s.pattern = p
		}
	}
	format := b.text("format")
	b.s.format, b.s.formatName, b.s.number = stringFormats[format], format, numberFormats[format]
}

func (b *builder) objects() {
	s := b.s
	s.properties = b.named("properties")
	if c, ok := b.has("required"); ok {
		s.required = b.names(c)
	}
	patterns := b.named("patternProperties")
	for _, source := range slices.Sorted(maps.Keys(patterns)) {
		re, err := compilePattern(source)
		if err != nil {
			b.gapAs(b.c.get("patternProperties").get(source), effectNoMember, "%v", err)
			continue
		}
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
		} else if s.dependentSchemas[name] == nil {
			s.dependentSchemas[name] = b.part(part)
		} else {
			b.gap(part, "the name is in dependentSchemas too")
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
			b.gap(c, "uniqueItems must be true or false")
		}
	}
	s.unevaluatedItems = b.schema("unevaluatedItems")
	s.hasArray = s.prefix != nil || s.items != nil || s.contains != nil || s.minItems > 0 || s.maxItems >= 0 || s.unique
}

func (b *builder) combined() {
	s := b.s
	s.allOf = append(s.allOf, b.list("allOf")...)
	s.anyOf, s.oneOf = b.list("anyOf"), b.list("oneOf")
	b.discriminator()
	s.not, s.ifs = b.schema("not"), b.schema("if")
	if s.ifs != nil {
		s.then, s.els = b.schema("then"), b.schema("else")
	}
	s.inPart = s.ref != nil || s.allOf != nil || s.anyOf != nil || s.oneOf != nil || s.not != nil || s.ifs != nil
}
