// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"durward"
)

// Narrowing says which rules of a gate need not see which values, because of
// what a contract proves of them. A value is kept from a rule only where no text
// that the value can be meets the rule's condition, so that a narrowed gate says
// of every request what it would say anyway, and sooner. It is immutable but for
// what it remembers of names, and safe for concurrent use.
type Narrowing struct {
	gate    *Gate
	classes map[string]*class // by languages
	small   map[string]*bag   // by what is asked in them
	shapes  map[*durward.Proof]*shape
	known   map[*durward.Proven]*Known
	digits  *class // of what the length of an array is
	names   []*names
	left    int // places that may still be described
	spent   int64
}

// Bounds of one narrowing. What is beyond them is asked of values as ever.
const (
	maxClasses = 2000
	maxSmall   = 48
	maxShapes  = 200_000
)

// class is what is asked of values of some languages.
type class struct {
	// bags are those of Gate.keyed: the same, a smaller one, or nil where nothing
	// is to ask.
	bags []*bag
	live []*rule // whose conditions such a value can meet
}

// cond is one condition of a bag.
type cond struct {
	rule   *rule
	target int
}

// Narrow compiles what is proven of requests for a gate. before is a narrowing of
// the same gate, from which answers are taken, or nil.
func (g *Gate) Narrow(proven []*durward.Proven, before *Narrowing) (*Narrowing, error) {
	n := &Narrowing{gate: g, classes: map[string]*class{}, small: map[string]*bag{}, shapes: map[*durward.Proof]*shape{},
		known: map[*durward.Proven]*Known{}, names: make([]*names, len(g.keyed)), left: maxShapes}
	for i, b := range g.keyed {
		if b.names {
			n.names[i] = &names{}
		}
	}
	if before != nil && before.gate != g {
		before = nil
	}
	m := mooter{n: n, before: before, analyst: g.analyst()}
	m.rules = g.conditional()
	n.digits = m.class([]durward.Language{{Exprs: []string{`\A[0-9]+\z`}}})
	for _, p := range proven {
		n.known[p] = m.describe(p)
	}
	n.spent = m.analysis.Steps()
	return n, errors.Join(m.errs...)
}

// conditional lists the rules that look at values of arguments.
func (g *Gate) conditional() (rules []*rule) {
	for _, b := range g.keyed {
		if !b.holdsArguments() {
			continue
		}
		for _, c := range b.conds {
			if !slices.Contains(rules, c.rule) {
				rules = append(rules, c.rule)
			}
		}
	}
	return rules
}

// holdsArguments tells that a bag is for values of which something may be proven.
func (b *bag) holdsArguments() bool {
	return !b.names && (b.source == srcArgsGet || b.source == srcArgsPost)
}

// mooter makes a narrowing.
type mooter struct {
	n      *Narrowing
	before *Narrowing
	analyst
	rules []*rule
	errs  []error
}

// languagesKey identifies a list of languages.
func languagesKey(list []durward.Language) string {
	var b []byte
	add := func(texts []string) {
		b = binary.AppendUvarint(b, uint64(len(texts)))
		for _, s := range texts {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	for i := range list {
		l := &list[i]
		b = binary.AppendVarint(b, int64(l.Most))
		if l.Texts == nil {
			b = append(b, 'e')
			add(l.Exprs)
		} else {
			b = append(b, 't')
			add(l.Texts)
		}
	}
	return string(b)
}

// class gives what is asked of values of some languages; nil for all that is
// asked of any.
func (m *mooter) class(languages []durward.Language) *class {
	if len(languages) == 0 {
		return nil
	}
	key := languagesKey(languages)
	if c, ok := m.n.classes[key]; ok {
		return c
	}
	if len(m.n.classes) >= maxClasses {
		return nil
	}
	c := &class{live: m.livelyFor(languages, key)}
	if len(c.live) == len(m.rules) {
		c = nil
	} else {
		c.bags = make([]*bag, len(m.n.gate.keyed))
		for i, b := range m.n.gate.keyed {
			c.bags[i] = m.narrowed(i, b, c.live)
		}
	}
	m.n.classes[key] = c
	return c
}

// livelyFor lists the rules that values of the languages can match.
func (m *mooter) livelyFor(languages []durward.Language, key string) (live []*rule) {
	if m.before != nil {
		if c, ok := m.before.classes[key]; ok {
			if c == nil {
				return m.rules
			}
			return c.live
		}
	}
	return m.lively(languages, m.rules)
}

// narrowed gives a bag with the conditions of some rules only.
func (m *mooter) narrowed(i int, b *bag, live []*rule) *bag {
	if !b.holdsArguments() { // nothing is proven of its values
		return b
	}
	var key strings.Builder
	key.WriteByte(byte(i))
	var conds []cond
	for n, c := range b.conds {
		if slices.Contains(live, c.rule) {
			conds = append(conds, c)
			key.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		}
	}
	switch small, ok := m.n.small[key.String()]; {
	case len(conds) == 0:
		return nil
	case 2*len(conds) > len(b.conds): // it would save little
		return b
	case ok:
		return small
	case len(m.n.small) >= maxSmall:
		return b
	}
	m.b.bags, m.b.order = map[place]*bagPlan{}, nil
	at := place{source: b.source, names: b.names, header: b.header}
	for _, c := range conds {
		m.b.put(at, c.rule, c.target)
	}
	if err := m.b.finish(); err != nil {
		m.errs = append(m.errs, err)
		return b
	}
	small := m.b.bags[at].bag
	m.n.small[key.String()] = small
	return small
}

// Live lists the ids of the rules that values of the languages are still shown
// to, of those that look at arguments, and how many there are of these.
func (g *Gate) Live(languages []durward.Language) (ids []int, of int) {
	a, rules := g.analyst(), g.conditional()
	live := rules
	if len(languages) > 0 {
		live = a.lively(languages, rules)
	}
	for _, r := range live {
		ids = append(ids, r.id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), len(rules)
}

// NarrowingStats tells how large a narrowing is.
type NarrowingStats struct {
	Classes int   // distinct lists of languages
	Useful  int   // of them, those that some rule need not see
	Bags    int   // sets of rules that were made for them
	Places  int   // of JSON content that are described
	Spent   int64 // steps of the analysis, of its budget
}

// Stats counts.
func (n *Narrowing) Stats() NarrowingStats {
	s := NarrowingStats{Classes: len(n.classes), Bags: len(n.small), Places: len(n.shapes), Spent: n.spent}
	for _, c := range n.classes {
		if c != nil {
			s.Useful++
		}
	}
	return s
}
