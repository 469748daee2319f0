// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package property

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// maxPairs bounds the groups that are made for one operation.
const maxPairs = 2

// assign tests what a call can set: of an object, and of a group's roles.
func assign(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if err := assignments(ctx, env, op); err != nil {
		return err
	}
	return escalations(ctx, env, op)
}

// escalations tests whether somebody who was let into a group can raise their own
// role there: in their own record, or as a member too many of the group itself.
func escalations(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly || op.Body == nil {
		return nil
	}
	members, attack := op, (*group).promote
	if !setsMember(op) {
		if members = membersOf(env.API, op); members == nil {
			return nil
		}
		attack = func(g *group, ctx context.Context) (bool, error) { return g.seize(ctx, op) }
	}
	pairs := oracle.Pairs(env.Users)
	for _, p := range pairs[:min(len(pairs), maxPairs)] {
		if oracle.Privileged(p.Other) {
			continue
		}
		g, err := enter(ctx, env, members, p)
		if err != nil {
			return err
		}
		if g == nil {
			continue
		}
		found, err := attack(g, ctx)
		if found || err != nil {
			return err
		}
	}
	return nil
}

// membersOf finds the operation that sets a member's record below what op
// changes; nil where there is none.
func membersOf(api *spec.API, op *spec.Operation) *spec.Operation {
	if op.Method != http.MethodPut && op.Method != http.MethodPatch || !strings.HasSuffix(op.Path, "}") {
		return nil
	}
	for _, m := range api.Operations {
		rest, below := strings.CutPrefix(m.Path, op.Path+"/")
		if below && strings.Count(rest, "/") == 1 && setsMember(m) {
			return m
		}
	}
	return nil
}

// still tells that the owner sees the other with a role.
func (g *group) still(ctx context.Context, role any) (bool, error) {
	m, err := g.look(ctx)
	return m != nil && equal(g.low, role), err
}

// promote lets the other set their own role to the owner's.
func (g *group) promote(ctx context.Context) (bool, error) {
	low, before := g.low, g.shown
	// Control: that the record is changed otherwise leaves the role as it is.
	if _, err := oracle.Try(ctx, g.env, g.with(g.role, low), g.other); err != nil {
		return false, err
	}
	if ok, err := g.still(ctx, low); err != nil || !ok {
		return false, err
	}
	e, err := oracle.Try(ctx, g.env, g.with(g.role, g.high), g.other)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	return g.raised(ctx, low, before, e, "body#/"+g.role)
}

// raised reads the other's role twice, reports that it is the owner's, and puts
// it back.
func (g *group) raised(ctx context.Context, low any, before, e *check.Exchange, where string) (bool, error) {
	for range 2 {
		if ok, err := g.still(ctx, g.high); err != nil || !ok {
			return false, err
		}
	}
	oracle.Report(g.env, assigned, finding.Certain, e.Call.Op, where,
		fmt.Sprintf("%s, let in by %s with %s %s, set it to %s, which %s reads.", g.other.Name, g.owner.Name, g.role, short(low), short(g.high), g.owner.Name),
		g.env.Step("control: the owner reads the member's role", before), g.env.Step("the member sets it", e), g.env.Step("the owner reads it again", g.shown))
	for _, as := range []*identity.Identity{g.owner, g.other} {
		if _, err := oracle.Try(ctx, g.env, g.with(g.role, low), as); err != nil {
			return true, err
		}
		if ok, err := g.still(ctx, low); err != nil || ok {
			return true, err
		}
	}
	return true, nil
}

// owners are names of a member that says whose a thing is.
var owners = []string{"owner", "owner_id", "ownerId"}

// seize lets the other, in each role below the owner's, change the group with a
// member that says whose it is.
func (g *group) seize(ctx context.Context, op *spec.Operation) (bool, error) {
	c, err := g.env.World.Call(ctx, op, g.owner)
	if err != nil {
		return false, ctx.Err()
	}
	if _, ok := c.Body.(map[string]any); !ok {
		return false, nil
	}
	c = g.aim(c)
	for _, role := range g.below() {
		if !equal(role, g.low) {
			if _, err := oracle.Try(ctx, g.env, g.with(g.role, role), g.owner); err != nil {
				return false, err
			}
		}
		if ok, err := g.still(ctx, role); err != nil || !ok {
			return false, err
		}
		found, err := g.take(ctx, c, role)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// below are the roles that are not the owner's, the present one first.
func (g *group) below() []any {
	out := []any{g.low}
	m := g.set.Media()
	if m == nil {
		return out
	}
	declared, _ := call.Members(m.Schema)
	if d, ok := declared[g.role]; ok && d.Schema != nil {
		for _, v := range d.Schema.Flat().Enum {
			if !equal(v, g.high) && !equal(v, g.low) && len(out) < 4 {
				out = append(out, v)
			}
		}
	}
	return out
}

// take finds a change of the group that the other may make, which leaves the role
// as it is, and makes it again with an owner.
func (g *group) take(ctx context.Context, c *call.Call, role any) (bool, error) {
	for _, v := range changes(c) {
		e, err := oracle.Try(ctx, g.env, v, g.other)
		if err != nil {
			return false, err
		}
		if !oracle.Accepted(e.Answer) {
			continue
		}
		if ok, err := g.still(ctx, role); err != nil || !ok {
			return false, err
		}
		before := g.shown
		for _, name := range owners {
			if _, sent := v.Body.(map[string]any)[name]; sent {
				continue
			}
			with := v.Clone()
			with.Set(call.Place{In: "body", Name: call.Member("", name)}, oracle.PathValue(g.set, last(g.set.Op)))
			e, err := oracle.Try(ctx, g.env, with, g.other)
			if err != nil {
				return false, err
			}
			if !oracle.Accepted(e.Answer) {
				continue
			}
			if found, err := g.raised(ctx, role, before, e, "body#/"+name); found || err != nil {
				return found, err
			}
		}
		return false, nil
	}
	return false, nil
}

// changes are a call and those with one of its body's members alone: not all may
// be the other's to change.
func changes(c *call.Call) []*call.Call {
	out := []*call.Call{c}
	body := c.Body.(map[string]any)
	m := c.Media()
	if m == nil || m.Schema == nil {
		return out
	}
	all := map[string]*spec.Schema{}
	gather(m.Schema, all, 6)
	for _, n := range sortedSchemas(all) {
		v, sent := body[n]
		if !sent && slices.Contains(all[n].Types, "string") && len(all[n].Enum) == 0 {
			v, sent = "news", true
		}
		if sent && len(out) < 8 {
			one := c.Clone()
			one.Body = map[string]any{n: v}
			out = append(out, one)
		}
	}
	return out
}
