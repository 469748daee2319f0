// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"durward/waf/match"
	"durward/waf/transform"
	"strings"
)

// place names a bag.
type place struct {
	source source
	names  bool
	header string
}

// builder makes the bags.
type builder struct {
	marks *marks
	opt   match.Options
	bags  map[place]*bagPlan
	order []place
	sets  map[string]*match.Set // by what they hold
	// named are the header fields that some rule treats apart.
	named []string
}

// bagPlan is a bag before its sets are made.
type bagPlan struct {
	bag      *bag
	patterns [][]patternRef // by node
}

type patternRef struct {
	ref
	pattern *match.Pattern
}

// add puts the first link of a rule into the bags of its targets.
func (b *builder) add(c *rule) {
	l := &c.links[0]
	for i := range l.targets {
		t := &l.targets[i]
		for _, s := range t.sources {
			if s != srcHeaders || t.kind == kindNames {
				b.put(place{source: s, names: t.kind == kindNames}, c, i)
				continue
			}
			for _, name := range b.named {
				if t.chooses(name) {
					b.put(place{source: s, header: name}, c, i)
				}
			}
			// Of the fields that no rule names, an expression may choose some.
			if t.selector.whole || t.selector.re != nil {
				b.put(place{source: s}, c, i)
			}
		}
	}
}

// put adds one condition to one bag.
func (b *builder) put(at place, c *rule, targetIndex int) {
	plan := b.bags[at]
	if plan == nil {
		plan = &bagPlan{bag: &bag{source: at.source, names: at.names, header: at.header, nodes: []node{{}}}, patterns: make([][]patternRef, 1)}
		b.bags[at] = plan
		b.order = append(b.order, at)
	}
	plan.bag.conds = append(plan.bag.conds, cond{c, targetIndex})
	l := &c.links[0]
	n := 0
	if l.multi {
		b.condition(plan, n, c, targetIndex)
	}
	for _, t := range l.transforms {
		n = plan.child(n, t, l.multi, b.marks)
		if l.multi {
			b.condition(plan, n, c, targetIndex)
		}
	}
	if !l.multi {
		b.condition(plan, n, c, targetIndex)
	}
}

// child finds or makes the node for one more transformation.
func (p *bagPlan) child(parent int, t transform.T, exact bool, m *marks) int {
	for i := range p.bag.nodes {
		if i > 0 && p.bag.nodes[i].parent == parent && p.bag.nodes[i].t == t && p.bag.nodes[i].exact == exact {
			return i
		}
	}
	p.bag.nodes = append(p.bag.nodes, node{parent: parent, t: t, touch: m.touch(t), exact: exact})
	p.patterns = append(p.patterns, nil)
	return len(p.bag.nodes) - 1
}

func (b *builder) condition(plan *bagPlan, n int, c *rule, targetIndex int) {
	op := &c.links[0].op
	r := ref{rule: c, target: targetIndex, not: op.negated}
	if op.pattern != nil && !op.whole {
		plan.patterns[n] = append(plan.patterns[n], patternRef{r, op.pattern})
		return
	}
	mark, exact := b.marks.operator(op)
	plan.bag.nodes[n].tests = append(plan.bag.nodes[n].tests, test{ref: r, op: op, mark: mark, exact: exact, repeats: n > 0 && c.links[0].multi})
}

// finish makes the sets. Bags of the same kind of values share one set for the
// value as it is.
func (b *builder) finish() error {
	groups := map[[2]source][]*bagPlan{}
	var order [][2]source
	for _, at := range b.order {
		g := [2]source{at.source, 0}
		switch {
		case at.source == srcHeaders && !at.names:
		case at.source > firstKeyed:
			g = [2]source{0, 1}
		}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], b.bags[at])
	}
	for _, g := range order {
		if err := b.group(groups[g]); err != nil {
			return err
		}
	}
	return nil
}

// group makes the sets of bags with one set in common.
func (b *builder) group(plans []*bagPlan) error {
	var all []*match.Pattern
	at := map[string]int{}
	for _, plan := range plans {
		for n := range plan.bag.nodes {
			for _, p := range plan.patterns[n] {
				if key := patternKey(p.pattern); at[key] == 0 {
					all = append(all, p.pattern)
					at[key] = len(all)
				}
			}
		}
	}
	set, err := b.set(all)
	if err != nil {
		return err
	}
	for _, plan := range plans {
		g := plan.bag
		g.all, g.refs = set, make([][]nodeRef, len(all))
		for n := range g.nodes {
			nd := &g.nodes[n]
			var own []*match.Pattern
			for i, p := range plan.patterns[n] {
				bit := at[patternKey(p.pattern)] - 1
				g.refs[bit] = append(g.refs[bit], nodeRef{p.ref, n})
				if p.not {
					nd.not = append(nd.not, [2]int{bit, i})
				}
				own = append(own, p.pattern)
				nd.refs = append(nd.refs, p.ref)
			}
			if n == 0 {
				continue
			}
			if nd.set, err = b.set(own); err != nil {
				return err
			}
		}
		g.sort()
	}
	return nil
}

// sort finds out which nodes are looked at when.
func (g *bag) sort() {
	always := map[int]bool{}
	for n := range g.nodes {
		nd := &g.nodes[n]
		for j := 1; j < n; j++ {
			if g.nodes[j].t == nd.t && g.nodes[j].exact == nd.exact {
				nd.twins = append(nd.twins, j)
			}
		}
		if n > 0 && (nd.touch == unknownMark || always[nd.parent]) {
			always[n] = true
			g.always = append(g.always, n)
		} else {
			g.touch |= nd.touch
		}
		if len(nd.not) > 0 || len(nd.tests) > 0 {
			g.special = append(g.special, n)
		}
	}
}

// set makes a set, or finds one with the same patterns. It is nil for none.
func (b *builder) set(patterns []*match.Pattern) (*match.Set, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	var key strings.Builder
	list := make([]match.Pattern, len(patterns))
	for i, p := range patterns {
		key.WriteString(patternKey(p))
		key.WriteByte(0)
		list[i] = *p
	}
	if s := b.sets[key.String()]; s != nil {
		return s, nil
	}
	s, err := match.NewSet(list, b.opt)
	if err == nil {
		b.sets[key.String()] = s
	}
	return s, err
}

// patternKey tells patterns apart by what they match.
func patternKey(p *match.Pattern) string {
	switch {
	case p.Phrases != nil:
		return "p" + strings.Join(p.Phrases, "\x00")
	case p.Binary:
		return "b" + p.Expr
	}
	return "e" + p.Expr
}
