// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"slices"
	"strconv"
	"strings"
)

// folder runs the rules without a request. A match that depends on the request
// is taken not to happen, since the reader flags it, save for what the links
// before the last of a chain do: that is in doubt from there on.
type folder struct {
	set  *Set
	live *Live

	tx     *TX
	shared bool // a LiveRule refers to tx

	skip      int
	skipAfter string // outlasts the phase, as in Coraza

	removed map[int]bool  // rules that are removed for every request
	except  map[int][]Ctl // targets that are

	// base are the rules on whose having run the rest rests: those that always
	// match and set, skip or remove something. counted says that one skips a
	// number of rules.
	base    []position
	counted bool
	places  []place // of live.Rules

	// settled and hopeless are the rules that were carried out, and those that
	// cannot match.
	settled, hopeless map[*Rule]bool
}

// place is where a live rule stands, and whether it is the beginning of a chain
// that as a whole never matches.
type place struct {
	position
	cut bool
}

// position is a place in the order of evaluation.
type position struct {
	phase, index int
	rule         *Rule
}

func (f *folder) phase(phase int) {
	for i, it := range f.set.Items {
		rule, _ := it.(*Rule)
		if rule != nil && (rule.Phase != phase || f.removed[rule.ID]) {
			continue
		}
		if f.skipAfter != "" {
			if m, ok := it.(Marker); ok && string(m) == f.skipAfter {
				f.skipAfter = ""
			}
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if rule != nil {
			f.rule(rule, position{phase, i, rule})
		}
	}
	f.skip = 0
}

// rule carries out what is certain of a rule and keeps the rest.
func (f *folder) rule(source *Rule, at position) {
	out := LiveRule{ID: source.ID, Phase: at.phase, Always: true, Source: source}
	links := source.Links()
	for i, link := range links {
		link = f.fit(source.ID, link)
		v, times := f.tx.judge(link)
		if v == never {
			f.hopeless[source] = true
			f.cut(out, at)
			return
		}
		out.Always = out.Always && v == always
		if !out.Always && i < len(links)-1 && len(link.SetVars) > 0 {
			f.own()
			for _, v := range link.SetVars {
				f.tx.doubt(v)
			}
		}
		out.Links = append(out.Links, LiveLink{Rule: f.fold(link), Always: v == always})
		if out.Always {
			f.carryOut(link, times, at)
		}
	}
	if out.Always {
		if source.Skip > 0 || source.SkipAfter != "" {
			f.base = append(f.base, at)
		}
		f.counted = f.counted || source.Skip > 0
		f.skip, f.skipAfter = source.Skip, source.SkipAfter
		if traceless(source) && source.Disruptive != "allow" {
			f.settled[source] = true
			return
		}
	}
	f.keep(out, at, false)
}

// cut keeps the part of a chain before a link that never matches, if a link of
// it that depends on the request has ctl actions: those act nevertheless.
func (f *folder) cut(out LiveRule, at position) {
	if out.Always {
		return // carried out, or nothing came before
	}
	for _, link := range out.Links {
		if len(link.Ctls) > 0 {
			f.keep(out, at, true)
			return
		}
	}
}

func (f *folder) keep(out LiveRule, at position, cut bool) {
	for i := range out.Links[:len(out.Links)-1] {
		out.Links[i].Chain = out.Links[i+1].Rule
	}
	out.TX, f.shared = f.tx, true
	f.live.Rules = append(f.live.Rules, out)
	f.places = append(f.places, place{at, cut})
}

// own makes tx the folder's to write.
func (f *folder) own() {
	if f.shared {
		f.tx, f.shared = f.tx.clone(), false
	}
}

// fit copies a link, without the targets that are removed for every request.
func (f *folder) fit(id int, link *Rule) *Rule {
	c := *link
	c.Chain = nil
	c.Variables = slices.Clone(link.Variables)
	for i := range c.Variables {
		v := &c.Variables[i]
		v.Except = slices.Clone(v.Except)
		for _, ctl := range f.except[id] {
			if ctl.Collection == v.Collection {
				v.Except = append(v.Except, ctl.Selector)
			}
		}
	}
	return &c
}

// fold puts the settings into the argument of the operator.
func (f *folder) fold(link *Rule) *Rule {
	if link.Operator == nil || link.Operator.Macro == nil {
		return link
	}
	if argument, ok := f.tx.Expand(link.Operator.Macro); ok {
		op := *link.Operator
		op.Argument, op.Macro = argument, nil
		link.Operator = &op
	}
	return link
}

// carryOut does what a link does that always matches.
func (f *folder) carryOut(link *Rule, times int, at position) {
	if len(link.SetVars) > 0 {
		f.own()
		for range times {
			for _, v := range link.SetVars {
				f.tx.set(v)
			}
		}
	}
	for _, c := range link.Ctls {
		switch {
		case strings.HasPrefix(c.Name, "ruleremovetarget"):
			for _, r := range f.set.named(c) {
				f.except[r.ID] = append(f.except[r.ID], c)
			}
		case strings.HasPrefix(c.Name, "ruleremoveby"):
			for _, r := range f.set.named(c) {
				f.removed[r.ID] = true
			}
		default:
			f.live.Ctls = append(f.live.Ctls, c)
		}
	}
	if len(link.SetVars)+len(link.Ctls) > 0 {
		f.base = append(f.base, at)
	}
}

// named returns the rules that a ctl with ById, ByTag or ByMsg names. One that
// is malformed names none, as in Coraza.
func (s *Set) named(c Ctl) []*Rule {
	var match func(*Rule) bool
	switch {
	case strings.HasSuffix(c.Name, "bytag"):
		match = func(r *Rule) bool { return r.HasTag(c.Value) }
	case strings.HasSuffix(c.Name, "bymsg"):
		match = func(r *Rule) bool { return r.Message != nil && r.Message.String() == c.Value }
	default:
		first, second, ranged := strings.Cut(c.Value, "-")
		low, err := strconv.Atoi(first)
		high, err2 := low, error(nil)
		if ranged {
			high, err2 = strconv.Atoi(second)
		}
		if err != nil || err2 != nil {
			return nil
		}
		match = func(r *Rule) bool { return low <= r.ID && r.ID <= high }
	}
	var rules []*Rule
	for _, it := range s.Items {
		if r, ok := it.(*Rule); ok && match(r) {
			rules = append(rules, r)
		}
	}
	return rules
}

// traceless reports whether a match of the whole chain is neither logged nor
// blocks.
func traceless(r *Rule) bool {
	switch r.Disruptive {
	case "", "pass", "block", "allow":
		return !r.Log && !r.Audit
	}
	return false
}
