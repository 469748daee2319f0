// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

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

// firstMember gives the first member with the key. Of several Coraza takes any,
// and of header fields the one that it was given first: where there is a choice
// the request is not proven clean.
func (p *pass) firstMember(m *part) (s string, found bool) {
	for _, src := range m.sources {
		for _, it := range p.facts.items(src) {
			if !sameKey(it.key, m.key) {
				continue
			}
			if found {
				p.unsure = true
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
