// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "strings"

// maxHits bounds the matches that are followed through one chain; beyond it the
// request is not proven clean.
const maxHits = 512

// hit is a match of a link of a chain.
type hit struct {
	link       int
	before     int // the match of the link before, among the pass's hits; -1 for none
	collection string
	key, val   string // val as it was after the transformations
	groups     int    // where its groups are among the pass's, plus one; 0 until they are asked for
}

// completes tells whether a chain can match to its end, given the matches of its
// first link. Where Coraza keeps the last match only, every match is tried.
func (p *pass) completes(c *rule, first []hit) bool {
	if len(first) > maxHits {
		return true
	}
	p.hits = append(p.hits[:0], first...)
	from, to := 0, len(p.hits)
	for i := 1; i < len(c.links); i++ {
		l := &c.links[i]
		if l.open != "" {
			return true
		}
		if c.ordered {
			for h := from; h < to; h++ {
				p.follow(l, i, h)
			}
		} else {
			p.follow(l, i, -1)
		}
		if len(p.hits) == to {
			return false
		}
		if len(p.hits) > maxHits {
			return true
		}
		from, to = to, len(p.hits)
	}
	return true
}

// follow finds the matches of a link after the hit before, and adds them.
func (p *pass) follow(l *link, i, before int) {
	if l.source.Operator == nil {
		p.hits = append(p.hits, hit{link: i, before: before})
		return
	}
	arg := l.op.text
	if l.op.macro != nil {
		arg = p.put(l.arg, before)
	}
	known := len(p.hits) // MATCHED_VARS are of the links before
	for t := range l.targets {
		tg := &l.targets[t]
		try := func(collection, key, val string) {
			if len(p.hits) > maxHits {
				return
			}
			for n := range p.variants(l, val) {
				if v := p.variant(n); l.op.holds(&p.match, v, arg) {
					p.hits = append(p.hits, hit{link: i, before: before, collection: collection, key: key, val: p.keep(v)})
				}
			}
		}
		p.each(tg, before, known, try)
	}
}

// each calls yield for every value that the target can have.
func (p *pass) each(t *target, before, known int, yield func(collection, key, val string)) {
	if t.count {
		yield(t.collection, t.selector.low, p.facts.decimal(p.count(t)))
		return
	}
	switch t.kind {
	case kindConstant:
		yield(t.collection, "", t.constant)
	case kindOne:
		yield(t.collection, "", p.facts.one(t.sources[0]))
	case kindValues, kindNames:
		for _, s := range t.sources {
			for _, m := range p.facts.items(s) {
				if !t.chooses(m.key) {
					continue
				}
				if t.kind == kindNames {
					m.val = m.key
				}
				yield(t.collection, m.key, m.val)
			}
		}
	case kindTX:
		p.eachTX(&t.tx, t, before, known, yield)
	case kindMatchedVar:
		yield(t.collection, "", p.hits[before].val)
	case kindMatchedVarName:
		yield(t.collection, "", p.name(&p.hits[before]))
	case kindMatchedVars, kindMatchedVarsNames:
		for h := range known {
			if name := p.name(&p.hits[h]); t.chooses(name) {
				val := p.hits[h].val
				if t.kind == kindMatchedVarsNames {
					val = name
				}
				yield(t.collection, name, val)
			}
		}
	}
}

// count gives the number of members that a target chooses.
func (p *pass) count(t *target) (n int) {
	switch t.kind {
	case kindConstant, kindOne:
		return 1
	case kindTX:
		return len(t.tx.values)
	}
	for _, s := range t.sources {
		items := p.facts.items(s)
		for i := range items {
			if t.chooses(items[i].key) {
				n++
			}
		}
	}
	return n
}

func (p *pass) eachTX(r *txRead, t *target, before, known int, yield func(collection, key, val string)) {
	switch r.mode {
	case txConstant, txPattern:
		for _, v := range r.values {
			yield(t.collection, t.selector.low, v)
		}
		for i := range r.writes {
			for h := range known {
				if p.hits[h].link == r.writes[i].link {
					if v, ok := p.written(r, t, &r.writes[i], h); ok {
						yield(t.collection, t.selector.low, v)
					}
				}
			}
		}
		p.eachForeign(r, t, yield)
	default:
		if v, ok := p.tx(r, before); ok {
			yield(t.collection, t.selector.low, v)
		}
	}
}

// eachForeign yields what the first links of other rules have set.
func (p *pass) eachForeign(r *txRead, t *target, yield func(collection, key, val string)) {
	for i := range r.foreign {
		w := &r.foreign[i]
		for _, h := range p.first[w.rule.index] {
			at, links := len(p.hits), p.links
			p.hits, p.links = append(p.hits, h), w.rule.links
			v, ok := p.written(r, t, w, at)
			// yield adds hits of its own, so that this one has to go first.
			p.hits, p.links = p.hits[:at], links
			if ok {
				yield(t.collection, t.selector.low, v)
			}
		}
	}
}

// written gives what a setvar has set after a hit, if the name is one that the
// target chooses.
func (p *pass) written(r *txRead, t *target, w *write, h int) (val string, ok bool) {
	if w.keyed != nil {
		if w.parts >= 0 && w.literal+w.parts*len(p.hits[h].val) < len(r.needle) {
			return "", false
		}
		if !t.selector.re.MatchString(strings.ToLower(p.put(w.keyed, h))) {
			return "", false
		}
	}
	return p.put(w.value, h), true
}

// tx gives the value of one TX variable after the hit before.
func (p *pass) tx(r *txRead, before int) (string, bool) {
	switch r.mode {
	case txConstant:
		if len(r.values) > 0 {
			return r.values[0], true
		}
	case txCapture:
		for h := before; h >= 0; h = p.hits[h].before {
			if p.links[p.hits[h].link].captures() > r.group {
				return p.group(h, r.group), true
			}
		}
	case txWritten:
		for h := before; h >= 0; h = p.hits[h].before {
			for i := len(r.writes) - 1; i >= 0; i-- {
				if r.writes[i].link == p.hits[h].link {
					return p.put(r.writes[i].value, h), true
				}
			}
		}
	}
	return "", false
}
