// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "strings"

// Analysis answers questions about the patterns of rules and languages, given as
// expressions, and remembers the answers. It is for one goroutine. The zero value
// is ready.
type Analysis struct {
	// Cache holds the rules' patterns compiled. Nil compiles them again.
	Cache *Cache
	// Budget is how many steps there are for all questions together, about 5
	// million a second; 0 is no bound. When it is spent, nothing more is proven.
	Budget int64

	steps    int64
	progs    map[string]*prog // nil entries cannot be compiled
	within   map[withinQuestion]bool
	disjoint map[[2]string]bool
	included map[[2]string]bool
}

type withinQuestion struct {
	pattern  string
	alphabet [4]uint64
}

// Bounds of the work for one question.
const (
	questionSteps = 20_000
	largeProg     = 20_000 // instructions, beyond which nothing is asked
)

// key identifies what a pattern matches.
func (p *Pattern) key() string {
	switch {
	case p.Phrases != nil:
		return "p" + strings.Join(p.Phrases, "\x00")
	case p.Binary:
		return "b" + p.Expr
	}
	return "e" + p.Expr
}

func (a *Analysis) prog(p *Pattern, key string, rule bool) *prog {
	if known, ok := a.progs[key]; ok {
		return known
	}
	if a.Budget > 0 && a.steps > a.Budget {
		return nil
	}
	if a.progs == nil {
		a.progs = map[string]*prog{}
		a.within = map[withinQuestion]bool{}
		a.disjoint = map[[2]string]bool{}
		a.included = map[[2]string]bool{}
	}
	var made *prog
	var err error
	if rule && a.Cache != nil && p.Phrases == nil {
		var m *matcher
		if m, err = a.Cache.compile(p.Expr, p.Binary); err == nil {
			made = m.prog
		}
	} else {
		made, err = progOf(*p)
	}
	if err != nil || len(made.insts) > largeProg {
		made = nil
	}
	a.progs[key] = made
	return made
}

// CannotMatchWithin says that it is proven that no text made of these bytes
// only, the empty one included, matches the pattern.
func (a *Analysis) CannotMatchWithin(p *Pattern, bytes [4]uint64) bool {
	var alphabet [256]bool
	for b := range alphabet {
		alphabet[b] = bytes[b>>6]>>(b&63)&1 != 0
	}
	if p.Phrases != nil {
		can, _ := CanMatchWithin(*p, &alphabet)
		return !can
	}
	q := withinQuestion{p.key(), bytes}
	prog := a.prog(p, q.pattern, true)
	if prog == nil {
		return false
	}
	cannot, known := a.within[q]
	if !known {
		cannot = !prog.reachable(&alphabet)
		if !cannot && a.left() {
			can, steps := prog.explore(&alphabet)
			cannot = !can
			a.steps += int64(steps)
		}
		a.within[q] = cannot
	}
	return cannot
}

// Steps is how many steps the questions took so far.
func (a *Analysis) Steps() int64 { return a.steps }

// left tells whether there are steps left.
func (a *Analysis) left() bool { return a.Budget <= 0 || a.steps < a.Budget }

// Disjoint says that it is proven that no text of a language matches a rule's
// pattern. See the function of this name.
func (a *Analysis) Disjoint(language, rule *Pattern) bool {
	key := [2]string{language.key(), rule.key()}
	one, other := a.prog(language, key[0], false), a.prog(rule, key[1], true)
	if one == nil || other == nil {
		return false
	}
	disjoint, known := a.disjoint[key]
	if !known {
		disjoint = a.search(newProduct(one, other))
		a.disjoint[key] = disjoint
	}
	return disjoint
}

// search says that it is proven that there is no such text.
func (a *Analysis) search(p *product) bool {
	if !a.left() {
		return false
	}
	met, known := p.search(questionSteps / max(len(p.reps), 1))
	a.steps += int64(len(p.seen) * len(p.reps))
	return known && !met
}

// Includes says that it is proven that every text that matches q matches p.
func (a *Analysis) Includes(p, q *Pattern) bool {
	key := [2]string{p.key(), q.key()}
	outer, inner := a.prog(p, key[0], false), a.prog(q, key[1], false)
	if outer == nil || inner == nil {
		return false
	}
	includes, known := a.included[key]
	if !known {
		pr := newProduct(inner, outer)
		pr.without = true
		includes = a.search(pr)
		a.included[key] = includes
	}
	return includes
}

// Shortest is the function of this name, 0 for what cannot be compiled.
func (a *Analysis) Shortest(p *Pattern) int {
	if p.Phrases != nil {
		n, _ := Shortest(*p)
		return n
	}
	if prog := a.prog(p, p.key(), true); prog != nil {
		return prog.shortest()
	}
	return 0
}
