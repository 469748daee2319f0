// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"hash/maphash"
	"math/bits"
)

// scan holds one value against everything that is asked of it.
func (p *pass) scan(g *bag, key, val string) bool {
	slot := -1
	if g.source > firstKeyed {
		if slot = p.recall(g, val); slot < 0 {
			return true
		}
	}
	fired := p.fired
	p.transform(g, val)
	ok := p.judge(g, key)
	for _, i := range p.dirty {
		p.roots[i] = 0
	}
	if slot >= 0 && p.fired == fired {
		p.memo[slot] = seen{g, val}
	}
	return ok
}

// judge looks at the values that transform has made.
func (p *pass) judge(g *bag, key string) bool {
	if g.all != nil {
		clear(p.bits)
		if g.all.Match(&p.match, p.states[0].val, p.bits) && !p.asIs(g, key) {
			return false
		}
	}
	for _, i := range p.dirty {
		if g.nodes[i].set != nil && !p.changed(g, i, key) {
			return false
		}
	}
	for _, i := range g.special {
		if nd := &g.nodes[i]; p.roots[i] == 0 && !p.missing(nd, key) || len(nd.tests) > 0 && !p.tests(nd, i, key) {
			return false
		}
	}
	return true
}

// recall looks whether the same was asked of an equal value before, with no
// match at all; then it is -1. If not, it is the place to remember it.
func (p *pass) recall(g *bag, val string) int {
	slot := int(maphash.String(p.gate.seed, val)) & (len(p.memo) - 1)
	if m := &p.memo[slot]; m.bag == g && m.val == val {
		return -1
	}
	return slot
}

// transform computes the values of all nodes. Those that are not the value as it
// is are listed in dirty.
func (p *pass) transform(g *bag, val string) {
	sum := p.gate.marks.value(val)
	p.states[0] = state{val: val, sum: sum}
	p.dirty = p.dirty[:0]
	if sum&g.touch == 0 {
		for _, i := range g.always {
			p.node(g, i)
		}
		return
	}
	for i := 1; i < len(g.nodes); i++ {
		p.node(g, i)
	}
}

// node computes the value of one node, whose parent has its own.
func (p *pass) node(g *bag, i int) {
	nd := &g.nodes[i]
	root := p.roots[nd.parent]
	from := &p.states[root]
	if from.sum&nd.touch != 0 {
		root = p.apply(g, nd, i, root)
	}
	if root != 0 {
		p.roots[i] = root
		p.dirty = append(p.dirty, i)
	}
}

// apply transforms the value of root for a node, and gives the root of the result.
func (p *pass) apply(g *bag, nd *node, i, root int) int {
	for _, j := range nd.twins {
		if p.roots[g.nodes[j].parent] == root {
			return p.roots[j]
		}
	}
	from := p.states[root].val
	out, reported := nd.t.ApplyReported(p.buffer(i, len(from)), bytesOf(from))
	if nd.exact && !reported || view(out) == from {
		return root
	}
	p.states[i] = state{val: view(out), sum: p.gate.marks.value(view(out))}
	return i
}

// asIs looks at the patterns that occur in the value as it is, for the nodes
// that have that value.
func (p *pass) asIs(g *bag, key string) bool {
	for w, word := range p.bits[:(len(g.refs)+63)/64] {
		for ; word != 0; word &= word - 1 {
			refs := g.refs[w*64+bits.TrailingZeros64(word)]
			for i := range refs {
				r := &refs[i]
				if r.not || p.roots[r.node] != 0 || g.nodes[r.node].exact && p.roots[g.nodes[r.node].parent] == 0 {
					continue // another value, or the parent has the same condition
				}
				if !p.fire(&r.ref, key, p.states[0].val, true) {
					return false
				}
			}
		}
	}
	return true
}

// missing looks for patterns whose absence from the value as it is matches.
func (p *pass) missing(nd *node, key string) bool {
	for _, n := range nd.not {
		if p.bits[n[0]/64]>>(n[0]%64)&1 == 0 && !p.fire(&nd.refs[n[1]], key, p.states[0].val, true) {
			return false
		}
	}
	return true
}

// changed holds the patterns of a node against a value that is not the one as it
// is.
func (p *pass) changed(g *bag, i int, key string) bool {
	nd := &g.nodes[i]
	root := p.roots[i]
	if nd.exact && root == p.roots[nd.parent] {
		return true // the parent has the same patterns
	}
	val := p.states[root].val
	own := p.own[:(len(nd.refs)+63)/64]
	clear(own)
	if nd.set.Match(&p.match, val, own) {
		for w, word := range own {
			for ; word != 0; word &= word - 1 {
				if r := &nd.refs[w*64+bits.TrailingZeros64(word)]; !r.not && !p.fire(r, key, val, false) {
					return false
				}
			}
		}
	}
	for _, n := range nd.not {
		if own[n[1]/64]>>(n[1]%64)&1 == 0 && !p.fire(&nd.refs[n[1]], key, val, false) {
			return false
		}
	}
	return true
}

// tests evaluates the conditions of a node that are no patterns.
func (p *pass) tests(nd *node, i int, key string) bool {
	root := p.roots[i]
	st := &p.states[root]
	for n := range nd.tests {
		t := &nd.tests[n]
		if t.repeats && root == p.roots[nd.parent] {
			continue
		}
		holds := st.sum&t.mark != 0
		if holds && !t.exact {
			holds = t.op.always || t.op.plain(&p.match, st.val, t.op.text)
		}
		if holds != t.not && !p.fire(&t.ref, key, st.val, root == 0) {
			return false
		}
	}
	return true
}

// fire takes a match of a rule's first link. False means that the request is not
// proven clean. A value that does not stay is copied.
func (p *pass) fire(r *ref, key, val string, stays bool) bool {
	p.fired++
	c := r.rule
	t := &c.links[0].targets[r.target]
	if !t.chooses(key) || c.unless != "" && c.unless == p.facts.processor {
		return true
	}
	if len(c.links) == 1 {
		if c.neutral {
			return true
		}
		p.why = Reason{RuleID: c.id, Target: t.collection, key: key}
		return false
	}
	if !stays {
		val = p.keep(val)
	}
	p.first[c.index] = append(p.first[c.index], hit{before: -1, collection: t.collection, key: key, val: val})
	return true
}
