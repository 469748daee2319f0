// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Program is one policy, compiled. It is safe for concurrent use.
type Program struct {
	Forbid bool
	// parts must all be true; those that always are were left out.
	parts []Test
	slow  []Expr // the same, for why one failed
}

// NewProgram compiles a policy over a layout, which may be nil. Where action is given, the policy is compiled
// for requests of that action only, and what depends on nothing else is
// computed now; whether the scope's action matches is then Applies' to say.
func NewProgram(p *ast.Policy, action *types.EntityUID, l *Layout) (*Program, error) {
	c := compiler{layout: l}
	if action != nil {
		uid := UID(string(action.Type), string(action.ID))
		c.action = &uid
	}
	all := []part{c.scope("principal", p.Principal)}
	if action == nil {
		all = append(all, c.scope("action", p.Action))
	}
	all = append(all, c.scope("resource", p.Resource))
	for _, condition := range p.Conditions {
		body := c.compile(condition.Body)
		if condition.Condition == ast.ConditionUnless {
			body = not(body)
		}
		all = append(all, body)
	}
	out := &Program{Forbid: p.Effect == ast.EffectForbid}
	for _, one := range all {
		if !one.constant || !one.value.True() {
			out.parts = append(out.parts, one.tester())
			out.slow = append(out.slow, one.fn)
		}
	}
	return out, c.err
}

// Always tells that the policy holds for every request of its slice.
func (p *Program) Always() bool { return len(p.parts) == 0 }

// Run tells whether the policy holds for e. failure says why it could not be
// decided; "" when it could.
func (p *Program) Run(e *Env) (holds bool, failure string) {
	for i, test := range p.parts {
		switch test(e) {
		case yes:
		case no:
			return false, ""
		default:
			if v := asBool(p.slow[i](e)); v.S != "" {
				return false, v.S
			}
			return false, "it has no value"
		}
	}
	return true, ""
}

func (c *compiler) scope(name string, n ast.IsScopeNode) part {
	of := c.variable(name)
	switch n := n.(type) {
	case ast.ScopeTypeAll:
		return constantly(Truth(true))
	case ast.ScopeTypeEq:
		return equals(of, constantly(c.value(n.Entity)), true)
	case ast.ScopeTypeIn:
		return below(of, c.value(n.Entity))
	case ast.ScopeTypeInSet:
		list := make([]Value, len(n.Entities))
		for i, e := range n.Entities {
			list[i] = c.value(e)
		}
		return below(of, NewSet(list...))
	case ast.ScopeTypeIs:
		return is(of, string(n.Type))
	case ast.ScopeTypeIsIn:
		return isIn(of, string(n.Type), constantly(c.value(n.Entity)))
	}
	return c.unknown("scope")
}

func below(of part, target Value) part {
	fn := of.fn
	return varying(func(e *Env) Value { return e.inside(fn(e), target) })
}

// Applies tells whether the policy's scope can match a request of the action,
// which is in the given groups, on a resource of the type.
func Applies(p *ast.Policy, action types.EntityUID, groups []types.EntityUID, resource types.EntityType) bool {
	in := func(e types.EntityUID) bool { return e == action || slices.Contains(groups, e) }
	switch n := p.Action.(type) {
	case ast.ScopeTypeEq:
		if n.Entity != action {
			return false
		}
	case ast.ScopeTypeIn:
		if !in(n.Entity) {
			return false
		}
	case ast.ScopeTypeInSet:
		if !slices.ContainsFunc(n.Entities, in) {
			return false
		}
	}
	switch n := p.Resource.(type) {
	case ast.ScopeTypeEq:
		return n.Entity.Type == resource
	case ast.ScopeTypeIs:
		return n.Type == resource
	case ast.ScopeTypeIsIn:
		return n.Type == resource
	}
	return true
}
