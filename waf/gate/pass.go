// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
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
	states []state
	bits   []uint64
	own    []uint64

	first   [][]hit // matches of first links of chains, by rule
	hits    []hit   // of the chain at hand
	links   []link  // of the chain at hand
	groups  []string
	seen    []string
	text    []byte
	buffers [][]byte // results of transformations, by step
}

// state is the value of one node.
type state struct {
	val  string
	sum  uint64
	root int // the node that made the value: 0 for the value as it is
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
	clear(p.text[:cap(p.text)])
	for i := range p.buffers {
		clear(p.buffers[i][:cap(p.buffers[i])])
	}
	p.hits, p.groups, p.seen, p.links, p.why = p.hits[:0], p.groups[:0], p.seen[:0], nil, Reason{}
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
		p.choose(c)
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
	return p.directs() && p.chains()
}

// choose runs a rule that chooses the reader of the body.
func (p *pass) choose(c *rule) {
	p.links, p.hits, p.groups = c.links, p.hits[:0], p.groups[:0]
	for i := range c.links {
		known := len(p.hits)
		p.follow(&c.links[i], i, -1)
		if len(p.hits) == known {
			return
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
	p.transform(g, val)
	if g.all != nil {
		clear(p.bits)
		found := g.all.Match(&p.match, val, p.bits)
		if found && !p.asIs(g, key) {
			return false
		}
	}
	for i := range g.nodes {
		if st := &p.states[i]; !p.changed(g, i, st, key) || len(g.nodes[i].tests) > 0 && !p.tests(g, i, st, key) {
			return false
		}
	}
	return true
}

// transform computes the values of all nodes.
func (p *pass) transform(g *bag, val string) {
	p.states[0] = state{val: val, sum: p.gate.marks.value(val)}
	for i := 1; i < len(g.nodes); i++ {
		nd := &g.nodes[i]
		from := &p.states[nd.parent]
		if from.sum&nd.touch == 0 {
			p.states[i] = *from
			continue
		}
		out, reported := nd.t.ApplyReported(p.buffer(i, len(from.val)), bytesOf(from.val))
		if nd.exact && !reported || view(out) == from.val {
			p.states[i] = *from
		} else {
			p.states[i] = state{val: view(out), sum: p.gate.marks.value(view(out)), root: i}
		}
	}
}

// asIs looks at the patterns that occur in the value as it is, for the nodes
// that have that value.
func (p *pass) asIs(g *bag, key string) bool {
	for w, word := range p.bits {
		if word == 0 {
			continue
		}
		var valid uint64
		for i := range g.nodes {
			if p.states[i].root == 0 {
				valid |= g.nodes[i].in[w]
			}
		}
		for word &= valid; word != 0; word &= word - 1 {
			if r := &g.allRefs[w*64+bits.TrailingZeros64(word)]; !r.not && !p.fire(r, key, p.states[0].val, true) {
				return false
			}
		}
		if (w+1)*64 >= len(g.allRefs) {
			break
		}
	}
	return true
}

// changed holds the patterns of a node against a value that is not the one as it
// is, and looks for patterns that are missing.
func (p *pass) changed(g *bag, i int, st *state, key string) bool {
	nd := &g.nodes[i]
	if st.root == 0 {
		for n, bit := range nd.not {
			if p.bits[bit/64]>>(bit%64)&1 == 0 && !p.fire(&nd.refs[nd.notIn[n]], key, st.val, true) {
				return false
			}
		}
		return true
	}
	if nd.set == nil {
		return true
	}
	own := p.own[:(len(nd.refs)+63)/64]
	clear(own)
	if nd.set.Match(&p.match, st.val, own) {
		for w, word := range own {
			for ; word != 0; word &= word - 1 {
				if r := &nd.refs[w*64+bits.TrailingZeros64(word)]; !r.not && !p.fire(r, key, st.val, false) {
					return false
				}
			}
		}
	}
	for _, bit := range nd.notIn {
		if own[bit/64]>>(bit%64)&1 == 0 && !p.fire(&nd.refs[bit], key, st.val, false) {
			return false
		}
	}
	return true
}

// tests evaluates the conditions of a node that are no patterns.
func (p *pass) tests(g *bag, i int, st *state, key string) bool {
	nd := &g.nodes[i]
	for n := range nd.tests {
		t := &nd.tests[n]
		if t.repeats && st.root == p.states[nd.parent].root {
			continue
		}
		holds := st.sum&t.mark != 0
		if holds && !t.exact {
			holds = t.op.always || t.op.plain(&p.match, st.val, t.op.text)
		}
		if holds != t.not && !p.fire(&t.ref, key, st.val, st.root == 0) {
			return false
		}
	}
	return true
}

// fire takes a match of a rule's first link. False means that the request is not
// proven clean. A value that does not stay is copied.
func (p *pass) fire(r *ref, key, val string, stays bool) bool {
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
