// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/binary"
	"slices"

	"durward"
)

// prover says what schemas prove of values, for who would otherwise look into
// every value for what its schema rules out. It follows what check.go asserts
// and leaves out what it cannot say; so what it gives always holds more values
// than the schemas take, never fewer.
type prover struct {
	ids    map[*schema]uint32
	proofs map[string]*durward.Proof
}

// Bounds of what is proven, beyond which nothing is: schemas that combine each
// other could have more sets than a gateway has memory.
const (
	maxProofs = 20_000 // places
	maxWays   = 16     // alternatives that are followed for one place
	maxTexts  = 512    // constants of one place
)

func newProver() *prover {
	return &prover{ids: map[*schema]uint32{}, proofs: map[string]*durward.Proof{}}
}

// A conjunction is a set of schemas that all apply to a value. Of several, one
// does.
type conjunction []*schema

// key identifies a set of conjunctions.
func (b *prover) key(either []conjunction) string {
	var keys []string
	for _, set := range either {
		ids := make([]uint32, 0, len(set))
		for _, s := range set {
			id, ok := b.ids[s]
			if !ok {
				id = uint32(len(b.ids))
				b.ids[s] = id
			}
			ids = append(ids, id)
		}
		slices.Sort(ids)
		var key []byte
		for _, id := range slices.Compact(ids) {
			key = binary.LittleEndian.AppendUint32(key, id)
		}
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	var all []byte
	for _, k := range slices.Compact(keys) {
		all = append(append(all, k...), 0xff, 0xff, 0xff, 0xff)
	}
	return string(all)
}

// proof gives what is proven of a value to which all schemas of one of the
// conjunctions apply; nil when that is nothing.
func (b *prover) proof(either ...conjunction) *durward.Proof {
	if len(either) == 0 || len(either) > maxWays {
		return nil
	}
	for _, set := range either {
		if len(set) == 0 {
			return nil
		}
	}
	key := b.key(either)
	if p, ok := b.proofs[key]; ok {
		return p
	}
	if len(b.proofs) >= maxProofs {
		return nil
	}
	p := &durward.Proof{}
	b.proofs[key] = p // schemas may lead back to themselves
	p.Texts, _ = scalars(either)
	if ways, ok := waysOf(either, kArray); ok {
		p.Items = b.items(ways)
	}
	if ways, ok := waysOf(either, kObject); ok {
		b.members(p, ways)
	}
	return p
}

// items is for the items of an array of one of these kinds.
func (b *prover) items(ways []conjunction) *durward.Proof {
	var either []conjunction
	for _, way := range ways {
		var set conjunction
		for _, s := range way {
			if s.items != nil && s.prefix == nil { // behind a prefix, items is for the rest
				set = append(set, s.items)
			}
		}
		either = append(either, set)
	}
	return b.proof(either...)
}

// members is for the members of an object of one of these kinds.
func (b *prover) members(p *durward.Proof, ways []conjunction) {
	p.Members = map[string]*durward.Proof{}
	for _, way := range ways {
		for _, s := range way {
			for name := range s.properties {
				if _, had := p.Members[name]; !had {
					p.Members[name] = b.member(ways, name, true)
				}
			}
		}
	}
	p.Rest = b.member(ways, "", false)
}

// member is for one member, or for all that no schema names.
func (b *prover) member(ways []conjunction, name string, named bool) *durward.Proof {
	var either []conjunction
	for _, way := range ways {
		set, never := conjunction(nil), false
		for _, s := range way {
			for _, m := range s.memberSchemas(name, named) {
				set = append(set, m)
				never = never || m.never
			}
		}
		if !never {
			either = append(either, set)
		}
	}
	return b.proof(either...)
}

// memberSchemas lists the schemas that s applies to a member for sure.
func (s *schema) memberSchemas(name string, named bool) (out []*schema) {
	if !named {
		if s.additional != nil && s.patterns == nil {
			out = append(out, s.additional)
		}
		return out
	}
	p, declared := s.properties[name]
	if declared {
		out = append(out, p)
	}
	for _, one := range s.patterns {
		if one.re.MatchString(name) {
			out, declared = append(out, one.s), true
		}
	}
	if !declared && s.additional != nil {
		out = append(out, s.additional)
	}
	return out
}

// waysOf takes the alternatives of schemas apart, for values of kind k: it
// lists sets of schemas of which one applies to such a value as a whole. ok is
// false when there are too many. An empty list takes no value of the kind.
func waysOf(either []conjunction, k kind) (ways []conjunction, ok bool) {
	e := expansion{k: k}
	for _, set := range either {
		todo := make([][]*schema, len(set))
		for i, s := range set {
			todo[i] = []*schema{s}
		}
		if !e.add(nil, todo) {
			return nil, false
		}
	}
	return e.ways, true
}

type expansion struct {
	k     kind
	ways  []conjunction
	steps int
}

const maxExpansion = 4096

// add lists the ways in which a value fits the schemas in way, and of each entry
// of todo one. False is too many.
func (e *expansion) add(way conjunction, todo [][]*schema) bool {
	if e.steps++; e.steps > maxExpansion || len(e.ways) > maxWays {
		return false
	}
	for len(todo) > 0 && len(todo[0]) == 1 {
		s := todo[0][0]
		todo = todo[1:]
		if slices.Contains(way, s) {
			continue
		}
		if s.foreign != nil || s.exotic {
			continue // only the library knows what it says
		}
		if s.refuses(e.k) {
			return true
		}
		way = append(slices.Clip(way), s)
		todo = slices.Clip(todo)
		if s.ref != nil {
			todo = append(todo, []*schema{s.ref})
		}
		for _, p := range s.allOf {
			todo = append(todo, []*schema{p})
		}
		for _, list := range [2][]*schema{s.anyOf, s.oneOf} {
			if list != nil {
				todo = append(todo, list)
			}
		}
	}
	if len(todo) == 0 {
		if len(way) == 0 { // nothing is known of it
			return false
		}
		e.ways = append(e.ways, way)
		return len(e.ways) <= maxWays
	}
	for _, p := range todo[0] {
		if !e.add(way, append([][]*schema{{p}}, todo[1:]...)) {
			return false
		}
	}
	return true
}

// refuses tells that s by itself takes no value of kind k.
func (s *schema) refuses(k kind) bool {
	types := s.types
	if types&kInteger != 0 {
		types |= kNumber
	}
	return s.never || types != 0 && types&k == 0 || s.enum != nil && !s.listsKind(k)
}
