// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import "strings"

// settle decides which of the live rules are silent. A rule that could keep one
// of the base rules from running is not, since everything after would have been
// folded on a wrong assumption; and if an inner link of a chain could, the chain
// ends there, since that link acts also when the later ones do not match.
func (f *folder) settle() {
	for i := range f.live.Rules {
		r := &f.live.Rules[i]
		if r.Always {
			continue
		}
		upset, cut := false, f.places[i].cut
		r.Silent = cut || traceless(r.Source)
		for n, link := range r.Links {
			if !cut && len(link.SetVars) > 0 && n == len(r.Links)-1 || link.Unknown != "" {
				r.Silent = false
			}
			if f.upsets(link.Ctls) {
				r.Links = r.Links[:n+1]
				r.Links[n].Chain = nil
				r.Silent, upset = false, true
				break
			}
		}
		if !upset && !cut && r.Silent && f.passesOver(r.Source, f.places[i].position) {
			r.Silent = false
		}
	}
}

// upsets reports whether ctl actions could take a base rule away, or a target of
// which the loss can make a rule match.
func (f *folder) upsets(ctls []Ctl) bool {
	for _, c := range ctls {
		rules, targets := strings.HasPrefix(c.Name, "ruleremoveby"), strings.HasPrefix(c.Name, "ruleremovetarget")
		if !rules && !targets {
			continue
		}
		if rules && f.counted {
			return true // a number of rules to skip reaches further without it
		}
		for _, r := range f.set.named(c) {
			if rules && f.isBase(r) || targets && minds(r, c.Collection) {
				return true
			}
		}
	}
	return false
}

func (f *folder) isBase(r *Rule) bool {
	for _, b := range f.base {
		if b.rule == r {
			return true
		}
	}
	return false
}

// minds reports whether a rule could match because it loses targets of the
// collection: a count falls, settings seem absent, or in a chain another value
// is left for the later links to look at.
func minds(r *Rule, collection string) bool {
	lost := false
	for _, link := range r.Links() {
		if lost && looksBack(link) {
			return true
		}
		for _, v := range link.Variables {
			if v.Collection == collection {
				if v.Count || collection == "TX" {
					return true
				}
				lost = true
			}
		}
	}
	return false
}

// looksBack reports whether a link looks at what an earlier one left, in such a
// way that less can be more: MATCHED_VARS are looked at one by one, so that
// fewer of them never match where more did not.
func looksBack(link *Rule) bool {
	for _, v := range link.Variables {
		switch v.Collection {
		case "TX", "MATCHED_VAR", "MATCHED_VAR_NAME":
			return true
		case "MATCHED_VARS", "MATCHED_VARS_NAMES":
			if v.Count {
				return true
			}
		}
	}
	return link.Operator != nil && link.Operator.Macro != nil
}

// passesOver reports whether a base rule is among those that the rule would
// skip if it matched.
func (f *folder) passesOver(r *Rule, at position) bool {
	if r.Disruptive == "allow" {
		// It ends the phase; allow and allow:request end the next one too.
		if r.DisruptArg == "phase" && at.phase == PhaseRequestHeaders {
			return f.baseBetween(at, position{phase: at.phase, index: len(f.set.Items)})
		}
		return false
	}
	if r.Skip > 0 && f.baseBetween(at, f.after(at, r.Skip)) {
		return true
	}
	return r.SkipAfter != "" && f.baseBetween(at, f.marker(at, r.SkipAfter))
}

func (p position) before(q position) bool {
	return p.phase < q.phase || p.phase == q.phase && p.index < q.index
}

func (f *folder) baseBetween(from, to position) bool {
	for _, b := range f.base {
		if from.before(b) && b.before(to) {
			return true
		}
	}
	return false
}

// after finds the place behind the next n items of the phase. Rules that may be
// removed do not count.
func (f *folder) after(at position, n int) position {
	i := at.index + 1
	for ; i < len(f.set.Items) && n > 0; i++ {
		if r, ok := f.set.Items[i].(*Rule); !ok || r.Phase == at.phase && !f.removed[r.ID] {
			n--
		}
	}
	return position{phase: at.phase, index: i}
}

// marker finds where a skipAfter ends: in this phase or, if the marker stands
// before, in the next one; nowhere if there is none.
func (f *folder) marker(at position, name string) position {
	for i, it := range f.set.Items {
		if m, ok := it.(Marker); ok && string(m) == name {
			if i > at.index {
				return position{phase: at.phase, index: i}
			}
			at.phase, at.index = at.phase+1, -1
			return position{phase: at.phase, index: i}
		}
	}
	return position{phase: PhaseLogging + 1}
}
