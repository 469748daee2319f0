// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
)

// planning says what becomes of values of a kind; the greater one prevails.
type planning int

const (
	planTake planning = iota
	planTree
	planRefuse
)

// gatherAll lists the schemas that apply to a value of kind k to which the
// whole set does.
func gatherAll(set []*schema, k kind) ([]*schema, planning) {
	g := gathering{k: k, seen: map[*schema]bool{}}
	how := planTake
	for _, s := range set {
		how = max(how, g.add(s))
	}
	return g.parts, how
}

type gathering struct {
	k     kind
	parts []*schema
	seen  map[*schema]bool
}

func (g *gathering) add(s *schema) planning {
	if g.seen[s] {
		return planTake
	}
	g.seen[s] = true
	if !s.mayTake(g.k, map[*schema]bool{}) {
		return planRefuse
	}
	how := planTake
	if s.secondLook(g.k) {
		how = planTree
	}
	g.parts = append(g.parts, s)
	if s.ref != nil {
		how = max(how, g.add(s.ref))
	}
	for _, p := range s.allOf {
		how = max(how, g.add(p))
	}
	for _, list := range [2][]*schema{s.anyOf, s.oneOf} {
		if list == nil {
			continue
		}
		branch, count := s, 0
		for _, p := range list {
			if p.mayTake(g.k, map[*schema]bool{}) {
				branch, count = p, count+1
			}
		}
		switch count {
		case 0:
			return planRefuse
		case 1:
			how = max(how, g.add(branch))
		default:
			how = max(how, planTree)
		}
	}
	return how
}

// mayTake is false when no value of kind k fits s, whatever it is.
func (s *schema) mayTake(k kind, seen map[*schema]bool) bool {
	if seen[s] {
		return true // what was asked before has not refused
	}
	seen[s] = true
	types := s.types
	if types&kInteger != 0 {
		types |= kNumber
	}
	if s.never || types != 0 && types&k == 0 || s.enum != nil && !s.listsKind(k) {
		return false
	}
	if s.ref != nil && !s.ref.mayTake(k, seen) {
		return false
	}
	for _, p := range s.allOf {
		if !p.mayTake(k, seen) {
			return false
		}
	}
	return true
}

// secondLook tells that a value of kind k cannot be held against s while it is
// read.
func (s *schema) secondLook(k kind) bool {
	switch {
	case s.foreign != nil, s.exotic, s.not != nil, s.ifs != nil:
		return true
	case k == kArray:
		return s.enum != nil || s.prefix != nil || s.contains != nil || s.unique || s.unevaluatedItems != nil
	case k == kObject:
		return s.enum != nil || s.patterns != nil || s.names != nil || len(s.dependentRequired) > 0 ||
			len(s.dependentSchemas) > 0 || s.discriminator != nil
	}
	return false
}

func (s *schema) listsKind(k kind) bool {
	for e := s.enum.nodes[0].first; e != 0; e = s.enum.nodes[e].next {
		if s.enum.nodes[e].kind == k {
			return true
		}
	}
	return false
}

// listsScalar tells that an enum has a scalar.
func (s *schema) listsScalar(k kind, text string) bool {
	if s.strings != nil {
		_, ok := s.strings[text]
		return ok && k == kString
	}
	for e := s.enum.nodes[0].first; e != 0; e = s.enum.nodes[e].next {
		n := &s.enum.nodes[e]
		if n.kind == k && (n.text == text || k == kNumber && compareNumbers(n.text, text) == 0) {
			return true
		}
	}
	return false
}

func (b *planner) objectOf(parts []*schema) *objectPlan {
	p := &objectPlan{max: -1, members: map[string]memberPlan{}}
	names := map[string]bool{}
	for _, s := range parts {
		p.min, p.max = max(p.min, s.minMembers), lowerBound(p.max, s.maxMembers)
		for name := range s.properties {
			names[name] = true
		}
		for _, name := range s.required {
			names[name] = true
		}
	}
	sealed := sealedParts(parts)
	p.required = make([]uint64, (len(names)+63)/64)
	for bit, name := range slices.Sorted(maps.Keys(names)) {
		p.members[name] = memberPlan{bit, b.plan(memberSet(parts, sealed, name, true)...)}
		for _, s := range parts {
			if slices.Contains(s.required, name) {
				p.required[bit/64] |= 1 << (bit % 64)
			}
		}
	}
	p.rest = b.plan(memberSet(parts, sealed, "", false)...)
	return p
}

// sealedParts gives, for each schema with unevaluatedProperties, the schemas
// that evaluate members for it. What is taken fits all of them.
func sealedParts(parts []*schema) map[*schema][]*schema {
	out := map[*schema][]*schema{}
	for _, s := range parts {
		if s.unevaluatedMembers != nil {
			out[s], _ = gatherAll([]*schema{s}, kObject)
		}
	}
	return out
}

// memberSet lists the schemas of a member, of one that no schema names unless
// named.
func memberSet(parts []*schema, sealed map[*schema][]*schema, name string, named bool) []*schema {
	var set []*schema
	for _, s := range parts {
		if p := s.properties[name]; p != nil && named {
			set = append(set, p)
		} else if s.additional != nil {
			set = append(set, s.additional)
		}
		if s.unevaluatedMembers == nil {
			continue
		}
		if !slices.ContainsFunc(sealed[s], func(by *schema) bool {
			return by.additional != nil || by.unevaluatedMembers != nil && by != s || named && by.properties[name] != nil
		}) {
			set = append(set, s.unevaluatedMembers)
		}
	}
	return set
}
