// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

// shape is what is known of a schema's parts, through references and allOf:
// what is needed to give the strings of a query, header or form their types.
type shape struct {
	items   *schema
	members map[string]*schema
	rest    *schema // of members with other names; nil when none was said
}

func (s *schema) shapeOf() shape {
	out := shape{members: map[string]*schema{}}
	s.addShape(&out, map[*schema]bool{})
	return out
}

func (s *schema) addShape(out *shape, seen map[*schema]bool) {
	if seen[s] {
		return
	}
	seen[s] = true
	if out.items == nil {
		out.items = s.items
	}
	for name, p := range s.properties {
		if had := out.members[name]; had == nil || p.never {
			out.members[name] = p
		}
	}
	if s.additional != nil && !s.additional.never && out.rest == nil {
		out.rest = s.additional
	}
	if s.ref != nil {
		s.ref.addShape(out, seen)
	}
	for _, list := range [][]*schema{s.allOf, s.anyOf, s.oneOf} {
		for _, p := range list {
			p.addShape(out, seen)
		}
	}
}

// typeSet gives the types that a value can have. No schema takes all.
func (s *schema) typeSet() kind {
	if s == nil {
		return kAny | kInteger
	}
	return s.set
}

// possible computes typeSet. A schema without type that bounds only one type
// is taken to mean that type, because "?n=x" would pass {minimum: 1}
// otherwise. No schema applies to itself without end, so this ends.
func (s *schema) possible(known map[*schema]kind) kind {
	if s.done {
		return s.set
	}
	if set, ok := known[s]; ok {
		return set
	}
	set := s.ownTypes()
	if s.ref != nil {
		set &= s.ref.possible(known)
	}
	for _, p := range s.allOf {
		set &= p.possible(known)
	}
	for _, list := range [][]*schema{s.anyOf, s.oneOf} {
		if list == nil {
			continue
		}
		var either kind
		for _, p := range list {
			either |= p.possible(known)
		}
		set &= either
	}
	known[s] = set
	return set
}

func (s *schema) ownTypes() kind {
	if s.never {
		return 0
	}
	set := s.types
	if set == 0 {
		set = s.impliedTypes()
	}
	if set&kNumber != 0 {
		set |= kInteger
	}
	if s.enum != nil {
		var values kind
		for e := s.enum.nodes[0].first; e != 0; e = s.enum.nodes[e].next {
			values |= s.enum.nodes[e].kind
		}
		if values&kNumber != 0 {
			values |= kInteger
		}
		set &= values
	}
	return set
}

func (s *schema) impliedTypes() kind {
	var implied kind
	if s.min != nil || s.max != nil || s.above != nil || s.below != nil || s.multiple != nil || s.number != nil {
		implied |= kNumber | kInteger
	}
	if s.minLength > 0 || s.maxLength >= 0 || s.pattern != nil || s.format != nil {
		implied |= kString
	}
	if s.hasArray {
		implied |= kArray
	}
	// Members that are only refused (a read-only one) say nothing.
	if s.hasObject && !s.onlyRefuses() {
		implied |= kObject
	}
	if implied == 0 {
		return kAny | kInteger
	}
	return implied
}

func (s *schema) onlyRefuses() bool {
	for _, p := range s.properties {
		if !p.never {
			return false
		}
	}
	return s.properties != nil
}

// scalar makes a node of a string from outside JSON: the first type of the set
// whose grammar it fits and whose value the schema takes. Where there is none
// it stays a string, and the schema says what is wrong with it.
func (c *checker) scalar(s *schema, types kind, text string) int32 {
	i := c.t.add(node{kind: kString, text: text})
	types &= kBool | kNumber | kInteger | kString
	choices := candidates(types, text)
	switch {
	case choices == 0:
	case choices&(choices-1) == 0 || s == nil:
		c.t.nodes[i].kind = choices & -choices
	default:
		for _, k := range []kind{kNumber, kBool, kString} {
			if choices&k == 0 {
				continue
			}
			if c.t.nodes[i].kind = k; c.quietly(s, i) {
				return i
			}
		}
	}
	return i
}

// candidates gives the types of the set whose grammar the text fits: true and
// false, JSON's numbers, and integers without fraction or exponent.
func candidates(types kind, text string) kind {
	out := types & kString
	if types&kBool != 0 && (text == "true" || text == "false") {
		out |= kBool
	}
	if types&(kNumber|kInteger) != 0 && isNumber(text) && boundedNumber(text) && (types&kNumber != 0 || isPlainInteger(text)) {
		out |= kNumber
	}
	return out
}

func isPlainInteger(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' || s[i]|0x20 == 'e' {
			return false
		}
	}
	return s != "-0"
}
