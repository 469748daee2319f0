// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import "github.com/cedar-policy/cedar-go/x/exp/ast"

// Key is what a Value is looked up by in a map. Sets, records and addresses
// have none.
type Key struct {
	kind Kind
	n    int64
	s, t string
}

// Key gives the key of a simple value.
func (v *Value) Key() (Key, bool) {
	return Key{v.Kind, v.N, v.S, v.T}, v.Kind != Error && !hasParts(*v)
}

// Condition is a condition that a policy cannot hold without: an expression
// equals a constant, or is a set that has it. Policies with the same expression
// can be found by its value.
type Condition struct {
	Name  string // of the expression; equal names are equal expressions
	Expr  Expr
	Set   bool // the expression is a set that must have the constant
	Key   Key
	First bool // nothing is evaluated before it
}

// Conditions lists such conditions of a policy, those of one value first.
func Conditions(p *ast.Policy, l *Layout) []Condition {
	c := compiler{layout: l}
	var nodes []ast.IsNode
	if s, ok := p.Principal.(ast.ScopeTypeEq); ok {
		nodes = append(nodes, ast.Principal().Equal(ast.Value(s.Entity)).AsIsNode())
	} else if _, all := p.Principal.(ast.ScopeTypeAll); !all {
		nodes = append(nodes, ast.True().AsIsNode())
	}
	if s, ok := p.Resource.(ast.ScopeTypeEq); ok {
		nodes = append(nodes, ast.Resource().Equal(ast.Value(s.Entity)).AsIsNode())
	} else if _, all := p.Resource.(ast.ScopeTypeAll); !all {
		nodes = append(nodes, ast.True().AsIsNode())
	}
	for _, condition := range p.Conditions {
		if condition.Condition == ast.ConditionWhen {
			nodes = conjuncts(nodes, condition.Body)
		} else {
			nodes = append(nodes, ast.True().AsIsNode())
		}
	}
	var single, sets []Condition
	for i, n := range nodes {
		one, ok := c.condition(n)
		one.First = i == 0
		switch {
		case !ok:
		case one.Set:
			sets = append(sets, one)
		default:
			single = append(single, one)
		}
	}
	return append(single, sets...)
}

func conjuncts(into []ast.IsNode, n ast.IsNode) []ast.IsNode {
	if and, ok := n.(ast.NodeTypeAnd); ok {
		return conjuncts(conjuncts(into, and.Left), and.Right)
	}
	return append(into, n)
}

func (c *compiler) condition(n ast.IsNode) (Condition, bool) {
	var left, right ast.IsNode
	set := false
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		left, right = n.Left, n.Right
		if _, ok := left.(ast.NodeValue); ok {
			left, right = right, left
		}
	case ast.NodeTypeContains:
		left, right, set = n.Left, n.Right, true
	default:
		return Condition{}, false
	}
	constant, ok := right.(ast.NodeValue)
	if !ok {
		return Condition{}, false
	}
	name, ok := chain(left)
	if !ok {
		return Condition{}, false
	}
	v := c.value(constant.Value)
	key, ok := v.Key()
	return Condition{Name: name, Expr: c.compile(left).fn, Set: set, Key: key}, ok && c.err == nil
}
