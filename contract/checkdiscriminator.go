// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "strings"

// discriminator is OpenAPI's way of choosing among alternatives: the value of
// one member names the schema (OpenAPI 3.1.1, 4.8.25). The named one alone
// decides here, and a value that names none is refused: what the upstream will
// read the object as is what it was checked as.
type discriminator struct {
	property string
	branches map[string]*schema // by value
}

// discriminator reads the keyword. It has effect beside oneOf or anyOf whose
// alternatives are all references that some value names; elsewhere it is a
// hint, and the alternatives are tried in turn.
func (b *builder) discriminator() {
	c, ok := b.has("discriminator")
	property, _ := c.get("propertyName").v.(string)
	keyword, list := "oneOf", b.s.oneOf
	if list == nil {
		keyword, list = "anyOf", b.s.anyOf
	}
	if !ok || property == "" || list == nil || b.s.oneOf != nil && b.s.anyOf != nil {
		return
	}
	d := &discriminator{property: property, branches: map[string]*schema{}}
	places := map[place]*schema{}
	for i, item := range b.c.get(keyword).items() {
		ref, _ := item.get("$ref").v.(string)
		to, ok := placeOf(ref)
		if !ok {
			return
		}
		places[to] = list[i]
		name, ok := strings.CutPrefix(to.pointer, componentSchemas)
		if name = unescapePointer(name); ok && d.branches[name] == nil {
			d.branches[name] = list[i]
		}
	}
	for value, target := range c.get("mapping").members() {
		text, _ := target.v.(string)
		branch := places[place{b.c.at.file, componentSchemas + escapePointer(text)}]
		if to, err := b.sc.src.target(b.c.at.file, text); branch == nil && err == nil {
			branch = places[to]
		}
		if branch == nil {
			delete(d.branches, value) // it names what is no alternative here
			continue
		}
		d.branches[value] = branch
	}
	b.s.discriminator = d
}

const componentSchemas = "/components/schemas/"

// finishDiscriminator adds the values that the alternatives themselves ask for
// and that no mapping gives another meaning: many documents rely on them. An
// alternative that no value can name makes the keyword a hint.
func (s *schema) finishDiscriminator() {
	d := s.discriminator
	named := map[*schema]bool{}
	for _, branch := range d.branches {
		named[branch] = true
	}
	for _, branch := range append(s.oneOf, s.anyOf...) {
		for value := range branch.constants(d.property, map[*schema]bool{}) {
			if d.branches[value] == nil {
				d.branches[value] = branch
			}
			named[branch] = named[branch] || d.branches[value] == branch
		}
		if !named[branch] {
			s.discriminator = nil
			return
		}
	}
}

// constants gives the strings that a schema takes as a member, where it lists
// them.
func (s *schema) constants(member string, seen map[*schema]bool) map[string]struct{} {
	if seen[s] {
		return nil
	}
	seen[s] = true
	if member == "" && s.strings != nil {
		return s.strings
	}
	if p := s.properties[member]; p != nil && member != "" {
		if found := p.constants("", map[*schema]bool{}); found != nil {
			return found
		}
	}
	if s.ref != nil {
		if found := s.ref.constants(member, seen); found != nil {
			return found
		}
	}
	for _, p := range s.allOf {
		if found := p.constants(member, seen); found != nil {
			return found
		}
	}
	return nil
}

// branch gives the alternative that object i names, nil when it names none.
func (c *checker) branch(d *discriminator, i int32) *schema {
	if m := c.t.member(i, d.property); m != 0 && c.t.nodes[m].kind == kString {
		return d.branches[c.t.nodes[m].text]
	}
	return nil
}

// chosen holds object i against the alternative that it names.
func (c *checker) chosen(d *discriminator, i int32) bool {
	if branch := c.branch(d, i); branch != nil {
		return c.check(branch, i)
	}
	m := c.t.member(i, d.property)
	if m == 0 {
		return c.failBelow(d.property, reasonRequired)
	}
	c.path = append(c.path, m)
	defer func() { c.path = c.path[:len(c.path)-1] }()
	if c.t.nodes[m].kind != kString {
		return c.fail(typeReason(kString))
	}
	return c.fail(reasonEnum)
}
