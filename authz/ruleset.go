// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import "durward/authz/eval"

// ruleSet are the policies of one effect of one operation. Those that cannot
// hold unless an expression has one certain value are found by that value, so
// that a thousand rules for a thousand tenants cost no more than one.
type ruleSet struct {
	list   []rule
	tables []table
	rest   []int32 // of list: those that are in no table
}

// table finds policies by the value of one expression.
type table struct {
	expr  eval.Expr
	set   bool // the value is a set: each element finds its policies
	byKey map[eval.Key][]int32
	all   []int32
	// failing says that a policy without a value counts: a forbid.
	failing bool
}

// leastTable is the number of policies from which a table is worth a look-up.
const leastTable = 4

// arrange makes the tables. What a policy evaluates before the expression is
// passed over when the value does not match. For a permit that makes no
// difference, since an error permits nothing; a forbid that fails refuses, so
// for a forbid the expression must be the first thing that it evaluates.
func (s *ruleSet) arrange(forbid bool, conditions [][]eval.Condition) {
	users := map[string]int{}
	fit := func(c *eval.Condition) bool { return !forbid || c.First }
	for _, of := range conditions {
		for i := range of {
			if fit(&of[i]) {
				users[of[i].Name]++
			}
		}
	}
	places := map[string]int{}
	for n := range s.list {
		var best *eval.Condition
		for i := range conditions[n] {
			c := &conditions[n][i]
			// The content is not read before it was checked.
			if fit(c) && !s.list[n].late && users[c.Name] >= leastTable && (best == nil || best.Set && !c.Set) {
				best = c
			}
		}
		if best == nil {
			s.rest = append(s.rest, int32(n))
			continue
		}
		name := best.Name
		if best.Set {
			name = "in " + name
		}
		at, ok := places[name]
		if !ok {
			at = len(s.tables)
			places[name] = at
			s.tables = append(s.tables, table{expr: best.Expr, set: best.Set, byKey: map[eval.Key][]int32{}, failing: forbid})
		}
		t := &s.tables[at]
		t.byKey[best.Key] = append(t.byKey[best.Key], int32(n))
		t.all = append(t.all, int32(n))
	}
}

// candidates lists the policies that can hold, into the given buffer. Where the
// value of an expression cannot be had, no permit that needs it can, and all
// forbids that need it are candidates, so that the failure comes out.
func (s *ruleSet) candidates(e *eval.Env, into []int32) []int32 {
	into = into[:0]
	for i := range s.tables {
		t := &s.tables[i]
		v := t.expr(e)
		switch {
		case t.set && v.Kind == eval.SetOf:
			set := v.X.(eval.Set)
			for i := range set.Len() {
				one := set.At(i)
				if key, ok := one.Key(); ok {
					into = append(into, t.byKey[key]...)
				}
			}
		case v.Kind == eval.Error || t.set:
			if t.failing {
				into = append(into, t.all...)
			}
		default:
			if key, ok := v.Key(); ok {
				into = append(into, t.byKey[key]...)
			}
		}
	}
	return append(into, s.rest...)
}
