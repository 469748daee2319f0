// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"hash/maphash"
	"math/bits"
	"strings"

	"durward/waf/match"
)

// pass is the working memory of one request.
type pass struct {
	gate  *Gate
	facts facts
	why   Reason

	match  match.Scratch
	states []state // by node; only of nodes that are their own root
	roots  []int   // by node: the node that made its value; all 0 between values
	dirty  []int   // nodes whose root is not 0
	bits   []uint64
	own    []uint64
	memo   [256]seen
	fired  int // how many conditions have matched

	first   [][]hit // matches of first links of chains, by rule
	hits    []hit   // of the chain at hand
	links   []link  // of the chain at hand
	groups  []string
	unsure  bool // a macro could stand for more than one value
	seen    []string
	text    []byte
	buffers [][]byte // results of transformations, by step
}

// state is the value that one node made.
type state struct {
	val string
	sum uint64
}

// seen is a value of which nothing was found in a bag.
type seen struct {
	bag *bag
	val string
}

// release lets go of everything that belongs to the request.
func (p *pass) release() {
	p.facts.reset()
	for i := range p.first {
		if len(p.first[i]) > 0 {
			clear(p.first[i])
			p.first[i] = p.first[i][:0]
		}
	}
	clear(p.hits[:cap(p.hits)])
	clear(p.groups[:cap(p.groups)])
	clear(p.seen[:cap(p.seen)])
	clear(p.states)
	clear(p.memo[:])
	clear(p.text[:cap(p.text)])
	for i := range p.buffers {
		clear(p.buffers[i][:cap(p.buffers[i])])
	}
	p.hits, p.groups, p.seen, p.links, p.why = p.hits[:0], p.groups[:0], p.seen[:0], nil, Reason{}
	p.unsure = false
}

// run decides about a request; false is "not proven", with the reason in why.
func (p *pass) run(r *Request) bool {
	g := p.gate
	if g.hopeless != nil {
		p.why = Reason{RuleID: g.hopeless.id, Target: g.hopeless.open}
		return false
	}
	if !p.facts.readHead(r, &g.limits) {
		p.why = Reason{Target: "header section"}
		return false
	}
	for _, c := range g.setup {
		if !p.choose(c) {
			p.why = Reason{RuleID: c.id, Target: "header section"}
			return false
		}
	}
	if !p.facts.readBody(r, &g.limits) {
		p.why = Reason{Target: "content"}
		return false
	}
	for _, b := range g.ones {
		if !p.scan(b, "", p.facts.one(b.source)) {
			return false
		}
	}
	if !p.headers() {
		return false
	}
	for _, b := range g.keyed {
		for _, m := range p.facts.items(b.source) {
			val := m.val
			if b.names {
				val = m.key
			}
			if !p.scan(b, m.key, val) {
				return false
			}
		}
	}
	if !p.directs() || !p.chains() {
		return false
	}
	if p.unsure {
		p.why = Reason{Target: "members with equal names"}
	}
	return !p.unsure
}

// choose runs a rule that chooses the reader of the body. False means that it
// has too many matches to follow.
func (p *pass) choose(c *rule) bool {
	p.links, p.hits, p.groups = c.links, p.hits[:0], p.groups[:0]
	for i := range c.links {
		known := len(p.hits)
		p.follow(&c.links[i], i, -1)
		if len(p.hits) > maxHits {
			return false
		}
		if len(p.hits) == known {
			return true
		}
		for _, ctl := range c.links[i].ctls {
			switch ctl.Name {
			case "requestbodyprocessor":
				p.facts.processor = strings.ToUpper(ctl.Value)
			case "forcerequestbodyvariable":
				p.facts.forceBody = strings.EqualFold(ctl.Value, "on")
			}
		}
	}
	return true
}

// headers holds the header fields against their bags.
func (p *pass) headers() bool {
	for _, m := range p.facts.headers {
		b := p.gate.other
		for _, h := range p.gate.headers {
			if len(h.header) == len(m.key) && equalFold(m.key, h.header) {
				b = h
				break
			}
		}
		if b != nil && !p.scan(b, m.key, m.val) {
			return false
		}
	}
	return true
}

// directs evaluates the rules that look at counts and settings.
func (p *pass) directs() bool {
	for _, c := range p.gate.direct {
		if c.unless != "" && c.unless == p.facts.processor {
			continue
		}
		p.links, p.hits, p.groups = c.links, p.hits[:0], p.groups[:0]
		p.follow(&c.links[0], 0, -1)
		if len(p.hits) == 0 {
			continue
		}
		if len(c.links) > 1 {
			p.first[c.index] = append(p.first[c.index], p.hits...)
		} else if !c.neutral {
			p.why = Reason{RuleID: c.id, Target: p.hits[0].collection}
			return false
		}
	}
	return true
}

// chains follows the chains whose first links matched.
func (p *pass) chains() bool {
	for _, c := range p.gate.chains {
		first := p.first[c.index]
		if len(first) == 0 {
			continue
		}
		p.links, p.groups = c.links, p.groups[:0]
		if p.completes(c, first) && !c.neutral {
			p.why = Reason{RuleID: c.id, Target: first[0].collection, key: first[0].key}
			return false
		}
	}
	return true
}

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
