// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

// wants is what had been done with an object, and by whom, when an operation
// worked on it: an order must have been paid before it can be sent.
type wants struct {
	done  []string // ids of operations
	owner string
	other bool // the object was not the caller's own
}

// acts tells that an operation moves the object before its last segment from one
// state to the next: POST /claims/{claim}/submit, but not POST
// /claims/{claim}/comments, below which there are comments.
func (w *World) acts(op *spec.Operation) (slot, bool) {
	path := slots(op.Path)
	if client.Safe(op.Method) || op.Method == "DELETE" || len(path) == 0 || strings.HasSuffix(op.Path, "}") {
		return slot{}, false
	}
	t := templateOf(op.Path)
	for _, o := range w.API.Operations {
		if other := templateOf(o.Path); strings.HasPrefix(other, t+"/{}") || other == t && o.Method == "GET" {
			return slot{}, false
		}
	}
	return path[len(path)-1], true
}

// target finds the objects that a call's last path parameter names. The lock is
// held.
func (w *World) target(c *call.Call, s slot) []*object {
	value := fmt.Sprint(pathValue(c, s.name))
	var out []*object
	for _, o := range w.objects {
		if o.collection != s.collection {
			continue
		}
		if v, ok := o.value(s); ok && fmt.Sprint(v) == value {
			out = append(out, o)
		}
	}
	return out
}

// moved notes what a call that worked tells of states. The lock is held.
func (w *World) moved(op *spec.Operation, c *call.Call, as *identity.Identity) {
	path := slots(op.Path)
	if client.Safe(op.Method) || len(path) == 0 {
		return
	}
	last := path[len(path)-1]
	_, act := w.acts(op)
	for i, o := range w.target(c, last) {
		if i == 0 && w.ops[op].wants == nil {
			w.ops[op].wants = &wants{slices.Clone(o.done), o.owner, o.made && o.owner != nameOf(as)}
		}
		if act && !slices.Contains(o.done, op.ID) {
			o.done = append(o.done, op.ID)
		}
	}
}

// prepared gives an object in the state that op was seen to need: one that is
// there, or a new one with which the same was done.
func (w *World) prepared(ctx context.Context, op *spec.Operation, s slot, as *identity.Identity, depth int) (found, bool) {
	w.mu.Lock()
	need := w.ops[op]
	var want *wants
	if need != nil {
		want = need.wants
	}
	w.mu.Unlock()
	_, act := w.acts(op)
	if want == nil || len(want.done) == 0 && !act {
		return found{}, false
	}
	owner := as
	if want.other {
		if i := slices.IndexFunc(w.Users, func(u *identity.Identity) bool { return u.Name == want.owner }); i >= 0 {
			owner = w.Users[i]
		}
	}
	if f, ok := w.inState(s, owner, want.done); ok {
		return f, true
	}
	if depth >= deepest {
		return found{}, false
	}
	w.produce(ctx, s, owner, depth)
	f, ok := w.inState(s, owner, nil)
	if !ok {
		return found{}, false
	}
	for _, id := range want.done {
		i := slices.IndexFunc(w.API.Operations, func(o *spec.Operation) bool { return o.ID == id })
		if i < 0 || !w.advance(ctx, w.API.Operations[i], f, owner, as) {
			return found{}, false
		}
	}
	return f, true
}

// inState finds the newest of the user's own objects with exactly that history.
func (w *World) inState(s slot, as *identity.Identity, done []string) (found, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.objects) - 1; i >= 0; i-- {
		o := w.objects[i]
		if o.gone || !o.made || o.owner != nameOf(as) || o.collection != s.collection || !slices.Equal(o.done, done) {
			continue
		}
		if v, ok := o.value(s); ok {
			return found{o, v, made}, true
		}
	}
	return found{}, false
}

// advance does one step with an object, as its owner or else as the caller.
func (w *World) advance(ctx context.Context, op *spec.Operation, f found, users ...*identity.Identity) bool {
	for _, as := range append(users, w.Users...) {
		c := &call.Call{Op: op}
		path := slots(op.Path)
		for i, s := range path {
			v := f.value
			if i < len(path)-1 && i < len(f.o.parents) {
				v = f.o.parents[i]
			}
			c.Path = append(c.Path, call.Value{Name: s.name, Value: v})
		}
		w.mu.Lock()
		happy, good := w.ops[op].happy, w.ops[op].good[nameOf(as)] != nil
		w.mu.Unlock()
		if happy == nil || !good {
			continue
		}
		m := maker{w: w, ctx: ctx, op: op, as: as, depth: deepest, rand: Rand(w.Seed, "call", op.ID, "0")}
		m.again(c, happy)
		e, err := w.Send(ctx, c, as)
		if err != nil {
			return false
		}
		if e.Answer.OK() && !Failed(e.Answer) {
			return true
		}
	}
	return false
}
