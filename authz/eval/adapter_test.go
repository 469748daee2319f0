// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// world makes entities of cedar-go what policies can ask here.
type world struct{ entities types.EntityMap }

type worldNode struct {
	of      types.Entity
	parents []types.EntityUID
}

func (w world) Entity(typ, id string) (Node, bool) {
	e, ok := w.entities[types.NewEntityUID(types.EntityType(typ), types.String(id))]
	if !ok {
		return nil, false
	}
	n := &worldNode{of: e}
	for p := range e.Parents.All() {
		n.parents = append(n.parents, p)
	}
	return n, true
}

func (n *worldNode) Attribute(name string) (Value, bool) { return member(n.of.Attributes, name) }
func (n *worldNode) Tag(name string) (Value, bool)       { return member(n.of.Tags, name) }

func member(r types.Record, name string) (Value, bool) {
	v, ok := r.Get(types.String(name))
	if !ok {
		return Value{}, false
	}
	return FromCedar(v)
}

func (n *worldNode) Parent(i int) (string, string, bool) {
	if i >= len(n.parents) {
		return "", "", false
	}
	return string(n.parents[i].Type), string(n.parents[i].ID), true
}

func convert(t testing.TB, v types.Value) Value {
	t.Helper()
	out, ok := FromCedar(v)
	if !ok {
		t.Fatalf("%T has no form here", v)
	}
	return out
}

// differ evaluates each policy by both, and says where they disagree.
func differ(t testing.TB, policies cedar.PolicyIterator, entities types.EntityMap, r cedar.Request) {
	t.Helper()
	e := &Env{
		Principal: convert(t, r.Principal), Action: convert(t, r.Action), Resource: convert(t, r.Resource),
		Context: convert(t, r.Context), Entities: world{entities},
	}
	for id, p := range policies.All() {
		one := cedar.PolicyMap{id: p}
		decision, why := cedar.Authorize(one, entities, r)
		holds := len(why.Reasons) > 0
		failed := len(why.Errors) > 0
		for _, action := range []*types.EntityUID{nil, &r.Action} {
			tree := (*ast.Policy)(p.AST())
			for _, layout := range []*Layout{nil, new(Layout)} {
				program, err := NewProgram(tree, action, layout)
				if err != nil {
					t.Fatalf("policy %s: %v", id, err)
				}
				if action != nil && !Applies(tree, *action, ancestors(entities, *action), r.Resource.Type) {
					if holds {
						t.Errorf("policy %s was sliced away and holds:\n%s", id, p.MarshalCedar())
					}
					continue
				}
				e.Layout = layout
				got, failure := program.Run(e)
				if got != holds || (failure != "") != failed {
					t.Errorf("policy %s: %v %q, cedar-go says %v %v (%v)\n%s\n%+v", id, got, failure, holds, why.Errors, decision, p.MarshalCedar(), r)
				}
				needed(t, tree, r, e, holds)
				e.Reset()
				e.Principal, e.Action, e.Resource = convert(t, r.Principal), convert(t, r.Action), convert(t, r.Resource)
				e.Context, e.Entities = convert(t, r.Context), world{entities}
			}
		}
	}
}

// needed checks that a policy that holds meets every condition that it is said
// not to hold without.
func needed(t testing.TB, p *ast.Policy, r cedar.Request, e *Env, holds bool) {
	t.Helper()
	if !holds {
		return
	}
	for _, c := range Conditions(p, nil) {
		v := c.Expr(e)
		met := false
		if set, ok := v.X.(Set); ok && c.Set {
			for i := range set.Len() {
				one := set.At(i)
				key, _ := one.Key()
				met = met || key == c.Key
			}
		} else if key, ok := v.Key(); ok {
			met = key == c.Key
		}
		if !met {
			t.Errorf("holds without %s being %v: %+v", c.Name, c.Key, r)
		}
	}
}

func ancestors(entities types.EntityMap, of types.EntityUID) []types.EntityUID {
	var out []types.EntityUID
	todo := []types.EntityUID{of}
	seen := map[types.EntityUID]bool{}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for p := range entities[at].Parents.All() {
			if !seen[p] {
				seen[p] = true
				out, todo = append(out, p), append(todo, p)
			}
		}
	}
	return out
}
