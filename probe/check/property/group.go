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
	"durward/probe/identity"
	"durward/probe/spec"
)

// roles and flags are members of a record that say what somebody may do in a
// group: by a word, and by true.
var (
	roles = []string{"role", "memberrole", "userrole", "access", "accesslevel", "permission", "level", "rank", "type"}
	flags = []string{"admin", "isadmin", "owner", "isowner", "manager", "ismanager", "moderator", "ismoderator"}
)

// tells says that a member with a value is a role.
func tells(name string, v any) bool {
	switch v.(type) {
	case string:
		return slices.Contains(roles, oracle.Plain(name))
	case bool:
		return slices.Contains(flags, oracle.Plain(name))
	}
	return false
}

// group is a thing that one user made just for this, and that another was let
// into with a lower role than the first has in it. The run's end deletes it.
type group struct {
	env          *check.Env
	owner, other *identity.Identity
	set          *call.Call // sets the other's record; a call of the owner's
	role         string     // the member that has the role
	low, high    any        // what the other and the owner have there
	shown        *check.Exchange
}

// setsMember tells that an operation sets the record of one user within something.
func setsMember(op *spec.Operation) bool {
	names := oracle.Parameters(op.Path)
	if (op.Method != http.MethodPut && op.Method != http.MethodPatch) || len(names) < 2 || !strings.HasSuffix(op.Path, "}") || op.Body == nil || check.EndsSession(op) {
		return false
	}
	words := oracle.Words(&spec.Operation{Path: "/" + oracle.Noun(op) + "/" + names[len(names)-1]})
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"user", "username", "member", "membership", "participant", "collaborator", "teammate", "people", "person", "guest"}, w)
	})
}

// enter makes a group of the owner's and lets the other in; nil where that cannot
// be done, or where nobody has a higher role there than the other.
func enter(ctx context.Context, env *check.Env, op *spec.Operation, p oracle.Pair) (*group, error) {
	c, err := env.World.Call(ctx, op, p.Owner)
	if err != nil {
		return nil, ctx.Err()
	}
	if body, ok := c.Body.(map[string]any); !ok || !strings.Contains(c.MediaType, "json") || slices.ContainsFunc(sorted(body), password) {
		return nil, nil
	}
	g := &group{env: env, owner: p.Owner, other: p.Other, set: c.Clone()}
	names := oracle.Parameters(op.Path)
	path := collection(op)
	inside := &call.Call{Op: &spec.Operation{Path: path[:strings.LastIndexByte(path, '/')]}, Path: c.Path}
	if !strings.HasSuffix(inside.Op.Path, "}") {
		return nil, nil
	}
	id, err := oracle.Make(ctx, env, inside, p.Owner)
	if err != nil || id == nil {
		return nil, err
	}
	g.set.Set(call.Place{In: "path", Name: names[len(names)-2]}, id)
	for _, name := range callings(p.Other) {
		g.set.Set(call.Place{In: "path", Name: names[len(names)-1]}, name)
		ok, err := g.invite(ctx, name)
		if err != nil || ok {
			return g.ready(ok), err
		}
	}
	return nil, nil
}

// callings are what a user may be called by in a path, at most three.
func callings(u *identity.Identity) []any {
	var out []any
	for _, n := range []string{"username", "id", "user_id", "user", "sub", "email"} {
		if v, ok := u.Knows(n); ok && !slices.ContainsFunc(out, func(o any) bool { return equal(o, v) }) {
			out = append(out, v)
		}
	}
	if !slices.ContainsFunc(out, func(o any) bool { return equal(o, u.Name) }) {
		out = append(out, u.Name)
	}
	return out[:min(len(out), 3)]
}

// invite adds the other, by the record's own operation or by that of the
// collection, unless it is a member already. It tells whether the owner sees it.
func (g *group) invite(ctx context.Context, name any) (bool, error) {
	if m, err := g.look(ctx); err != nil || m != nil {
		return m != nil, err
	}
	with := g.with(g.lowest(g.set))
	if _, err := oracle.Try(ctx, g.env, with, g.owner); err != nil {
		return false, err
	}
	if m, err := g.look(ctx); err != nil || m != nil {
		return m != nil, err
	}
	post := g.operation(http.MethodPost, collection(g.set.Op))
	if post == nil {
		return false, nil
	}
	c, err := g.env.World.Call(ctx, post, g.owner)
	if err != nil {
		return false, ctx.Err()
	}
	body, ok := c.Body.(map[string]any)
	if !ok {
		return false, nil
	}
	c = g.aim(c)
	for _, n := range sorted(body) {
		if v, known := g.other.Knows(n); known {
			c.Set(call.Place{In: "body", Name: call.Member("", n)}, v)
		} else if p := oracle.Plain(n); strings.Contains(p, "user") || strings.Contains(p, "member") && !strings.Contains(p, "role") {
			c.Set(call.Place{In: "body", Name: call.Member("", n)}, name)
		}
	}
	if role, low := g.lowest(c); role != "" {
		c.Set(call.Place{In: "body", Name: call.Member("", role)}, low)
	}
	if _, err = oracle.Try(ctx, g.env, c, g.owner); err != nil {
		return false, err
	}
	m, err := g.look(ctx)
	if m != nil && !equal(oracle.PathValue(g.set, last(g.set.Op)), name) {
		return false, err
	}
	return m != nil, err
}

// ready tells that the other has a role that is below the owner's.
func (g *group) ready(in bool) *group {
	if !in || g.low == nil || g.high == nil || powerful(g.low) || equal(g.low, g.high) {
		return nil
	}
	return g
}

// lowest finds a declared role in a call's body and its lowest value: the first
// that is no word for somebody who may do more.
func (g *group) lowest(c *call.Call) (role string, low any) {
	m := c.Media()
	if m == nil {
		return "", nil
	}
	declared, order := call.Members(m.Schema)
	for _, n := range order {
		if !slices.Contains(roles, oracle.Plain(n)) {
			continue
		}
		for _, v := range declared[n].Schema.Flat().Enum {
			if !powerful(v) {
				return n, v
			}
		}
	}
	return "", nil
}

// with is the call that sets the other's record, with one member more.
func (g *group) with(member string, value any) *call.Call {
	c := g.set.Clone()
	if member != "" {
		c.Set(call.Place{In: "body", Name: call.Member("", member)}, value)
	}
	return c
}

// powerful tells that a role is that of somebody who may do more than others.
func powerful(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return oracle.Privileged(&identity.Identity{Roles: []string{v}})
	}
	return false
}

func last(op *spec.Operation) string {
	names := oracle.Parameters(op.Path)
	return names[len(names)-1]
}

func collection(op *spec.Operation) string { return op.Path[:strings.LastIndex(op.Path, "/{")] }

func (g *group) operation(method, path string) *spec.Operation {
	for _, op := range g.env.API.Operations {
		if op.Method == method && op.Path == path {
			return op
		}
	}
	return nil
}

// aim puts the group's path into another call.
func (g *group) aim(c *call.Call) *call.Call {
	c = c.Clone()
	for i, v := range c.Path {
		if own := oracle.PathValue(g.set, v.Name); own != nil {
			c.Path[i].Value = own
		}
	}
	return c
}

// look reads the other's record as the owner sees it, and notes both roles. It
// is nil where nothing shows it.
func (g *group) look(ctx context.Context) (map[string]any, error) {
	for _, path := range []string{collection(g.set.Op), g.set.Op.Path} {
		op := g.operation(http.MethodGet, path)
		if op == nil {
			continue
		}
		c, err := g.env.World.Call(ctx, op, g.owner)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			continue
		}
		e, err := oracle.Try(ctx, g.env, g.aim(c), g.owner)
		if err != nil {
			return nil, err
		}
		if !oracle.Accepted(e.Answer) {
			continue
		}
		m, role := record(e.Answer.Body, g.other)
		if m == nil {
			continue
		}
		g.shown, g.role, g.low = e, role, m[role]
		if own, theirs := record(e.Answer.Body, g.owner); own != nil && theirs == role && powerful(own[role]) && !equal(own[role], m[role]) && g.high == nil {
			g.high = own[role]
		}
		return m, nil
	}
	return nil, nil
}

// record finds a user's record in an answer, the smallest object that names the
// user and has a role.
func record(answer []byte, u *identity.Identity) (found map[string]any, role string) {
	size := 0
	for _, m := range oracle.Items(answer) {
		name := ""
		for _, n := range sorted(m) {
			if tells(n, m[n]) && (name == "" || oracle.Plain(n) == "role") {
				name = n
			}
		}
		leaves := oracle.Of(m)
		if name == "" || found != nil && len(leaves) >= size || !slices.ContainsFunc(leaves, func(l oracle.Leaf) bool { return names(l, name, u) }) {
			continue
		}
		found, role, size = m, name, len(leaves)
	}
	return found, role
}

// names tells that a leaf of a record names a user. Numbers do so only where the
// member says that they are a user's.
func names(l oracle.Leaf, role string, u *identity.Identity) bool {
	if l.Name == role || strings.Count(l.Pointer, "/") > 2 {
		return false
	}
	about := strings.ToLower(l.Pointer)
	if !l.String && !strings.Contains(about, "user") && !strings.Contains(about, "member") {
		return false
	}
	return slices.ContainsFunc(callings(u), func(v any) bool { return fmt.Sprint(v) == l.Text })
}
