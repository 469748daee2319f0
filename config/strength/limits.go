// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"fmt"
	"reflect"
	"slices"

	"durward/ratelimit"
)

// limits judges two limits; nil limits nothing. A limit is less than another
// only if both its rate and its burst are.
func limits(old, new *ratelimit.Limit) (verdict, bool) {
	switch {
	case old == nil && new == nil || old != nil && new != nil && *old == *new:
		return verdict{}, false
	case new == nil:
		return weaker("it is no longer limited"), true
	case old == nil:
		return stronger("it is limited"), true
	}
	rate := func(l *ratelimit.Limit) float64 { return float64(l.Rate.Count) / float64(max(l.Rate.Per, 1)) }
	burst := func(l *ratelimit.Limit) int64 {
		if l.Burst > 0 {
			return int64(l.Burst)
		}
		return l.Rate.Count
	}
	// The gateway rounds the time between two requests to whole nanoseconds,
	// so a rate that is higher by less cannot be told apart: it counts as higher.
	switch {
	case rate(new) > rate(old) || burst(new) > burst(old):
		return weaker("more requests pass, in the long run or at once"), true
	case rate(new) == rate(old) && burst(new) == burst(old):
		return unmoved("the same limit in other words"), true
	}
	return stronger("fewer requests pass"), true
}

func (w *walker) limit(name string, old, new side, o, n *ratelimit.Limit) {
	v, differs := limits(o, n)
	if !differs {
		return
	}
	w.add(v, side{old.v, old.path + "." + name}, side{new.v, new.path + "." + name}, false)
	c := &w.out[len(w.out)-1]
	c.Old.Value, c.New.Value = limitText(o), limitText(n)
}

func limitText(l *ratelimit.Limit) string {
	switch {
	case l == nil:
		return ""
	case l.Burst > 0:
		return fmt.Sprintf("%s, burst %d", l.Rate, l.Burst)
	}
	return l.Rate.String()
}

// byClient compares limits of addresses.
func byClient(w *walker, old, new side) {
	o, n := old.v.Addr().Interface().(*ratelimit.Config), new.v.Addr().Interface().(*ratelimit.Config)
	w.limit("total", old, new, o.Total, n.Total)
	w.limit("per_address", old, new, o.PerAddress, n.PerAddress)
	ranged := func(r *ratelimit.RangeLimit) *ratelimit.Limit {
		if r == nil {
			return nil
		}
		return &r.Limit
	}
	w.limit("per_range", old, new, ranged(o.PerRange), ranged(n.PerRange))
	if o.PerRange != nil && n.PerRange != nil {
		for _, part := range []struct {
			name    string
			was, is int
			usual   string
		}{{"ipv4_prefix", o.PerRange.IPv4, n.PerRange.IPv4, "24"}, {"ipv6_prefix", o.PerRange.IPv6, n.PerRange.IPv6, "48"}} {
			if part.was != part.is {
				a, b := reflect.ValueOf(part.was), reflect.ValueOf(part.is)
				w.add(lower(part.usual, "ranges that one client can use").leaf(a, b),
					side{a, old.path + ".per_range." + part.name}, side{b, new.path + ".per_range." + part.name}, false)
			}
		}
	}
	w.groupLimits(old, new, o.Groups, n.Groups)
}

// groupLimits compares the limits of named groups of ranges. A range that is
// in no group any more is no longer limited by it.
func (w *walker) groupLimits(old, new side, o, n []ratelimit.Group) {
	find := func(all []ratelimit.Group, name string) *ratelimit.Group {
		if i := slices.IndexFunc(all, func(g ratelimit.Group) bool { return g.Name == name }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	at := func(s side, all []ratelimit.Group, name string) side {
		i := slices.IndexFunc(all, func(g ratelimit.Group) bool { return g.Name == name })
		if i < 0 {
			return side{s.v, s.path + ".groups"}
		}
		return side{s.v, fmt.Sprintf("%s.groups[%d]", s.path, i)}
	}
	var names []string
	for _, g := range append(slices.Clone(o), n...) {
		if !slices.Contains(names, g.Name) {
			names = append(names, g.Name)
		}
	}
	for _, name := range names {
		was, is := find(o, name), find(n, name)
		os, ns := at(old, o, name), at(new, n, name)
		switch {
		case is == nil:
			w.add(weaker("the group "+name+" is no longer limited"), os, ns, false)
		case was == nil:
			w.add(stronger("the group "+name+" is limited"), os, ns, false)
		default:
			w.limit("limit", os, ns, &was.Limit, &is.Limit)
			if gone, more := uncovered(was.Ranges, is.Ranges), uncovered(is.Ranges, was.Ranges); gone || more {
				v := stronger("more addresses share the limit")
				if gone {
					v = weaker("fewer addresses share the limit")
				}
				w.add(v, side{reflect.ValueOf(was.Ranges), os.path + ".ranges"}, side{reflect.ValueOf(is.Ranges), ns.path + ".ranges"}, false)
			}
		}
	}
}

// byPrincipal compares limits of callers, plan by plan: a caller on a plan
// that is not named has the limits that stand outside of plans.
func byPrincipal(w *walker, old, new side) {
	o, n := old.v.Addr().Interface().(*ratelimit.PrincipalConfig), new.v.Addr().Interface().(*ratelimit.PrincipalConfig)
	base := func(c *ratelimit.PrincipalConfig) ratelimit.Plan {
		return ratelimit.Plan{PerCredential: c.PerCredential, PerSubject: c.PerSubject, PerConsumer: c.PerConsumer}
	}
	w.plan(old, new, base(o), base(n))
	all := append(keys(reflect.ValueOf(o.Plans)), keys(reflect.ValueOf(n.Plans))...)
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		was, is := base(o), base(n)
		os, ns := old, new
		if p, ok := planOf(o, name); ok {
			was, os.path = p, old.path+".plans."+name
		}
		if p, ok := planOf(n, name); ok {
			is, ns.path = p, new.path+".plans."+name
		}
		w.plan(os, ns, was, is)
	}
}

func planOf(c *ratelimit.PrincipalConfig, name string) (ratelimit.Plan, bool) {
	v := reflect.ValueOf(c.Plans).MapIndex(reflect.ValueOf(name))
	if !v.IsValid() {
		return ratelimit.Plan{}, false
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ratelimit.Plan{}, true
		}
		v = v.Elem()
	}
	return v.Interface().(ratelimit.Plan), true
}

func (w *walker) plan(old, new side, o, n ratelimit.Plan) {
	w.limit("per_credential", old, new, o.PerCredential, n.PerCredential)
	w.limit("per_subject", old, new, o.PerSubject, n.PerSubject)
	w.limit("per_consumer", old, new, o.PerConsumer, n.PerConsumer)
}
