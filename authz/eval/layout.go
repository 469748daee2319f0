// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import "github.com/cedar-policy/cedar-go/x/exp/ast"

// Layout numbers the attributes that a number of policies read, such as
// context.path.space, so that a decision over all of them reads each once. It
// is filled while policies are compiled, and must not change afterwards.
type Layout struct {
	places map[string]int
	reads  []Expr
}

// verdict is a Bool, or that there is none.
type verdict uint8

const (
	failed verdict = iota
	no
	yes
)

// Test is a compiled condition.
type Test func(*Env) verdict

func truth(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// tested makes the part of an operator that gives a Bool. slow says the same
// with the error's text.
func tested(test Test, slow Expr) part {
	return part{test: test, fn: func(e *Env) Value {
		switch test(e) {
		case yes:
			return Truth(true)
		case no:
			return Truth(false)
		}
		return slow(e)
	}}
}

// tester gives a part as a condition.
func (p part) tester() Test {
	if p.test != nil {
		return p.test
	}
	fn := p.fn
	return func(e *Env) verdict {
		v := fn(e)
		if v.Kind != Bool {
			return failed
		}
		return truth(v.N != 0)
	}
}

// quick makes the part of an operator on two values that gives a Bool. Where
// one is an attribute of the layout and the other a constant, it needs no copy.
func quick(l, r part, fast func(v, constant *Value) verdict, slow Expr) part {
	if l.slot == 0 || !r.constant || r.value.Kind == Error {
		return simple(slow, l, r)
	}
	place, constant := l.slot-1, r.value
	return tested(func(e *Env) verdict {
		v := e.read(place)
		if v.Kind == Error {
			return failed
		}
		return fast(v, &constant)
	}, slow)
}

// remembered gives a chain of attributes its place in the layout.
func (c *compiler) remembered(n ast.NodeTypeAccess, p part) part {
	if c.layout == nil {
		return p
	}
	name, ok := chain(n)
	if !ok {
		return p
	}
	place, ok := c.layout.places[name]
	if !ok {
		place = len(c.layout.reads)
		if c.layout.places == nil {
			c.layout.places = map[string]int{}
		}
		c.layout.places[name] = place
		c.layout.reads = append(c.layout.reads, p.fn)
	}
	return part{fn: func(e *Env) Value { return *e.read(place) }, slot: place + 1}
}

// chain names a chain of attributes of a variable; the names cannot be
// mistaken for one another, since each is quoted.
func chain(n ast.IsNode) (string, bool) {
	switch n := n.(type) {
	case ast.NodeTypeVariable:
		return string(n.Name), true
	case ast.NodeTypeAccess:
		of, ok := chain(n.Arg)
		return of + string(n.Value.MarshalCedar()), ok
	}
	return "", false
}

// cell is an attribute that was read, or not yet.
type cell struct {
	value Value
	known bool
}

// read gives an attribute of the layout, which is asked for once. The pointer
// holds until Reset.
func (e *Env) read(place int) *Value {
	if place >= len(e.cells) {
		if cap(e.cells) < len(e.Layout.reads) {
			e.cells = make([]cell, len(e.Layout.reads))
		}
		e.cells = e.cells[:len(e.Layout.reads)]
	}
	c := &e.cells[place]
	if !c.known {
		// A chain reads its own beginning through another place, which never
		// moves the cells: they have their full length by now.
		c.value = e.Layout.reads[place](e)
		c.known = true
	}
	return &c.value
}
