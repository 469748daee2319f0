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

// group gives what a hit captured.
func (p *pass) group(h, group int) string {
	op := &p.links[p.hits[h].link].op
	val := p.hits[h].val
	if op.whole {
		return val
	}
	if p.hits[h].groups == 0 {
		p.hits[h].groups = len(p.groups) + 1
		at := op.re.FindStringSubmatchIndex(val)
		for g := range op.groups {
			s := ""
			if g*2+1 < len(at) && at[2*g] >= 0 {
				s = val[at[2*g]:at[2*g+1]]
			}
			p.groups = append(p.groups, s)
		}
	}
	return p.groups[p.hits[h].groups-1+group]
}

// name is MATCHED_VAR_NAME of a hit.
func (p *pass) name(h *hit) string {
	if h.key == "" {
		return h.collection
	}
	at := len(p.facts.arena)
	p.facts.arena = append(append(append(p.facts.arena, h.collection...), ':'), h.key...)
	return view(p.facts.arena[at:])
}

// put expands a macro after the hit before.
func (p *pass) put(parts []part, before int) string {
	p.text = p.text[:0]
	var text []byte
	for i := range parts {
		m := &parts[i]
		s, found := m.text, true
		switch m.kind {
		case partTX:
			if m.tx.mode != txConstant && m.tx.mode != txCapture {
				// The value is itself a macro.
				text, p.text = p.text, nil
				s, found = p.tx(&m.tx, before)
				p.text = text
			} else {
				s, found = p.tx(&m.tx, before)
			}
		case partOne:
			s = p.facts.one(m.sources[0])
		case partFirst:
			s, found = p.firstMember(m)
		case partMatchedVar:
			s = p.hits[before].val
		case partMatchedVarName:
			s = p.name(&p.hits[before])
		}
		if !found {
			s = m.text
		}
		p.text = append(p.text, s...)
	}
	return p.keep(view(p.text))
}

// firstMember gives the first member with the key. Of several arguments or
// cookies Coraza takes any, so that the request is not proven clean.
func (p *pass) firstMember(m *part) (s string, found bool) {
	for _, src := range m.sources {
		for _, it := range p.facts.items(src) {
			if !sameKey(it.key, m.key) {
				continue
			}
			if found {
				p.unsure = p.unsure || src != srcHeaders
				return s, true
			}
			s, found = it.val, true
		}
	}
	return s, found
}

// keep copies a text to where it stays until the end of the request.
func (p *pass) keep(s string) string {
	at := len(p.facts.arena)
	p.facts.arena = append(p.facts.arena, s...)
	return view(p.facts.arena[at:])
}

// variants computes what the operator of a link sees of a value, and gives their
// number. Without multiMatch it is one.
func (p *pass) variants(l *link, val string) int {
	p.seen = append(p.seen[:0], val)
	for i, t := range l.transforms {
		from := p.seen[len(p.seen)-1]
		if !l.multi {
			out, _ := t.Apply(p.buffer(i, len(from)), bytesOf(from))
			p.seen[0] = view(out)
			continue
		}
		out, reported := t.ApplyReported(p.buffer(i, len(from)), bytesOf(from))
		if reported {
			p.seen = append(p.seen, view(out))
		}
	}
	return len(p.seen)
}

func (p *pass) variant(n int) string { return p.seen[n] }

// buffer gives the memory for the result of the i-th transformation of a value
// with n bytes. One that grows beyond it is allocated anew.
func (p *pass) buffer(i, n int) []byte {
	for len(p.buffers) <= i {
		p.buffers = append(p.buffers, nil)
	}
	if cap(p.buffers[i]) < 2*n+64 {
		p.buffers[i] = make([]byte, 0, 3*n+128)
	}
	return p.buffers[i]
}
