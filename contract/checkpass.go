// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

// pass checks JSON while it reads it, by a plan. It gives only that the value
// fits: whatever it does not take, JSON that cannot be read as well, is for
// the decoder and the checker to judge and to explain.
type pass struct {
	d      decoder
	c      *checker
	values int      // read so far
	work   int      // steps of the checker on parts
	bits   []uint64 // members that the open objects have had
	names  []string // those that their plans do not name
}

// takes tells that s is one JSON value, in good form and within the limits,
// that fits the plan. The tree is overwritten.
func (p *pass) takes(pl *plan, s string, c *checker) bool {
	p.c, p.values, p.bits, p.names = c, 0, p.bits[:0], p.names[:0]
	p.d.s, p.d.pos, p.d.t, p.d.lim, p.d.path, p.d.fault = s, 0, c.t, c.lim, p.d.path[:0], nil
	c.t.reset()
	c.quiet, c.steps = 1, 0
	ok := p.whole(pl)
	// A checker that stayed quiet would let the next fault pass unsaid.
	p.work, c.quiet, c.steps, c.path = c.steps, 0, 0, c.path[:0]
	return ok
}

func (p *pass) whole(pl *plan) bool {
	p.d.space()
	if pl.tree&kindOf(p.d.peek()) != 0 {
		return false // reading it twice would be for nothing
	}
	if !p.value(pl, 0) {
		return false
	}
	p.d.space()
	return p.d.pos == len(p.d.s)
}

// release forgets the request's strings.
func (p *pass) release() {
	p.d.s, p.d.fault, p.d.t, p.c = "", nil, nil, nil
	clear(p.names[:cap(p.names)])
	if cap(p.names) > 1024 {
		p.names = nil
	}
	if cap(p.bits) > 1024 {
		p.bits = nil
	}
}

// kindOf tells the kind of the value that starts with c.
func kindOf(c byte) kind {
	switch c {
	case '{':
		return kObject
	case '[':
		return kArray
	case '"':
		return kString
	case 't', 'f':
		return kBool
	case 'n':
		return kNull
	}
	return kNumber
}

func (p *pass) value(pl *plan, depth int) bool {
	if p.values >= p.d.lim.nodes {
		return false
	}
	k := kindOf(p.d.peek())
	if pl.tree&k != 0 {
		return p.subtree(pl, depth)
	}
	p.values++
	switch k {
	case kObject:
		return pl.object != nil && depth < p.d.lim.depth && p.object(pl.object, depth)
	case kArray:
		return pl.array != nil && depth < p.d.lim.depth && p.array(pl.array, depth)
	case kString:
		if pl.text == nil {
			return false
		}
		text, ok := p.d.str()
		return ok && p.text(pl.text, text)
	case kNumber:
		n := scanNumber(p.d.s[p.d.pos:])
		if n == 0 || pl.number == nil {
			return false
		}
		text := p.d.s[p.d.pos : p.d.pos+n]
		p.d.pos += n
		return boundedNumber(text) && p.number(pl.number, text)
	case kNull:
		return pl.null && p.word("null")
	}
	if p.d.peek() == 't' {
		return pl.yes && p.word("true")
	}
	return pl.no && p.word("false")
}

func (p *pass) word(word string) bool {
	end := p.d.pos + len(word)
	if end > len(p.d.s) || p.d.s[p.d.pos:end] != word {
		return false
	}
	p.d.pos = end
	return true
}

func (p *pass) text(t *scalarPlan, text string) bool {
	for _, s := range t.enums {
		if !s.listsScalar(kString, text) {
			return false
		}
	}
	for _, s := range t.checks {
		if !p.c.text(s, text) {
			return false
		}
	}
	return true
}

func (p *pass) number(n *scalarPlan, text string) bool {
	if n.integer && !isInteger(text) {
		return false
	}
	for _, s := range n.enums {
		if !s.listsScalar(kNumber, text) {
			return false
		}
	}
	for _, s := range n.checks {
		if !p.c.number(s, text) {
			return false
		}
	}
	return true
}

// subtree reads the next value into the tree and holds it against the schemas.
func (p *pass) subtree(pl *plan, depth int) bool {
	c := p.c
	c.t.reset()
	if !p.d.value(depth, "", 0) {
		return false
	}
	if p.values += len(c.t.nodes); p.values > p.d.lim.nodes {
		return false
	}
	c.forget()
	for _, s := range pl.all {
		c.path = append(c.path[:0], 0)
		if !c.check(s, 0) {
			return false
		}
	}
	return true
}
