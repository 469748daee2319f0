// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"durward/waf/seclang"
	"slices"
	"strings"
)

// choosesReader tells whether a match of a link decides how the body is read.
func choosesReader(links []link) bool {
	return slices.ContainsFunc(links, func(l link) bool {
		return slices.ContainsFunc(l.ctls, func(c seclang.Ctl) bool { return strings.Contains(c.Name, "requestbody") })
	})
}

const unmodelledReader = "chooses the reader of the body in a way that is not modelled"

// classify says how a rule is evaluated.
func (f *planner) classify(c *rule) {
	for i := range c.links {
		f.actions(c, i)
	}
	first := &c.links[0]
	c.direct = c.setup || first.op.macro != nil || len(first.targets) == 0
	for i := range first.targets {
		t := &first.targets[i]
		switch t.kind {
		case kindOne, kindValues, kindNames, kindAbsent:
			c.direct = c.direct || t.count
		default:
			c.direct = true
		}
	}
	for i := range c.links {
		l := &c.links[i]
		for t := range l.targets {
			if tg := &l.targets[t]; c.phase == 1 && tg.kind == kindOne && tg.sources[0] == srcProcessor && (!c.setup || len(l.transforms) > 0) {
				l.open = "reads REQBODY_PROCESSOR before it is known"
			}
		}
	}
	if first.open != "" && c.open == "" {
		c.open = first.open
	}
}

// actions looks at the ctl actions of a link.
func (f *planner) actions(c *rule, i int) {
	for _, ctl := range c.links[i].ctls {
		switch {
		case ctl.Name == "requestbodyprocessor" || ctl.Name == "forcerequestbodyvariable":
			// The last link of a rule that is not neutral acts when the request is
			// not clean anyway, and after phase 1 it is too late.
			if c.phase == 2 && ctl.Name == "forcerequestbodyvariable" || i == len(c.links)-1 && !c.neutral {
				continue
			}
			c.setup = c.phase == 1
			if c.phase == 2 || !c.neutral || c.ordered || slices.ContainsFunc(c.links, func(l link) bool { return l.open != "" }) {
				c.open = unmodelledReader
			}
		case strings.HasPrefix(ctl.Name, "ruleremove"), strings.HasPrefix(ctl.Name, "response"), strings.HasPrefix(ctl.Name, "hash"),
			ctl.Name == "ruleengine", ctl.Name == "auditengine", ctl.Name == "auditlogparts", ctl.Name == "debugloglevel", ctl.Name == "forceresponsebodyvariable":
			// They take rules away, where that is sound, or have no part in the
			// request phases.
		default:
			c.open = "ctl:" + ctl.Name + " is not modelled"
		}
	}
}

// guard notes which rules are skipped for one kind of body: those that follow a
// silent rule with skip on the body processor. Where it is not certain that a
// rule is skipped, it is evaluated.
func (f *planner) guard(live *seclang.Live, r *seclang.LiveRule) {
	c := f.bySource[r.Source]
	n := r.Source.Skip
	if !c.neutral || n == 0 || len(c.links) != 1 || c.phase != 2 || c.open != "" || c.dead != "" || c.unless != "" {
		return
	}
	l := &c.links[0]
	if len(l.targets) != 1 || l.targets[0].count || l.op.negated || l.op.name != "streq" || l.op.macro != nil || len(l.transforms) > 0 ||
		len(l.targets[0].sources) != 1 || l.targets[0].sources[0] != srcProcessor || l.op.text == "" {
		return
	}
	at := slices.Index(f.set.Items, seclang.Item(r.Source))
	for _, it := range f.set.Items[at+1:] {
		if n == 0 {
			return
		}
		next, isRule := it.(*seclang.Rule)
		if isRule && next.Phase != c.phase {
			continue
		}
		if g := f.bySource[next]; g != nil && isRule && certain(live, r.Source, next) {
			g.unless = l.op.text
		}
		n--
	}
}

// certain tells whether no rule at run time can take the first rule away, or
// pass over it, without the second.
func certain(live *seclang.Live, first, second *seclang.Rule) bool {
	for i := range live.Rules {
		r := &live.Rules[i]
		if r.Source != first && (r.Source.Skip > 0 || r.Source.SkipAfter != "" || r.Source.Disruptive == "allow") && r.Silent {
			return false
		}
		for _, l := range r.Links {
			for _, c := range l.Ctls {
				if strings.HasPrefix(c.Name, "ruleremoveby") && (c.Name != "ruleremovebytag" || first.HasTag(c.Value) && !second.HasTag(c.Value)) {
					return false
				}
			}
		}
	}
	return true
}
