// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
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
	sums    []uint64 // of names
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

// maxKept is the most memory in bytes of one piece that outlasts a request.
// Larger pieces are given back, so that one large request makes none of the
// following pay for clearing what it left.
const maxKept = 64 << 10

// wiped clears memory for the next request, or gives it back.
func wiped(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	clear(b[:cap(b)])
	return b[:0]
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
	p.text = wiped(p.text)
	for i := range p.buffers {
		p.buffers[i] = wiped(p.buffers[i])
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
	k := r.Known
	if k != nil && k.of.gate != g {
		k = nil
	}
	if !p.facts.readBody(r, &g.limits, k) {
		p.why = Reason{Target: "content"}
		return false
	}
	if k != nil {
		k.fields(p.facts.argsGet, k.query)
		if p.facts.processor == "URLENCODED" {
			k.fields(p.facts.argsPost, k.form)
		}
	}
	for _, b := range g.ones {
		if !p.scan(b, "", p.facts.one(b.source)) {
			return false
		}
	}
	if !p.headers() {
		return false
	}
	for i, b := range g.keyed {
		if !p.members(i, b, k) {
			return false
		}
	}
	for _, c := range g.counters {
		if !p.distinct(c) {
			p.why = Reason{RuleID: c.id, Target: c.links[0].targets[0].collection}
			return false
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

// members holds the members of a collection against the bag of its values or
// names.
func (p *pass) members(i int, b *bag, k *Known) bool {
	items := p.facts.items(b.source)
	for n := range items {
		m := &items[n]
		switch {
		case b.names && m.declared:
			if !p.declared(k.of.names[i], b, m.key) {
				return false
			}
		case b.names:
			if !p.scan(b, m.key, m.key) {
				return false
			}
		case m.class == nil:
			if !p.scan(b, m.key, m.val) {
				return false
			}
		default:
			if small := m.class.bags[i]; small != nil && !p.scan(small, m.key, m.val) {
				return false
			}
		}
	}
	return true
}

// declared looks at a name of the contract, or remembers that it did.
func (p *pass) declared(seen *names, b *bag, name string) bool {
	if seen.has(p.gate.seed, name) {
		return true
	}
	fired := p.fired
	if !p.scan(b, name, name) {
		return false
	}
	if p.fired == fired {
		seen.add(p.gate.seed, name)
	}
	return true
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
