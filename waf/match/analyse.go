// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// analysisStates bounds the positions that CanMatchWithin looks at.
const analysisStates = 4000

// CanMatchWithin says whether any text made of these bytes only, the empty one
// included, can match the pattern. False is proven; true may be a lack of proof.
func CanMatchWithin(p Pattern, alphabet *[256]bool) (bool, error) {
	if p.Phrases != nil {
		return slices.ContainsFunc(p.Phrases, func(phrase string) bool { return within(phrase, alphabet) }), nil
	}
	prog, err := progOf(p)
	if err != nil {
		return true, err
	}
	if !prog.reachable(alphabet) {
		return false, nil
	}
	can, _ := prog.explore(alphabet)
	return can, nil
}

// within says whether a phrase can be written with these bytes in either case.
func within(phrase string, alphabet *[256]bool) bool {
	for i := range len(phrase) {
		c := lower(phrase[i])
		upper := c
		if 'a' <= c && c <= 'z' {
			upper = c - 'a' + 'A'
		}
		if !alphabet[c] && !alphabet[upper] {
			return false
		}
	}
	return true
}

func progOf(p Pattern) (*prog, error) {
	if p.Phrases != nil {
		p = phraseExpr(p.Phrases)
	}
	re, err := parse(p.Expr)
	if err != nil {
		return nil, fmt.Errorf("pattern %d: %w", p.ID, err)
	}
	prog, _, err := compileProg(searchOnly(re), p.Binary)
	return prog, err
}

// phraseExpr is the expression over bytes that stands for a list of phrases.
func phraseExpr(phrases []string) Pattern {
	if len(phrases) == 0 {
		return Pattern{Expr: `[^\x00-\x{10FFFF}]`, Binary: true}
	}
	var b strings.Builder
	for i, phrase := range phrases {
		if i > 0 {
			b.WriteByte('|')
		}
		for j := range len(phrase) {
			c := lower(phrase[j])
			if 'a' <= c && c <= 'z' {
				fmt.Fprintf(&b, "[%c%c]", c, c-'a'+'A')
			} else {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
	}
	return Pattern{Expr: "(?:" + b.String() + ")", Binary: true}
}

// reachable says whether a match can be reached with these bytes when assertions
// are taken to hold, and any rune past ASCII to be possible when any byte of one is.
func (p *prog) reachable(alphabet *[256]bool) bool {
	possible := make([]bool, len(p.kinds))
	for b := range 256 {
		if !alphabet[b] {
			continue
		}
		if b < utf8.RuneSelf || p.binary {
			possible[p.classOf(rune(b))] = true
			continue
		}
		for i, low := range p.lows {
			if low >= utf8.RuneSelf || i+1 == len(p.lows) || p.lows[i+1] > utf8.RuneSelf {
				possible[p.lowClass[i]] = true
			}
		}
	}
	var seen sparse
	seen.reset(len(p.insts))
	for todo := []uint32{p.start}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen.add(at) {
			continue
		}
		switch in := &p.insts[at]; in.op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt:
			todo = append(todo, in.out, in.arg)
		case syntax.InstNop, syntax.InstEmptyWidth:
			todo = append(todo, in.out)
		case syntax.InstRune:
			for class, ok := range possible {
				if ok && in.takes(uint16(class)) {
					todo = append(todo, in.out)
					break
				}
			}
		}
	}
	return false
}

// explore walks the positions of matches made of these bytes, from wherever one
// may begin. It says true when there is one, or are too many positions.
func (p *prog) explore(alphabet *[256]bool) (can bool, steps int) {
	m := machine{prog: p, anchored: true}
	var w work
	reps := representatives([]*prog{p}, alphabet)
	seen := map[string]bool{}
	var todo []position
	visit := func(at position) {
		w.key = at.key(w.key[:0])
		if !at.dead() && !seen[string(w.key)] {
			seen[string(w.key)] = true
			at.insts = slices.Clone(at.insts)
			todo = append(todo, at)
		}
	}
	for prev := kindOther; prev <= kindEdge; prev++ {
		visit(m.start(&w, prev))
	}
	for len(todo) > 0 && !w.matched && len(seen) < analysisStates {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, b := range reps {
			visit(m.step(&w, at, b))
		}
		m.finish(&w, at)
	}
	return w.matched || len(todo) > 0, len(seen) * len(reps)
}

// representatives is one byte of the alphabet for each class that any of the
// progs tells apart.
func representatives(progs []*prog, alphabet *[256]bool) []byte {
	seen := map[[2]uint8]bool{}
	var reps []byte
	for b := range 256 {
		var class [2]uint8
		for i, p := range progs {
			class[i] = p.byteClass[b]
		}
		if alphabet[b] && !seen[class] {
			seen[class] = true
			reps = append(reps, byte(b))
		}
	}
	return reps
}

// Disjoint says whether no text matches both patterns, as far as it is known
// after looking at so many pairs of positions. Anchor a schema's pattern with \A
// and \z, or ^ and $ without the flag m, to speak of whole texts.
func Disjoint(a, b Pattern, pairs int) (disjoint, known bool, err error) {
	var progs [2]*prog
	for i, p := range []Pattern{a, b} {
		if progs[i], err = progOf(p); err != nil {
			return false, false, err
		}
	}
	met, known := newProduct(progs[0], progs[1]).search(pairs)
	return known && !met, known, nil
}

// newProduct makes a search for a text that both match.
func newProduct(a, b *prog) *product {
	var alphabet [256]bool
	for i := range alphabet {
		alphabet[i] = true
	}
	progs := []*prog{a, b}
	pr := &product{reps: representatives(progs, &alphabet), seen: map[string]bool{}}
	for i, p := range progs {
		pr.sides[i].machine = machine{prog: p}
	}
	return pr
}

// product walks two machines over the same text.
type product struct {
	without bool // a text is looked for that the second does not match
	sides   [2]struct {
		machine
		work work
	}
	reps []byte
	seen map[string]bool
	todo []pair
	key  []byte
}

type pair struct {
	at      [2]position
	matched [2]bool
}

// search says whether a text matches both, and whether it could tell.
func (p *product) search(most int) (met, known bool) {
	var first pair
	for i := range p.sides {
		s := &p.sides[i]
		first.at[i] = s.start(&s.work, kindEdge)
		first.matched[i] = s.work.matched
	}
	p.visit(first)
	for len(p.todo) > 0 {
		if len(p.seen) > most {
			return false, false
		}
		now := p.todo[len(p.todo)-1]
		p.todo = p.todo[:len(p.todo)-1]
		if p.ends(now) {
			return true, true
		}
		for _, b := range p.reps {
			next := now
			for i := range p.sides {
				if s := &p.sides[i]; !now.matched[i] {
					s.work.matched = false
					next.at[i] = s.step(&s.work, now.at[i], b)
					next.matched[i] = s.work.matched
				}
			}
			p.visit(next)
		}
	}
	return false, true
}

func (p *product) visit(now pair) {
	p.key = p.key[:0]
	for i := range now.at {
		switch {
		case now.matched[i] && i == 1 && p.without:
			return // whatever follows, both match
		case now.matched[i]:
			now.at[i] = position{}
		case now.at[i].dead() && (i == 0 || !p.without):
			return
		}
		now.at[i].insts = slices.Clone(now.at[i].insts)
		p.key = append(now.at[i].key(p.key), 0xFF, 0xFE, 0xFD, 0xFC)
		if now.matched[i] {
			p.key = append(p.key, 1)
		}
	}
	if !p.seen[string(p.key)] {
		p.seen[string(p.key)] = true
		p.todo = append(p.todo, now)
	}
}

// ends says whether the text so far is one that is looked for.
func (p *product) ends(now pair) bool {
	for i := range p.sides {
		matches := now.matched[i]
		if s := &p.sides[i]; !matches {
			s.work.matched = false
			s.finish(&s.work, now.at[i])
			matches = s.work.matched
		}
		if matches == (i == 1 && p.without) {
			return false
		}
	}
	return true
}
