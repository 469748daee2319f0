// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package object

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/identity"
	"durward/probe/spec"
	"durward/probe/world"
)

var errOneUser = errors.New("needs two users of which neither is above the other")

// operation tests one operation for each pair of users, until one has shown it.
func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	pairs := oracle.Pairs(env.Users)
	if len(pairs) == 0 {
		return errOneUser
	}
	if env.ReadOnly && !oracle.Safe(op.Method) {
		return nil
	}
	if needs, said := oracle.Secured(op); said && !needs {
		return nil // for the whole world, by the document
	}
	if world.Authenticates(op) {
		return nil // whoever sends the owner's password is the owner
	}
	var first error
	for _, p := range pairs {
		t := &test{env: env, op: op, owner: p.Owner, other: p.Other}
		done, err := t.run(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if done {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// test is one operation with one pair of users.
type test struct {
	env          *check.Env
	op           *spec.Operation
	owner, other *identity.Identity
}

func (t *test) run(ctx context.Context) (found bool, err error) {
	switch t.op.Method {
	case http.MethodGet, http.MethodHead:
		if !strings.HasSuffix(t.op.Path, "}") {
			if done, err := t.lists(ctx); done || err != nil {
				return done, err
			}
		}
		return t.reads(ctx)
	case http.MethodDelete:
		return t.deletes(ctx)
	case http.MethodPut, http.MethodPatch:
		return t.changes(ctx)
	case http.MethodPost:
		// The change first: what the owner did once may not be done again.
		if done, err := t.changes(ctx); done || err != nil {
			return done, err
		}
		return t.reads(ctx)
	}
	return false, nil
}

// own makes the owner's call, with the owner's objects in it where it can be, and
// tells at which places they are.
func (t *test) own(ctx context.Context) (*call.Call, []call.Place, error) {
	c, err := t.env.World.Call(ctx, t.op, t.owner)
	if err != nil {
		return nil, nil, err
	}
	var at []call.Place
	taken := t.op.Method == http.MethodDelete // one was made for it
	for _, p := range c.Places() {
		if p.In == "header" || p.In == "cookie" {
			continue
		}
		if taken && p.In == "path" && p.Name == last(oracle.Parameters(t.op.Path)) {
			at = append(at, p)
			continue
		}
		ids := t.env.World.Owns(t.op, p, t.owner)
		if len(ids) == 0 {
			continue
		}
		have, set := c.Get(p)
		switch {
		case set && contains(ids, have):
		case p.In == "path" || p.Required:
			if taken || set && len(at) > 0 {
				continue // a parent decides which children there are
			}
			c.Set(p, ids[0])
		default:
			continue
		}
		at = append(at, p)
	}
	return c, at, nil
}

func contains(ids []any, v any) bool {
	return slices.ContainsFunc(ids, func(id any) bool { return fmt.Sprint(id) == fmt.Sprint(v) })
}

// variants are calls by which the other user may get at the owner's object: the
// same call, and the same with the other's own parent in front of it.
func (t *test) variants(c *call.Call, at []call.Place) []variant {
	out := []variant{{c, where(at)}}
	names := oracle.Parameters(t.op.Path)
	if len(names) < 2 {
		return out
	}
	last := names[len(names)-1]
	if !slices.ContainsFunc(at, func(p call.Place) bool { return p.In == "path" && p.Name == last }) {
		return out
	}
	mixed, swapped := c.Clone(), false
	for _, p := range c.Places() {
		if p.In != "path" || p.Name == last {
			continue
		}
		have, _ := c.Get(p)
		for _, id := range t.env.World.Owns(t.op, p, t.other) {
			if fmt.Sprint(id) != fmt.Sprint(have) {
				mixed.Set(p, id)
				swapped = true
				break
			}
		}
	}
	if swapped {
		out = append(out, variant{mixed, "path." + last})
	}
	return out
}

type variant struct {
	call  *call.Call
	where string
}

// where names the place of the object: the last identifier of the path, else the
// first place.
func where(at []call.Place) string {
	for i := len(at) - 1; i >= 0; i-- {
		if at[i].In == "path" {
			return at[i].String()
		}
	}
	if len(at) > 0 {
		return at[0].String()
	}
	return ""
}
