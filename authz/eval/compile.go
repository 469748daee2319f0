// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Expr is a compiled expression. It is safe for concurrent use with different
// Envs.
type Expr func(*Env) Value

// The errors of Cedar's evaluation. They name no value.
var (
	errNotBool     = Failure("type error: not a bool")
	errNotLong     = Failure("type error: not a long")
	errNotString   = Failure("type error: not a string")
	errNotSet      = Failure("type error: not a set")
	errNotEntity   = Failure("type error: not an entity")
	errNotEntities = Failure("type error: neither an entity nor a set of entities")
	errNotHolder   = Failure("type error: neither an entity nor a record")
	errNotOrdered  = Failure("type error: values that cannot be compared")
	errOverflow    = Failure("integer overflow")
	errTooMany     = Failure("too many ancestors")
	errArity       = Failure("wrong number of arguments")
)

// part is a compiled subexpression; a constant one has its value already.
type part struct {
	fn       Expr
	test     Test // of operators that give a Bool: the same, without a Value
	value    Value
	constant bool
	slot     int // 1 + the place in the Layout; 0 for none
}

func constantly(v Value) part {
	return part{fn: func(*Env) Value { return v }, value: v, constant: true}
}

func varying(fn Expr) part { return part{fn: fn} }

// simple makes the part of an operator that needs only its operands: where all
// are constant, so is the result.
func simple(fn Expr, operands ...part) part {
	for _, o := range operands {
		if !o.constant {
			return varying(fn)
		}
	}
	return constantly(fn(new(Env)))
}

// Compile compiles an expression. It is an error when the tree has a node that
// this package does not know.
func Compile(n ast.IsNode, l *Layout) (Expr, error) {
	c := compiler{layout: l}
	p := c.compile(n)
	return p.fn, c.err
}

type compiler struct {
	layout *Layout
	action *Value // what the variable action is, where it is known
	err    error
}

func (c *compiler) compile(n ast.IsNode) part {
	switch n := n.(type) {
	case ast.NodeValue:
		return constantly(c.value(n.Value))
	case ast.NodeTypeVariable:
		return c.variable(string(n.Name))
	case ast.NodeTypeAccess:
		return c.remembered(n, access(c.compile(n.Arg), string(n.Value)))
	case ast.NodeTypeHas:
		return has(c.compile(n.Arg), string(n.Value))
	case ast.NodeTypeGetTag:
		return getTag(c.compile(n.Left), c.compile(n.Right))
	case ast.NodeTypeHasTag:
		return hasTag(c.compile(n.Left), c.compile(n.Right))
	case ast.NodeTypeIs:
		return is(c.compile(n.Left), string(n.EntityType))
	case ast.NodeTypeIsIn:
		return isIn(c.compile(n.Left), string(n.EntityType), c.compile(n.Entity))
	case ast.NodeTypeIn:
		l, r := c.compile(n.Left).fn, c.compile(n.Right).fn
		return varying(func(e *Env) Value {
			child := l(e)
			if child.Kind != Entity {
				return e.inside(child, child)
			}
			return e.inside(child, r(e))
		})
	case ast.NodeTypeExtensionCall:
		return c.extension(n)
	case ast.NodeTypeSet:
		return c.set(n)
	case ast.NodeTypeRecord:
		return c.record(n)
	}
	return c.operator(n)
}

func (c *compiler) operator(n ast.IsNode) part {
	switch n := n.(type) {
	case ast.NodeTypeAnd:
		return and(c.compile(n.Left), c.compile(n.Right))
	case ast.NodeTypeOr:
		return or(c.compile(n.Left), c.compile(n.Right))
	case ast.NodeTypeNot:
		return not(c.compile(n.Arg))
	case ast.NodeTypeIfThenElse:
		return choose(c.compile(n.If), c.compile(n.Then), c.compile(n.Else))
	case ast.NodeTypeEquals:
		return equals(c.compile(n.Left), c.compile(n.Right), true)
	case ast.NodeTypeNotEquals:
		return equals(c.compile(n.Left), c.compile(n.Right), false)
	case ast.NodeTypeLessThan:
		return compare(c.compile(n.Left), c.compile(n.Right), func(a, b int64) bool { return a < b })
	case ast.NodeTypeLessThanOrEqual:
		return compare(c.compile(n.Left), c.compile(n.Right), func(a, b int64) bool { return a <= b })
	case ast.NodeTypeGreaterThan:
		return compare(c.compile(n.Left), c.compile(n.Right), func(a, b int64) bool { return a > b })
	case ast.NodeTypeGreaterThanOrEqual:
		return compare(c.compile(n.Left), c.compile(n.Right), func(a, b int64) bool { return a >= b })
	case ast.NodeTypeAdd:
		return arithmetic(c.compile(n.Left), c.compile(n.Right), add)
	case ast.NodeTypeSub:
		return arithmetic(c.compile(n.Left), c.compile(n.Right), subtract)
	case ast.NodeTypeMult:
		return arithmetic(c.compile(n.Left), c.compile(n.Right), multiply)
	case ast.NodeTypeNegate:
		return arithmetic(constantly(Number(0)), c.compile(n.Arg), subtract)
	case ast.NodeTypeContains:
		return contains(c.compile(n.Left), c.compile(n.Right))
	case ast.NodeTypeContainsAll:
		return overlap(c.compile(n.Left), c.compile(n.Right), true)
	case ast.NodeTypeContainsAny:
		return overlap(c.compile(n.Left), c.compile(n.Right), false)
	case ast.NodeTypeIsEmpty:
		return isEmpty(c.compile(n.Arg))
	case ast.NodeTypeLike:
		return like(c.compile(n.Arg), n.Value)
	}
	return c.unknown(fmt.Sprintf("expression %T", n))
}

// unknown makes a policy that cannot be compiled an error, at load.
func (c *compiler) unknown(what string) part {
	if c.err == nil {
		c.err = fmt.Errorf("the %s is not known", what)
	}
	return constantly(Failure("not known"))
}

func (c *compiler) value(v types.Value) Value {
	out, ok := FromCedar(v)
	if !ok {
		c.unknown(fmt.Sprintf("value %T", v))
	}
	return out
}

func (c *compiler) variable(name string) part {
	switch name {
	case "principal":
		return varying(func(e *Env) Value { return e.Principal })
	case "resource":
		return varying(func(e *Env) Value { return e.Resource })
	case "context":
		return varying(func(e *Env) Value { return e.Context })
	case "action":
		if c.action != nil {
			return constantly(*c.action)
		}
		return varying(func(e *Env) Value { return e.Action })
	}
	return c.unknown("variable " + name)
}

func (c *compiler) set(n ast.NodeTypeSet) part {
	parts := make([]part, len(n.Elements))
	fixed := make([]Value, len(n.Elements))
	constant := true
	for i, el := range n.Elements {
		parts[i] = c.compile(el)
		fixed[i] = parts[i].value
		constant = constant && parts[i].constant && parts[i].value.Kind != Error
	}
	if constant {
		return constantly(NewSet(fixed...))
	}
	return varying(func(e *Env) Value {
		s := e.fresh()
		for i := range parts {
			v := parts[i].fn(e)
			if v.Kind == Error {
				return v
			}
			s.add(v)
		}
		return Value{Kind: SetOf, X: Set(s)}
	})
}

func (c *compiler) record(n ast.NodeTypeRecord) part {
	parts := make([]part, len(n.Elements))
	names := make([]string, len(n.Elements))
	for i, el := range n.Elements {
		parts[i], names[i] = c.compile(el.Value), string(el.Key)
	}
	return varying(func(e *Env) Value {
		r := e.fresh()
		for i := range parts {
			v := parts[i].fn(e)
			if v.Kind == Error {
				return v
			}
			r.put(names[i], v)
		}
		return Value{Kind: RecordOf, X: Record(r)}
	})
}
