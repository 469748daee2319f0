// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp/syntax"
	"slices"
)

// Alphabet gives bytes of which alone texts that match can be made. It is every
// byte for an expression that is not tied to both ends of a text, and when there
// are more than so many positions to look at.
func Alphabet(p Pattern, positions int) (alphabet [256]bool, err error) {
	prog, err := progOf(p)
	if err != nil || !prog.alphabet(&alphabet, positions) {
		for b := range alphabet {
			alphabet[b] = true
		}
	}
	return alphabet, err
}

// languageStep is one byte from a position to another.
type languageStep struct {
	from, to int
	class    uint8
}

// alphabet marks the bytes on ways that lead to a match at the text's end. It
// gives up where there is a match before.
func (p *prog) alphabet(out *[256]bool, most int) bool {
	m := machine{prog: p}
	var w work
	var steps []languageStep
	var all []position
	var final []int
	numbers := map[string]int{}
	visit := func(at position) int {
		w.key = at.key(w.key[:0])
		n, had := numbers[string(w.key)]
		if !had {
			n = len(all)
			numbers[string(w.key)] = n
			at.insts = slices.Clone(at.insts)
			all = append(all, at)
		}
		return n
	}
	visit(m.start(&w, kindEdge))
	for i := 0; i < len(all) && !w.matched; i++ {
		if i > most {
			return false
		}
		for _, b := range p.byteReps {
			if next := m.step(&w, all[i], b); !next.dead() {
				steps = append(steps, languageStep{i, visit(next), p.byteClass[b]})
			}
		}
		if w.matched {
			return false
		}
		if m.finish(&w, all[i]); w.matched {
			final, w.matched = append(final, i), false
		}
	}
	if w.matched {
		return false
	}
	classes := onTheWay(steps, len(all), final)
	for b := range out {
		out[b] = classes[p.byteClass[b]]
	}
	return true
}

// onTheWay marks the classes of the steps from which some final place can still
// be reached.
func onTheWay(steps []languageStep, places int, final []int) (classes [256]bool) {
	back := make([][]int, places) // steps by where they lead
	for i, s := range steps {
		back[s.to] = append(back[s.to], i)
	}
	seen := make([]bool, places)
	for _, f := range final {
		seen[f] = true
	}
	for todo := slices.Clone(final); len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, i := range back[at] {
			classes[steps[i].class] = true
			if from := steps[i].from; !seen[from] {
				seen[from] = true
				todo = append(todo, from)
			}
		}
	}
	return classes
}

// Shortest gives a length in bytes below which no text matches.
func Shortest(p Pattern) (int, error) {
	if p.Phrases != nil {
		least := -1
		for _, phrase := range p.Phrases {
			if least < 0 || len(phrase) < least {
				least = len(phrase)
			}
		}
		return max(least, 0), nil
	}
	prog, err := progOf(p)
	if err != nil {
		return 0, err
	}
	return prog.shortest(), nil
}

// shortest counts the runes of the shortest way to a match, each of which takes
// a byte at least.
func (p *prog) shortest() int {
	seen := make([]bool, len(p.insts))
	now := []uint32{p.start}
	for length := 0; len(now) > 0; length++ {
		var next []uint32
		for len(now) > 0 {
			at := now[len(now)-1]
			now = now[:len(now)-1]
			if seen[at] {
				continue
			}
			seen[at] = true
			switch in := &p.insts[at]; in.op {
			case syntax.InstMatch:
				return length
			case syntax.InstAlt:
				now = append(now, in.out, in.arg)
			case syntax.InstNop, syntax.InstEmptyWidth:
				now = append(now, in.out)
			case syntax.InstRune:
				next = append(next, in.out)
			}
		}
		now = next
	}
	return 0 // nothing matches
}
