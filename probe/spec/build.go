// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"slices"
	"strings"
)

// beside are the words that count next to a reference: all that restrict or
// tell something in 3.1, where references are words like others, and in older
// documents those that people write there all the same.
var beside = []string{"nullable", "readOnly", "writeOnly", "default", "example", "x-durward-sensitive"}

// schema builds what stands at a place; where nothing does, it takes anything.
func (l *loader) schema(p place) *Schema {
	switch {
	case p.node == nil:
		return &Schema{Pointer: p.at}
	case p.node.kind == boolNode:
		return &Schema{Pointer: p.at, False: !p.node.truth}
	case p.node.kind != mapNode:
		l.warn(p, "is no schema")
		return &Schema{Pointer: p.at}
	}
	if s := l.schemas[p.node]; s != nil {
		return s
	}
	if l.depth >= maxDeep || len(l.schemas) >= maxSchemas {
		l.warn(p, "schemas are too many, or nested too deep")
		return &Schema{Pointer: p.at}
	}
	l.depth++
	defer func() { l.depth-- }()
	ref := p.node.get("$ref")
	if ref == nil || ref.kind != stringNode {
		s := &Schema{Pointer: p.at}
		l.schemas[p.node] = s // before its parts, which may lead back to it
		l.fill(s, p)
		return s
	}
	target, name, ok := l.deref(p)
	if !ok {
		return &Schema{Pointer: p.at}
	}
	// One that is only references back to itself was refused by deref.
	if !l.hasBeside(p.node) {
		s := l.schema(target)
		if s.Name == "" && name != "" && target.node.kind == mapNode {
			s.Name = name
		}
		return s
	}
	s := &Schema{Pointer: p.at}
	l.schemas[p.node] = s
	l.fill(s, p)
	to := l.schema(target)
	if to.Name == "" && name != "" {
		to.Name = name
	}
	if p.node.get("nullable").flag() && !slices.Contains(to.Types, "null") {
		s.AnyOf = append(s.AnyOf, to, &Schema{Types: []string{"null"}})
	} else {
		s.AllOf = append(s.AllOf, to)
	}
	return s
}

func (l *loader) hasBeside(n *node) bool {
	for _, k := range n.keys {
		if slices.Contains(beside, k) {
			return true
		}
		switch k {
		case "$ref", "description", "summary", "title", "$schema", "$id", "$comment", "$defs", "deprecated":
		default:
			if !l.three && !l.old && !strings.HasPrefix(k, "x-") {
				return true
			}
		}
	}
	return false
}

// fill reads the words of a schema. Next to a reference of an older document
// only those of beside count, and the rest does no harm.
func (l *loader) fill(s *Schema, p place) {
	n := p.node
	s.Title, s.Description = n.get("title").str(), n.get("description").str()
	s.ReadOnly, s.WriteOnly = n.get("readOnly").flag(), n.get("writeOnly").flag()
	s.Deprecated = n.get("deprecated").flag()
	if x := n.get("x-durward-sensitive"); x != nil {
		s.Sensitive, _ = x.value()
	}
	l.values(s, p)
	if n.get("$ref") != nil && (l.old || l.three) {
		return
	}
	l.types(s, p)
	l.bounds(s, p)
	l.object(s, p)
	s.UniqueItems = n.get("uniqueItems").flag()
	if items := p.get("items"); items.node != nil {
		if items.node.kind == listNode { // as JSON Schema had it before 2020-12
			s.Prefix = l.schemaList(items)
		} else {
			s.Items = l.schema(items)
		}
	}
	if prefix := p.get("prefixItems"); prefix.node != nil {
		s.Prefix = l.schemaList(prefix)
	}
	s.AllOf, s.AnyOf, s.OneOf = l.schemaList(p.get("allOf")), l.schemaList(p.get("anyOf")), l.schemaList(p.get("oneOf"))
	if not := p.get("not"); not.node != nil {
		s.Not = l.schema(not)
	}
	l.discriminator(s, p)
	if n.get("nullable").flag() {
		l.nullable(s)
	}
}

func (l *loader) schemaList(p place) []*Schema {
	var all []*Schema
	for _, item := range p.list() {
		all = append(all, l.schema(item))
	}
	return all
}

// nullable is the word of 3.0: null is allowed beside the type.
func (l *loader) nullable(s *Schema) {
	if len(s.Types) > 0 && !slices.Contains(s.Types, "null") {
		s.Types = append(s.Types, "null")
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, nil) {
		// The rules ask for null in the enum as well, which nobody writes.
		s.Enum = append(s.Enum, nil)
	}
}

// values reads enum, const, default and examples.
func (l *loader) values(s *Schema, p place) {
	for _, item := range p.get("enum").list() {
		if v, ok := item.node.value(); ok {
			s.Enum = append(s.Enum, v)
		}
	}
	if c, has := p.node.byKey["const"]; has && !l.old && !l.three {
		s.Const, s.HasConst = c.value()
	}
	if d := p.node.get("default"); d != nil {
		s.Default, _ = d.value()
	}
	if e := p.node.get("example"); e != nil {
		if v, ok := e.value(); ok {
			s.Examples = append(s.Examples, v)
		}
	}
	for _, item := range p.get("examples").list() {
		if v, ok := item.node.value(); ok {
			s.Examples = append(s.Examples, v)
		}
	}
}

// aliases are names of types that are none, and what is meant.
var aliases = map[string][2]string{
	"int": {"integer", ""}, "int32": {"integer", "int32"}, "int64": {"integer", "int64"}, "long": {"integer", "int64"},
	"float": {"number", "float"}, "double": {"number", "double"}, "decimal": {"number", ""},
	"str": {"string", ""}, "text": {"string", ""}, "date": {"string", "date"},
	"datetime": {"string", "date-time"}, "date-time": {"string", "date-time"}, "uuid": {"string", "uuid"},
	"bool": {"boolean", ""}, "list": {"array", ""}, "map": {"object", ""}, "dict": {"object", ""},
	"file": {"string", "binary"},
}

func (l *loader) types(s *Schema, p place) {
	s.Format = p.node.get("format").str()
	for _, t := range p.node.get("type").strings() {
		t = strings.ToLower(t)
		switch t {
		case "null", "boolean", "integer", "number", "string", "array", "object":
		case "any":
			s.Types = nil
			return
		default:
			meant, known := aliases[t]
			if !known {
				l.warn(p, "type %q is unknown", t)
				continue
			}
			t = meant[0]
			if s.Format == "" {
				s.Format = meant[1]
			}
		}
		if !slices.Contains(s.Types, t) {
			s.Types = append(s.Types, t)
		}
	}
}

func (l *loader) bounds(s *Schema, p place) {
	n := p.node
	s.Pattern = n.get("pattern").str()
	s.MinLength, s.MaxLength = l.count(p, "minLength"), l.count(p, "maxLength")
	s.MinItems, s.MaxItems = l.count(p, "minItems"), l.count(p, "maxItems")
	s.MinProperties, s.MaxProperties = l.count(p, "minProperties"), l.count(p, "maxProperties")
	s.Minimum, s.Maximum = l.bound(p, "minimum"), l.bound(p, "maximum")
	if m := l.bound(p, "multipleOf"); m != nil && *m > 0 {
		s.MultipleOf = m
	}
	s.Minimum, s.ExclusiveMinimum = l.exclusive(p, "exclusiveMinimum", s.Minimum)
	s.Maximum, s.ExclusiveMaximum = l.exclusive(p, "exclusiveMaximum", s.Maximum)
}

// exclusive reads a bound that is a number, or the boolean of 3.0 that makes
// the other bound exclusive.
func (l *loader) exclusive(p place, word string, bound *float64) (inclusive, exclusive *float64) {
	n := p.node.get(word)
	if n == nil {
		return bound, nil
	}
	if n.kind == boolNode {
		if n.truth {
			return nil, bound
		}
		return bound, nil
	}
	return bound, l.bound(p, word)
}

func (l *loader) bound(p place, word string) *float64 {
	n := p.node.get(word)
	if n == nil {
		return nil
	}
	f, ok := n.number()
	if !ok {
		l.warn(p, "%s is no number", word)
		return nil
	}
	return &f
}

func (l *loader) count(p place, word string) *int {
	f := l.bound(p, word)
	if f == nil {
		return nil
	}
	if *f < 0 || *f > 1<<52 || *f != float64(int(*f)) {
		l.warn(p, "%s is no count", word)
		return nil
	}
	i := int(*f)
	return &i
}

func (l *loader) object(s *Schema, p place) {
	properties := p.get("properties")
	for _, name := range properties.members() {
		if s.Properties == nil {
			s.Properties = map[string]*Schema{}
		}
		s.Properties[name] = l.schema(properties.get(name))
		s.Order = append(s.Order, name)
	}
	for _, item := range p.get("required").list() { // required: true belongs to parameters
		if name := item.node.str(); !slices.Contains(s.Required, name) {
			s.Required = append(s.Required, name)
		}
	}
	if p.node.get("patternProperties") != nil {
		return // members beside properties are of a kind that is not looked at
	}
	if a := p.get("additionalProperties"); a.node != nil {
		s.Additional = l.schema(a)
	}
}

// discriminator reads the word of 3.x, or the bare name of 2.0. Where no mapping
// is written, the names of the branches are the values.
func (l *loader) discriminator(s *Schema, p place) {
	d := p.get("discriminator")
	if d.node == nil {
		return
	}
	name := d.node.str()
	if name == "" {
		name = d.node.get("propertyName").str()
	}
	if name == "" {
		l.warn(d, "a discriminator without a name")
		return
	}
	s.Discriminator = &Discriminator{Property: name, Mapping: map[string]*Schema{}}
	mapping := d.get("mapping")
	for _, value := range mapping.members() {
		ref := mapping.get(value).node.str()
		if !strings.ContainsAny(ref, "#/.") {
			ref = "#/components/schemas/" + escape(ref)
		}
		target := place{d.file, newMap(), mapping.at + "/" + escape(value)}
		target.node.set("$ref", &node{kind: stringNode, text: ref})
		s.Discriminator.Mapping[value] = l.schema(target)
	}
	if len(s.Discriminator.Mapping) > 0 {
		return
	}
	for _, branch := range append(slices.Clone(s.OneOf), s.AnyOf...) {
		if branch.Name != "" {
			s.Discriminator.Mapping[branch.Name] = branch
		}
	}
}
