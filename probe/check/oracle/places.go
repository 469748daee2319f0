// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/identity"
	"durward/probe/spec"
)

// find gives the operation of a method and path, nil where there is none.
func find(api *spec.API, method, path string) *spec.Operation {
	for _, op := range api.Operations {
		if op.Method == method && op.Path == path {
			return op
		}
	}
	return nil
}

// before gives the fixed path that stands before the n-th parameter.
func before(path string, n int) string {
	at := 0
	for ; n >= 0; n-- {
		i := strings.IndexByte(path[at:], '{')
		if i < 0 {
			return ""
		}
		at += i + 1
	}
	return strings.TrimRight(path[:at-1], "/")
}

// Items are the objects of an answer: those of its first list, or itself.
func Items(body []byte) []map[string]any {
	var out []map[string]any
	collect(Decode(body), 4, &out)
	return out
}

func collect(v any, depth int, out *[]map[string]any) {
	if depth == 0 || len(*out) >= 200 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			collect(item, depth-1, out)
		}
	case map[string]any:
		*out = append(*out, v)
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			collect(v[n], depth-1, out)
		}
	}
}

// identifier names, the surest first.
var identifiers = []string{"id", "uuid", "key", "code", "slug", "number", "username", "user", "name"}

// ID is the value that identifies an object, nil where none does. Name is the
// parameter that it is for.
func ID(m map[string]any, name string) any {
	want := append([]string{Plain(name)}, identifiers...)
	if strings.HasSuffix(Plain(name), "id") {
		want = append([]string{Plain(name), "id"}, identifiers...)
	}
	for _, w := range want {
		for n, v := range m {
			if Plain(n) != w {
				continue
			}
			switch v.(type) {
			case map[string]any, []any, nil, bool:
			default:
				return v
			}
		}
	}
	return nil
}

// shown lists identifiers that a list shows to a user, and gives its answer.
func shown(ctx context.Context, env *check.Env, list *spec.Operation, c *call.Call, name string, as *identity.Identity) ([]string, *check.Exchange, error) {
	lc, err := env.World.Call(ctx, list, as)
	if err != nil {
		return nil, nil, ctx.Err()
	}
	for i, v := range lc.Path {
		if own := PathValue(c, v.Name); own != nil {
			lc.Path[i].Value = own
		}
	}
	e, err := Try(ctx, env, lc, as)
	if err != nil || !Accepted(e.Answer) {
		return nil, nil, err
	}
	var out []string
	for _, m := range Items(e.Answer.Body) {
		if id := ID(m, name); id != nil && !slices.Contains(out, fmt.Sprint(id)) {
			out = append(out, fmt.Sprint(id))
		}
	}
	return out, e, nil
}

// Common lists values of a path's first parameter that two users are shown, and
// that are not the second's alone; at most three.
func Common(ctx context.Context, env *check.Env, op *spec.Operation, a, b *identity.Identity) ([]string, error) {
	names := Parameters(op.Path)
	if len(names) == 0 {
		return nil, nil
	}
	list := find(env.API, http.MethodGet, before(op.Path, 0))
	if list == nil {
		return nil, nil
	}
	empty := &call.Call{Op: op}
	x, _, err := shown(ctx, env, list, empty, names[0], a)
	if err != nil {
		return nil, err
	}
	y, _, err := shown(ctx, env, list, empty, names[0], b)
	if err != nil {
		return nil, err
	}
	place := call.Place{In: "path", Name: names[0]}
	owns := func(u *identity.Identity, id string) bool {
		return slices.ContainsFunc(env.World.Owns(op, place, u), func(v any) bool { return fmt.Sprint(v) == id })
	}
	var out []string
	for _, id := range x {
		// What both have to do with is nobody's alone.
		if slices.Contains(y, id) && (!owns(b, id) || owns(a, id)) && len(out) < 3 {
			out = append(out, id)
		}
	}
	return out, nil
}

// Rehome moves a call below another parent: its first parameter is id, and the
// others are of the first things that a user is shown there. It is nil where
// nothing is.
func Rehome(ctx context.Context, env *check.Env, c *call.Call, id any, as *identity.Identity) (*call.Call, error) {
	moved := c.Clone()
	names := Parameters(c.Op.Path)
	set := func(name string, v any) {
		for i := range moved.Path {
			if moved.Path[i].Name == name {
				moved.Path[i].Value = v
			}
		}
	}
	set(names[0], id)
	for n := 1; n < len(names); n++ {
		list := find(env.API, http.MethodGet, before(c.Op.Path, n))
		if list == nil {
			return nil, nil
		}
		ids, _, err := shown(ctx, env, list, moved, names[n], as)
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		set(names[n], ids[0])
	}
	return moved, nil
}

// Undo deletes what an exchange made, where the document has an operation for
// that. A failure is no fault: the run's end lists what was left behind.
func Undo(ctx context.Context, env *check.Env, e *check.Exchange, as *identity.Identity) {
	if e == nil || e.Call == nil || e.Call.Op.Method != http.MethodPost || !Accepted(e.Answer) {
		return
	}
	for _, op := range env.API.Operations {
		rest, ok := strings.CutPrefix(op.Path, strings.TrimRight(e.Call.Op.Path, "/")+"/{")
		if op.Method != http.MethodDelete || !ok || !strings.HasSuffix(rest, "}") || strings.Contains(rest, "/") {
			continue
		}
		name := strings.TrimSuffix(rest, "}")
		for _, m := range Items(e.Answer.Body) {
			id := ID(m, name)
			if id == nil {
				continue
			}
			c := &call.Call{Op: op, Path: append(slices.Clone(e.Call.Path), call.Value{Name: name, Value: id})}
			if _, err := Try(ctx, env, c, as); err != nil {
				return
			}
			return
		}
	}
}

// InList tells whether a user is shown the n-th path parameter's value of a call
// by the list of the collection that it stands in. The exchange is nil where
// there is no such list, or it does not answer.
func InList(ctx context.Context, env *check.Env, c *call.Call, n int, as *identity.Identity) (bool, *check.Exchange, error) {
	list := find(env.API, http.MethodGet, before(c.Op.Path, n))
	if list == nil {
		return false, nil, nil
	}
	name := Parameters(c.Op.Path)[n]
	ids, e, err := shown(ctx, env, list, c, name, as)
	return slices.Contains(ids, fmt.Sprint(PathValue(c, name))), e, err
}

// Reader is the operation that reads what op acts on: GET of the same path, or
// of the object above an action, else the list that the object stands in. It is
// nil where there is none.
func Reader(api *spec.API, op *spec.Operation) *spec.Operation {
	path := op.Path
	for range 2 {
		if r := find(api, http.MethodGet, path); r != nil && (r != op) {
			return r
		}
		cut := strings.LastIndexByte(path, '/')
		if cut <= 0 {
			return nil
		}
		last := path[cut+1:]
		path = path[:cut]
		if strings.HasPrefix(last, "{") && strings.HasSuffix(path, "}") {
			return nil
		}
	}
	if r := find(api, http.MethodGet, path); r != nil {
		return r
	}
	return nil
}

// Make makes a thing of the collection that the last path parameter of a call
// stands in, below the same parents, and gives its identifier; nil where there is
// no operation for that, or it does not work.
func Make(ctx context.Context, env *check.Env, c *call.Call, as *identity.Identity) (any, error) {
	names := Parameters(c.Op.Path)
	if len(names) == 0 {
		return nil, nil
	}
	op := find(env.API, http.MethodPost, before(c.Op.Path, len(names)-1))
	if op == nil {
		return nil, nil
	}
	mc, err := env.World.Call(ctx, op, as)
	if err != nil {
		return nil, ctx.Err()
	}
	for i, v := range mc.Path {
		if own := PathValue(c, v.Name); own != nil {
			mc.Path[i].Value = own
		}
	}
	e, err := env.World.Send(ctx, mc, as)
	if err != nil || !Accepted(e.Answer) {
		return nil, err
	}
	for _, m := range Items(e.Answer.Body) {
		if id := ID(m, names[len(names)-1]); id != nil {
			return id, nil
		}
	}
	return nil, nil
}
