// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Clean deletes what the run made, the last first, and tells what is left.
func (w *World) Clean(ctx context.Context) (left []string) {
	if w.ReadOnly {
		return nil
	}
	w.mu.Lock()
	all := slices.Clone(w.log)
	w.mu.Unlock()
	slices.Reverse(all)
	count, order := map[string]int{}, []string(nil)
	for _, o := range all {
		w.mu.Lock()
		skip := o.gone || !w.lasting(o)
		w.mu.Unlock()
		if skip {
			continue
		}
		why := w.remove(ctx, o)
		if why == "" {
			continue
		}
		what := o.collection
		if what == "" && o.by != nil {
			what = o.by.Path
		}
		key := why + "\x00" + what
		if count[key]++; count[key] == 1 {
			order = append(order, key)
		}
	}
	slices.Sort(order)
	by := map[string]int{}
	for _, key := range order {
		why, what, _ := strings.Cut(key, "\x00")
		item := fmt.Sprintf("%d below %s", count[key], what)
		if i, had := by[why]; had {
			left[i] += ", " + item
			continue
		}
		by[why] = len(left)
		left = append(left, "left behind, "+why+": "+item)
	}
	return left
}

// lasting tells that an object can be named again: answers of calls that make
// nothing, such as a search by POST, leave none behind. The lock is held.
func (w *World) lasting(o *object) bool {
	for _, op := range w.API.Operations {
		if t := templateOf(op.Path); o.collection != "" && strings.HasPrefix(t, o.collection+"/{}") || t == o.collection && op.Method == "GET" {
			return true
		}
	}
	return false
}

// remove deletes one object, and says why it could not.
func (w *World) remove(ctx context.Context, o *object) string {
	op := w.deleter(o)
	if op == nil {
		return "as the document has no operation that deletes it"
	}
	path := slots(op.Path)
	c := &call.Call{Op: op}
	w.mu.Lock()
	for i, s := range path {
		var v any
		if i == len(path)-1 {
			v, _ = o.value(s)
		} else if i < len(o.parents) {
			v = o.parents[i]
		}
		if v == nil || i == len(path)-1 && w.isUser(v) {
			w.mu.Unlock()
			return ""
		}
		c.Path = append(c.Path, call.Value{Name: s.name, Value: v})
	}
	w.mu.Unlock()
	status := 0
	for _, as := range w.removers(o) {
		e, err := w.Send(ctx, c, as)
		if err != nil {
			return "as nothing could be sent any more: " + err.Error()
		}
		if status = e.Answer.Status; e.Answer.OK() || status == 404 || status == 410 {
			return ""
		}
	}
	return fmt.Sprintf("as its deletion was answered %d", status)
}

// removers are the owner and then the others: an administrator may be among them.
func (w *World) removers(o *object) []*identity.Identity {
	var out []*identity.Identity
	for _, u := range w.Users {
		if u.Name == o.owner {
			out = append([]*identity.Identity{u}, out...)
		} else {
			out = append(out, u)
		}
	}
	if len(out) == 0 {
		out = append(out, nil)
	}
	return out
}

func (w *World) deleter(o *object) *spec.Operation {
	for _, op := range w.API.Operations {
		if op.Method != "DELETE" || !strings.HasSuffix(op.Path, "}") {
			continue
		}
		path := slots(op.Path)
		last := path[len(path)-1]
		if last.collection == o.collection || strings.HasPrefix(o.collection, last.collection+"/") && len(path) == 1 && overlap(o.kinds, last.kinds) {
			return op
		}
	}
	return nil
}
