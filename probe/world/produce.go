// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

// deepest is how far prerequisites of prerequisites are made.
const deepest = 4

// fresh makes a call of op for as, with the values of that turn.
func (w *World) fresh(ctx context.Context, op *spec.Operation, as *identity.Identity, t turn, depth int) (*call.Call, error) {
	c := &call.Call{Op: op}
	path, err := w.place(ctx, op, as, t, depth)
	if err != nil {
		return nil, err
	}
	c.Path = path
	w.mu.Lock()
	happy := w.ops[op].happy
	w.mu.Unlock()
	m := maker{w: w, ctx: ctx, op: op, as: as, turn: t, try: t.body, depth: depth, rand: Rand(w.Seed, "call", op.ID, fmt.Sprint(t.body))}
	if happy != nil && t.body < 2 {
		m.again(c, happy)
		c.AsMade = true
		return c, nil
	}
	m.fill(c)
	c.AsMade = true
	return c, ctx.Err()
}

// place finds values for the path's parameters.
func (w *World) place(ctx context.Context, op *spec.Operation, as *identity.Identity, t turn, depth int) (call.Values, error) {
	path := slots(op.Path)
	values := make([]any, len(path))
	for i := len(path) - 1; i >= 0; i-- {
		if values[i] != nil {
			continue
		}
		s := path[i]
		f, ok := w.find(ctx, op, s, i, as, t, depth)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		values[i] = f.value
		if f.o != nil && f.o.collection == s.collection {
			for j := 0; j < i && j < len(f.o.parents); j++ {
				if values[j] == nil {
					values[j] = f.o.parents[j]
				}
			}
		}
	}
	out := make(call.Values, len(path))
	for i, s := range path {
		p := param(op, "path", s.name)
		if values[i] == nil {
			m := maker{w: w, ctx: ctx, op: op, as: as, turn: t, try: t.object, rand: Rand(w.Seed, "path", op.ID, s.name, fmt.Sprint(t.object))}
			values[i] = m.guess(p, s)
		}
		var schema *spec.Schema
		if p != nil {
			schema = p.Schema
		}
		out[i] = call.Value{Name: s.name, Value: typed(schema, values[i])}
	}
	return out, nil
}

func param(op *spec.Operation, in, name string) *spec.Param {
	for _, p := range op.Params {
		if p.In == in && p.Name == name {
			return p
		}
	}
	return nil
}

// find gives a value for one parameter, the i-th of the path, making the object
// where there is none.
func (w *World) find(ctx context.Context, op *spec.Operation, s slot, i int, as *identity.Identity, t turn, depth int) (found, bool) {
	ends := strings.HasSuffix(op.Path, "{"+s.name+"}")
	consumes := op.Method == "DELETE" && ends
	if op.Method == "PUT" && ends && !w.collects(s) {
		// A PUT may make what it names, and then nothing else does.
		return found{}, false
	}
	safe := client.Safe(op.Method)
	own, isUser := userValue(s, as)
	if i > 0 && overlap(s.kinds, userKinds) && !safe {
		// A user of something else, such as its member: nobody whom the run acts
		// as, who would rightly see then what is another's.
		return w.stranger(ctx, s, as, op.Method != "PUT" || !ends, depth)
	}
	if isUser && !consumes && t.object%3 != 2 {
		return found{value: own, rank: named}, true
	}
	least := seen
	if !safe {
		least = alone
	}
	if consumes {
		least = made + 1 // a new one each time
	}
	if !safe && t.object == 0 {
		if f, ok := w.prepared(ctx, op, s, as, depth); ok {
			return f, true
		}
	}
	all := w.look(s, as)
	if len(all) == 0 || all[0].rank < least || t.anew {
		w.produce(ctx, s, as, depth)
		if ctx.Err() != nil {
			return found{}, false
		}
		if now := w.look(s, as); len(now) > 0 {
			all = now
		}
	}
	if consumes {
		return w.newest(s, as, all)
	}
	if len(all) == 0 {
		return found{}, false
	}
	if t.anew {
		slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(len(a.o.done), len(b.o.done)) })
		return all[0], true
	}
	at := t.object
	if !safe && at > 0 {
		// The wrong state, perhaps: what most was done with is next.
		slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(len(b.o.done), len(a.o.done)) })
		at--
	}
	return all[at%min(len(all), 4)], true
}

// stranger is a user who is nobody that the run acts as: one that was registered
// on the way, or else a name that nobody has.
func (w *World) stranger(ctx context.Context, s slot, as *identity.Identity, known bool, depth int) (found, bool) {
	if known {
		if f, ok := w.newest(s, as, nil); ok {
			return f, true
		}
		w.produce(ctx, s, as, depth)
	}
	return w.newest(s, as, nil)
}

func (w *World) look(s slot, as *identity.Identity) []found {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.candidates(s, as)
}

// newest is the last object that the user made, so that a deletion takes what
// nothing else needs. No user that the run acts as is deleted.
func (w *World) newest(s slot, as *identity.Identity, all []found) (found, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.log) - 1; i >= 0; i-- {
		o := w.log[i]
		if o.gone || o.owner != nameOf(as) {
			continue
		}
		if v, ok := o.value(s); ok && (o.collection == s.collection || overlap(o.kinds, s.kinds)) && !w.isUser(v) {
			return found{o, v, made}, true
		}
	}
	for _, f := range all {
		if f.rank >= named && !w.isUser(f.value) {
			return f, true
		}
	}
	return found{}, false
}

func (w *World) isUser(v any) bool {
	return slices.ContainsFunc(w.Users, func(u *identity.Identity) bool { return u.Is(fmt.Sprint(v)) })
}

// collects tells that something else than a PUT to the item gives such objects.
func (w *World) collects(s slot) bool {
	for _, op := range w.API.Operations {
		if templateOf(op.Path) == s.collection && (op.Method == "POST" || op.Method == "GET") {
			return true
		}
	}
	return false
}

// producer is an operation that may give objects for a slot.
type producer struct {
	op    *spec.Operation
	score int
}

// producers lists what may give objects for a slot, likeliest first: makers
// before lists.
func (w *World) producers(s slot) []*spec.Operation {
	var list []producer
	for _, op := range w.API.Operations {
		score := 0
		t := templateOf(op.Path)
		kind := kindOfPath(op.Path)
		last := strings.HasSuffix(op.Path, "}")
		switch {
		case op.Method == "POST" && t == s.collection && s.collection != "":
			score = 100
		case op.Method == "POST" && !last && strings.HasPrefix(t, s.collection+"/") && s.collection != "" && strings.Count(t, "{}") == strings.Count(s.collection, "{}") && maker2(op.Path):
			score = 95 // POST /users/v1/register
		case op.Method == "GET" && t == s.collection && s.collection != "":
			score = 70
		case op.Method == "PUT" && t == s.collection+"/{}" && s.collection != "":
			score = 50
		case op.Method == "POST" && !last && slices.Contains(s.kinds, kind):
			score = 60
		case op.Method == "GET" && !last && slices.Contains(s.kinds, kind):
			score = 40
		case op.Method == "GET" && !last && strings.HasPrefix(t, s.collection+"/") && s.collection != "" && strings.Count(t, "{}") == strings.Count(s.collection, "{}"):
			score = 35
		}
		if score == 0 || links(op, s) {
			score = max(score, w.answers(op, s))
		}
		if score > 0 {
			list = append(list, producer{op, score - 2*strings.Count(op.Path, "{")})
		}
	}
	slices.SortStableFunc(list, func(a, b producer) int { return cmp.Compare(b.score, a.score) })
	out := make([]*spec.Operation, 0, len(list))
	for _, p := range list[:min(len(list), 6)] {
		out = append(out, p.op)
	}
	return out
}

// maker2 tells that the last segment of a path says that something is made.
func maker2(path string) bool {
	segs := strings.Split(path, "/")
	switch plain(segs[len(segs)-1]) {
	case "create", "new", "add", "register", "signup", "insert", "upload":
		return true
	}
	return false
}

// links tells that an answer of op has a link to an operation with that slot.
func links(op *spec.Operation, s slot) bool {
	for _, a := range op.Answers {
		for _, l := range a.Links {
			for name := range l.Params {
				if name == s.name || strings.HasSuffix(name, "."+s.name) {
					return true
				}
			}
		}
	}
	return false
}

// answers scores an operation by the members that its declared answers have.
func (w *World) answers(op *spec.Operation, s slot) int {
	if links(op, s) {
		return 90
	}
	if strings.HasSuffix(op.Path, "}") || op.Method != "GET" && op.Method != "POST" || slices.Contains(generic, plain(s.name)) {
		return 0
	}
	for _, status := range []string{"200", "201", "2XX"} {
		if a := op.Answers[status]; a != nil {
			for _, m := range a.Content {
				if m.Schema != nil && mentions(m.Schema, plain(s.name), 4) {
					if op.Method == "POST" {
						return 30
					}
					return 32
				}
			}
		}
	}
	return 0
}

// mentions tells that a schema has a member of that name.
func mentions(s *spec.Schema, name string, depth int) bool {
	if s == nil || depth == 0 {
		return false
	}
	for n, p := range s.Properties {
		if plain(n) == name || mentions(p, name, depth-1) {
			return true
		}
	}
	for _, p := range s.AllOf {
		if mentions(p, name, depth-1) {
			return true
		}
	}
	return mentions(s.Items, name, depth-1)
}

// produce lets operations make or show objects for a slot, until there is one
// that as made, or none is left.
func (w *World) produce(ctx context.Context, s slot, as *identity.Identity, depth int) {
	if depth >= deepest {
		return
	}
	for _, op := range w.producers(s) {
		if w.ReadOnly && !client.Safe(op.Method) {
			continue
		}
		key := op.ID + "\x00" + nameOf(as)
		w.mu.Lock()
		state := w.ops[op]
		skip := w.making[key] || state.refused[nameOf(as)] >= maxRefused
		asked := client.Safe(op.Method) && state.good[nameOf(as)] != nil
		if !skip {
			w.making[key] = true
		}
		w.mu.Unlock()
		if skip {
			continue
		}
		before := w.count(s, as)
		if !asked || before == 0 {
			_, _ = w.attempt(ctx, op, as, depth+1) // whether it worked shows in what is known then
		}
		w.mu.Lock()
		delete(w.making, key)
		w.mu.Unlock()
		if ctx.Err() != nil || w.count(s, as) > before && (!client.Safe(op.Method) || before == 0) {
			return
		}
	}
}

// count is how many objects of as fit a slot.
func (w *World) count(s slot, as *identity.Identity) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, f := range w.candidates(s, as) {
		if f.rank >= seen {
			n++
		}
	}
	return n
}

// Reader finds the operation that reads what op acts on.
func (w *World) Reader(op *spec.Operation) *spec.Operation {
	if op.Method == "GET" {
		return op
	}
	t := templateOf(op.Path)
	var best *spec.Operation
	for _, o := range w.API.Operations {
		if o.Method != "GET" {
			continue
		}
		to := templateOf(o.Path)
		switch {
		case to == t && strings.HasSuffix(t, "}"):
			return o
		case op.Method == "POST" && to == t+"/{}":
			return o
		case to == t || strings.HasPrefix(t, to+"/") && strings.HasSuffix(to, "}"):
			if best == nil || len(to) > len(templateOf(best.Path)) {
				best = o
			}
		}
	}
	return best
}

func number(v any) (json.Number, bool) {
	n, ok := v.(json.Number)
	return n, ok
}
