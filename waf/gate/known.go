// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"durward"
)

// Known is what a narrowing makes of what is proven of one request.
type Known struct {
	of          *Narrowing
	query, form map[string]*class
	json        *shape
}

// shape is what is known of one place of JSON content.
type shape struct {
	class       *class
	items, rest *shape
	members     map[string]*shape // a nil entry is a name that the contract has
}

// Of gives what is known of a request of which p is proven, nil for nothing.
func (n *Narrowing) Of(p *durward.Proven) *Known {
	if n == nil || p == nil {
		return nil
	}
	return n.known[p]
}

func (m *mooter) describe(p *durward.Proven) *Known {
	return &Known{of: m.n, query: m.fields(p.Query), form: m.fields(p.Form), json: m.shape(p.JSON)}
}

func (m *mooter) fields(of map[string][]durward.Language) map[string]*class {
	out := make(map[string]*class, len(of))
	for name, languages := range of {
		out[name] = m.class(languages)
	}
	return out
}

func (m *mooter) shape(p *durward.Proof) *shape {
	if p == nil {
		return nil
	}
	if s, ok := m.n.shapes[p]; ok {
		return s
	}
	if m.n.left <= len(p.Members) {
		return nil
	}
	m.n.left -= 1 + len(p.Members)
	s := &shape{class: m.class(p.Texts)}
	m.n.shapes[p] = s // proofs may lead back to themselves
	s.items, s.rest = m.shape(p.Items), m.shape(p.Rest)
	if len(p.Members) > 0 {
		s.members = make(map[string]*shape, len(p.Members))
		for name, member := range p.Members {
			s.members[name] = m.shape(member)
		}
	}
	return s
}

// fields notes of pairs what is known of them by their names.
func (k *Known) fields(items []item, by map[string]*class) {
	for i := range items {
		items[i].class, items[i].declared = by[items[i].key], false
		if items[i].class == nil {
			_, items[i].declared = by[items[i].key]
		} else {
			items[i].declared = true
		}
	}
}

// names remembers names of a contract in which a bag finds nothing. A name is a
// text like any other, and what is found in it depends on nothing else; the names
// of a contract and the numbers of items between them are few, and no secret.
type names struct {
	slots [1 << 12]atomic.Pointer[string]
}

// maxName is the longest name that is remembered, in bytes.
const maxName = 256

func (n *names) slot(seed maphash.Seed, name string) *atomic.Pointer[string] {
	return &n.slots[maphash.String(seed, name)&uint64(len(n.slots)-1)]
}

// has tells whether nothing is found in a name.
func (n *names) has(seed maphash.Seed, name string) bool {
	had := n.slot(seed, name).Load()
	return had != nil && *had == name
}

// add remembers a name where there is room for it: who comes first stays.
func (n *names) add(seed maphash.Seed, name string) {
	if s := n.slot(seed, name); len(name) <= maxName && s.Load() == nil {
		own := strings.Clone(name)
		s.CompareAndSwap(nil, &own)
	}
}
