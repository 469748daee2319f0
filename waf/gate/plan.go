// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"strconv"
	"strings"

	"durward/waf/seclang"
	"durward/waf/transform"
)

// planner compiles the rules that are left for a request, in the order of
// evaluation. Settings are folded in already; what is followed here is what
// rules set and read while they run.
type planner struct {
	set      *seclang.Set
	tx       *seclang.TX // as the rule at hand finds it
	keyed    []write     // setvars so far whose names depend on the request
	rules    []*rule
	bySource map[*seclang.Rule]*rule
}

// plan compiles the live rules of a set.
func plan(set *seclang.Set, initial map[string]string) (*planner, error) {
	live := set.Live(initial)
	f := &planner{set: set, bySource: map[*seclang.Rule]*rule{}}
	for i := range live.Rules {
		c, err := f.rule(&live.Rules[i])
		if err != nil {
			return nil, err
		}
		c.index = len(f.rules)
		f.rules = append(f.rules, c)
		f.bySource[live.Rules[i].Source] = c
	}
	for _, ctl := range live.Ctls {
		if strings.Contains(ctl.Name, "requestbody") {
			f.rules = append(f.rules, &rule{every: true, open: "ctl:" + ctl.Name + " for every request is not modelled", index: len(f.rules)})
		}
	}
	for i := range live.Rules {
		f.guard(live, &live.Rules[i])
	}
	return f, nil
}

// rule compiles one rule.
func (f *planner) rule(r *seclang.LiveRule) (*rule, error) {
	c := &rule{id: r.ID, phase: r.Phase, neutral: r.Silent}
	f.tx = r.TX
	for _, s := range r.Links {
		l, err := f.link(s.Rule, c)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", r.ID, err)
		}
		c.links = append(c.links, l)
		if s.Unknown != "" && c.open == "" {
			c.open = s.Unknown
		}
		if c.open == "" && c.dead == "" && f.impossible(&l) {
			c.dead = deadBecause(&l)
			break
		}
	}
	f.note(c)
	if c.dead != "" && !choosesReader(c.links[:len(c.links)-1]) {
		return c, nil
	}
	if c.dead != "" {
		c.dead, c.open = "", unmodelledReader
	}
	if r.Always && !r.Silent {
		c.open, c.every = "matches every request", true
		return c, nil
	}
	f.classify(c)
	if !c.neutral {
		f.counter(c)
	}
	return c, nil
}

func deadBecause(l *link) string {
	for i := range l.targets {
		if l.targets[i].kind != kindAbsent {
			return "never true on the fast path"
		}
	}
	return "looks only at what the fast path has not: " + l.targets[0].collection
}

// link compiles one link; c holds those before it.
func (f *planner) link(s *seclang.Rule, c *rule) (link, error) {
	l := link{source: s, multi: s.MultiMatch, capture: s.Capture, ctls: s.Ctls, sets: s.SetVars}
	op, err := newOperator(s.Operator)
	if err != nil {
		return l, err
	}
	l.op, l.open = op, op.unknown
	if op.macro != nil {
		var ok bool
		if l.arg, ok = f.macro(op.macro, c, &l, false); !ok {
			l.open = "its argument is not followed"
		}
	}
	for _, name := range s.Transformations {
		t, ok := transform.Lookup(name)
		if !ok {
			l.open = "the transformation " + name + " is not modelled"
		} else if t.String() != "none" {
			l.transforms = append(l.transforms, t)
		}
	}
	for _, v := range s.Variables {
		t, err := resolve(v, c.phase)
		if err != nil {
			return l, err
		}
		switch {
		case t.kind == kindUnknown:
			l.open = "the collection " + v.Collection + " is not modelled"
		case t.kind == kindTX && !f.readTarget(&t, v, c, &l, len(s.Variables)):
			l.open = "reads a TX variable whose value is not followed"
		case t.kind >= kindMatchedVar:
			// Coraza's cache of transformations can give an older value here.
			if len(l.transforms) > 0 || len(c.links) == 0 || t.count {
				l.open = "reads " + v.Collection + " in a way that is not modelled"
			}
			c.ordered = c.ordered || t.kind == kindMatchedVar || t.kind == kindMatchedVarName
		}
		l.targets = append(l.targets, t)
	}
	return l, nil
}

// impossible tells whether a link can be seen never to match on the fast path.
func (f *planner) impossible(l *link) bool {
	if l.open != "" || l.source.Operator == nil || l.op.macro != nil || l.multi {
		return false
	}
	for i := range l.targets {
		t := &l.targets[i]
		var values []string
		switch {
		case t.kind == kindAbsent:
		case t.kind == kindConstant:
			values = []string{t.constant}
		case t.kind == kindTX && (t.tx.mode == txConstant || t.tx.mode == txPattern && len(t.tx.writes)+len(t.tx.foreign) == 0):
			values = t.tx.values
		default:
			return false
		}
		if t.count {
			values = []string{strconv.Itoa(len(values))}
		}
		for _, v := range values {
			if l.op.pattern != nil && l.op.re == nil && !l.op.whole || l.known(v) {
				return false
			}
		}
	}
	return true
}

// known holds a link's operator against a value that is known at load.
func (l *link) known(val string) bool {
	b := []byte(val)
	for _, t := range l.transforms {
		b, _ = t.Apply(nil, b)
	}
	if l.op.re != nil && !l.op.whole {
		return l.op.re.MatchString(string(b)) != l.op.negated
	}
	return l.op.holds(nil, string(b), l.op.text)
}
