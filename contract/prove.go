// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"

	"durward"
)

// Prove gives what the stage of one operation proves of the requests that it
// takes, and makes it tell so: from then on it sets Exchange.Proven of each of
// them. s is a stage that Document.Stage has made, and has not been used yet;
// nil and other stages prove nothing.
//
// What is proven is read from the rules that the stage enforces, not from the
// document: a part that a gap leaves unchecked proves nothing. Path parameters
// prove nothing either, since rules see them as part of the target, and neither
// do header fields and cookies, which other readers may take apart differently.
// Nor does content that was compressed, or was not read.
func (d *Document) Prove(s durward.Stage) []*durward.Proven {
	st, ok := s.(*stage)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.prover == nil {
		d.prover = newProver()
	}
	b := d.prover
	query := b.query(st.rules)
	st.proven = &durward.Proven{Query: query}
	out := []*durward.Proven{st.proven}
	if st.rules.body == nil {
		return out
	}
	st.provenOf = map[checked]*durward.Proven{}
	for _, m := range st.rules.body.media {
		if m.schema == nil {
			continue
		}
		p := b.proof(conjunction{m.schema})
		add := func(as how, one *durward.Proven) {
			st.provenOf[checked{m, as}] = one
			out = append(out, one)
		}
		// Content is read in one way, and proven in no other.
		if as := treatment(m.base); as == asJSON || strings.Contains(m.base, "*") {
			add(asJSON, &durward.Proven{Query: query, JSON: p})
		}
		if as := treatment(m.base); as == asForm || strings.Contains(m.base, "*") {
			add(asForm, &durward.Proven{Query: query, Form: b.form(m, p)})
		}
	}
	return out
}

// checked is content that fits a rule, as it was read; zero for none.
type checked struct {
	rule *mediaRule
	as   how
}

// proof is what the stage has proven of a request that it takes.
func (s *stage) proof(c checked) *durward.Proven {
	if p := s.provenOf[c]; p != nil {
		return p
	}
	return s.proven
}

// form is for the fields of a form. A field with several values is a list.
func (b *prover) form(m *mediaRule, p *durward.Proof) map[string][]durward.Language {
	if p == nil {
		return nil
	}
	out := map[string][]durward.Language{}
	for name := range p.Members {
		out[name] = nil
		if s := m.shape.member(name); s != nil {
			out[name] = b.field(p.Members[name], conjunction{m.schema}, name)
		}
	}
	return out
}

// field is for a field that is a value, or each item of a list of them.
func (b *prover) field(p *durward.Proof, of conjunction, name string) []durward.Language {
	if p == nil {
		return nil
	}
	ways, ok := waysOf([]conjunction{of}, kObject)
	if !ok {
		return nil
	}
	var either []conjunction
	for _, way := range ways {
		var set conjunction
		for _, s := range way {
			set = append(set, s.memberSchemas(name, true)...)
		}
		either = append(either, set)
	}
	return valuesOf(either, p)
}

// valuesOf joins the languages of single values with those of items of lists.
func valuesOf(either []conjunction, p *durward.Proof) []durward.Language {
	single, ok := scalars(either)
	lists, known := waysOf(either, kArray)
	if !ok || !known {
		return nil
	}
	if len(lists) == 0 {
		return single
	}
	if p.Items == nil || len(p.Items.Texts) == 0 {
		return nil
	}
	return slices.Concat(single, p.Items.Texts)
}

// query is for the parameters of a query.
func (b *prover) query(r *rules) map[string][]durward.Language {
	out := map[string][]durward.Language{}
	for _, one := range r.query {
		if !one.exploded() && one.style != "deepObject" {
			out[one.name] = nil
		}
	}
	for _, one := range r.query {
		if _, ok := out[one.name]; ok && one.plainQuery() && !r.contested(one) {
			out[one.name] = b.parameter(one)
		}
	}
	return out
}

// plainQuery tells that the values of a parameter are what its pairs hold: one
// value, or one item of a list each.
func (r *rule) plainQuery() bool {
	return !r.json && r.style == "form" && r.types&kObject == 0 && (r.types&kArray == 0 || r.explode)
}

// contested tells that a pair with the parameter's name could be another's.
func (r *rules) contested(p *rule) bool {
	return slices.ContainsFunc(r.query, func(q *rule) bool {
		switch {
		case q == p:
			return false
		case q.style == "deepObject":
			return strings.HasPrefix(p.name, q.name+"[")
		case !q.json && q.exploded():
			return q.shape.member(p.name) != nil
		}
		return q.name == p.name
	})
}

func (b *prover) parameter(r *rule) []durward.Language {
	set := conjunction{r.schema}
	p := b.proof(set)
	if p == nil {
		return nil
	}
	out := valuesOf([]conjunction{set}, p)
	if out != nil && r.emptyValue {
		out = append(slices.Clip(out), durward.Language{Texts: []string{""}})
	}
	return out
}
