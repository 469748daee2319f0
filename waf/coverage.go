// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"durward/waf/gate"
	"durward/waf/seclang"
)

// Coverage is what the gate for one kind of settings makes of the rules of the
// request phases.
type Coverage struct {
	Settings Settings
	Demands  []int // indices of the operations that it is for
	Rules    []RuleCoverage

	gate *gate.Gate
}

// RuleCoverage is what the gate makes of one rule.
type RuleCoverage struct {
	gate.RuleCoverage
	// Paranoia is the level from which the rule runs, as its tag says; 0 where it
	// says none: set-up, and rules of one's own.
	Paranoia int
}

// Cover compiles the gates that operations need as of now, without any engine,
// and tells what they make of each rule. It takes a second or two.
func Cover(b *Builder, now time.Time, demands ...*Demand) ([]Coverage, error) {
	rules, err := b.Rules(now, demands...)
	if err != nil {
		return nil, err
	}
	set, err := seclang.Parse(rules.FS, rules.Text)
	if err != nil {
		return nil, ruleFault(err)
	}
	levels := levelsOf(set)
	p := newPlans(rules)
	p.set = set
	var out []Coverage
	for i, d := range demands {
		s := d.cfg.settings().with(d.profileAt(now))
		if n := slices.IndexFunc(out, func(c Coverage) bool { return c.Settings == s }); n >= 0 {
			out[n].Demands = append(out[n].Demands, i)
			continue
		}
		g, err := p.compile(&s)
		if err != nil {
			return nil, err
		}
		c := Coverage{Settings: s, Demands: []int{i}, gate: g}
		for _, r := range g.Coverage() {
			c.Rules = append(c.Rules, RuleCoverage{r, levels[r.ID]})
		}
		out = append(out, c)
	}
	return out, nil
}

// Count counts the rules of a paranoia level by how they are covered.
func (c *Coverage) Count(paranoia int) map[gate.Cover]int {
	out := map[gate.Cover]int{}
	for i := range c.Rules {
		if c.Rules[i].Paranoia == paranoia {
			out[c.Rules[i].Cover]++
		}
	}
	return out
}

// levelsOf reads the paranoia levels of rules from their tags.
func levelsOf(set *seclang.Set) map[int]int {
	levels := map[int]int{}
	for _, item := range set.Items {
		r, ok := item.(*seclang.Rule)
		if !ok {
			continue
		}
		for _, tag := range r.Tags {
			if text, ok := strings.CutPrefix(tag, "paranoia-level/"); ok {
				levels[r.ID], _ = strconv.Atoi(text)
			}
		}
	}
	return levels
}
