// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

// object is one thing of the service: a set of scalar values that were seen
// together.
type object struct {
	collection string   // where it stands, when that is known: "/spaces/{}/messages"
	parents    []any    // of the parameters within collection
	kinds      []string // singular names of what it is
	fields     map[string]any
	order      []string // of fields
	owner      string   // who made it, or was the first to be shown it
	made       bool
	seen       map[string]bool
	gone       bool
	done       []string // operations that moved it from state to state
	by         *spec.Operation
}

// The bounds of what is remembered.
const (
	maxObjects = 4000
	maxFields  = 60
	maxItems   = 20
	maxDepth   = 5
)

func (o *object) set(name string, v any) {
	if _, had := o.fields[name]; !had {
		if len(o.order) >= maxFields {
			return
		}
		o.order = append(o.order, name)
	}
	o.fields[name] = v
}

// id is the value that most likely identifies the object, for telling objects
// apart.
func (o *object) id() any {
	for _, k := range o.kinds {
		for _, n := range o.order {
			if p := plain(n); p == k+"id" || p == k+"uuid" {
				return o.fields[n]
			}
		}
	}
	for _, want := range idNames {
		for _, n := range o.order {
			if plain(n) == want {
				return o.fields[n]
			}
		}
	}
	return nil
}

// Learn remembers what an exchange shows.
func (w *World) Learn(e *check.Exchange) {
	if e.Call == nil || e.Call.Op == nil || w.ops[e.Call.Op] == nil {
		return
	}
	op, a := e.Call.Op, e.Answer
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.ops[op]
	s.answers[a.Status]++
	s.status, s.reason = a.Status, reasonOf(e)
	if !a.OK() || Failed(a) {
		return
	}
	if e.Call.Method != "" && e.Call.Method != op.Method {
		return
	}
	// What a test changed is no pattern for the calls to come, though it was taken;
	// of others, what worked first is.
	if e.Call.AsMade || s.good[nameOf(e.As)] == nil {
		s.good[nameOf(e.As)] = e
	}
	if s.happy == nil || e.Call.AsMade && !s.happy.AsMade {
		s.happy = e.Call
	}
	w.moved(op, e.Call, e.As)
	if op.Method == "GET" && e.As != nil && itself(op) {
		e.As.Learn(a)
	}
	if op.Method == "DELETE" {
		w.bury(op, e.Call)
		return
	}
	w.harvest(e)
}

// itself tells that an operation shows the caller's account.
func itself(op *spec.Operation) bool {
	switch plain(op.Path[strings.LastIndexByte(op.Path, '/')+1:]) {
	case "me", "self", "whoami", "profile", "myprofile", "account", "dashboard", "userinfo", "currentuser", "current":
		return true
	}
	return false
}

// Failed tells that an answer of class 2 says in its body that nothing was done:
// {"status":"fail"}, {"success":false}, {"error":"..."}.
func Failed(a *client.Answer) bool {
	var m map[string]any
	if len(a.Body) > 64<<10 || json.Unmarshal(a.Body, &m) != nil {
		return false
	}
	for name, v := range m {
		switch plain(name) {
		case "status", "result", "state":
			if s, ok := v.(string); ok && slices.Contains([]string{"fail", "failed", "failure", "error"}, strings.ToLower(s)) {
				return true
			}
		case "success", "ok":
			if b, ok := v.(bool); ok && !b {
				return true
			}
		case "error", "errors":
			switch v := v.(type) {
			case string:
				return v != "" && len(m) <= 3
			case map[string]any:
				return len(v) > 0 && len(m) <= 3
			case bool:
				return v
			}
		}
	}
	return false
}

// reasonOf is what an answer says, short, for the report.
func reasonOf(e *check.Exchange) string {
	a := e.Answer
	var v any
	text := ""
	if json.Unmarshal(a.Body, &v) == nil {
		if m, ok := v.(map[string]any); ok {
			for _, name := range []string{"detail", "message", "error", "msg", "error_description", "title", "reason", "errors"} {
				if s, ok := m[name].(string); ok && s != "" {
					text = s
					break
				} else if m[name] != nil {
					b, _ := json.Marshal(m[name])
					text = string(b)
					break
				}
			}
		}
	}
	if text == "" && !bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<")) {
		text = string(a.Body[:min(len(a.Body), 200)])
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(e.Request.Mask(text), "")), " ")
	return text[:min(len(text), 160)]
}

// harvest takes the objects out of an answer. The lock is held.
func (w *World) harvest(e *check.Exchange) {
	op, c := e.Call.Op, e.Call
	path := slots(op.Path)
	collection, kind, item := templateOf(op.Path), kindOfPath(op.Path), false
	values := make([]any, len(path))
	for i, s := range path {
		values[i] = pathValue(c, s.name)
	}
	parents := values
	_, acts := w.acts(op)
	if n := len(path); n > 0 && path[n-1].whole && (acts || strings.HasSuffix(op.Path, "{"+path[n-1].name+"}")) {
		collection, item, parents = path[n-1].collection, true, values[:n-1]
		kind = path[n-1].kinds[len(path[n-1].kinds)-1]
	}
	makes := op.Method == "POST" && !item && !Authenticates(op) && !leaves(op) || op.Method == "PUT" && item && !acts
	base := &object{collection: collection, parents: parents, kinds: []string{kind}, fields: map[string]any{},
		owner: nameOf(e.As), made: makes, by: op, seen: map[string]bool{nameOf(e.As): true}}
	if op.Method == "POST" && !makes && !item {
		base.collection = ""
	}
	if item {
		base.set(path[len(path)-1].name, values[len(values)-1])
	}
	if makes {
		if m, ok := c.Body.(map[string]any); ok {
			scalars(m, base.set)
		}
	}
	v := decode(e.Answer)
	g := gatherer{w: w, base: base, kind: kind, as: e.As}
	g.visit(v, "", true, 0)
	if (makes || item) && !g.main {
		w.remember(base)
	}
	if makes {
		w.located(e)
	}
}

// decode reads a JSON body, numbers as they are written.
func decode(a *client.Answer) any {
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

func scalars(m map[string]any, set func(string, any)) {
	for _, name := range sortedKeys(m) {
		switch v := m[name].(type) {
		case string:
			if len(v) <= 512 {
				set(name, v)
			}
		case json.Number, float64, int, int64, bool:
			set(name, v)
		case map[string]any: // {"_id":{"$oid":"..."}}
			if oid, ok := v["$oid"].(string); ok && len(v) == 1 {
				set(name, oid)
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// gatherer walks one answer.
type gatherer struct {
	w    *World
	base *object
	kind string
	as   *identity.Identity
	main bool // an object that the answer is about was met
}

// visit takes v, which stands in a member named holder. main tells that only
// envelopes are around it.
func (g *gatherer) visit(v any, holder string, main bool, depth int) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v[:min(len(v), maxItems)] {
			g.visit(item, holder, main, depth+1)
		}
	case map[string]any:
		g.take(v, holder, main, depth)
		for _, name := range sortedKeys(v) {
			switch v[name].(type) {
			case map[string]any, []any:
				p := plain(name)
				inner := main && (envelopes[p] || singular(p) == g.kind) && !(envelopes[p] && hasID(v))
				if envelopes[p] && inner {
					g.visit(v[name], holder, true, depth+1)
				} else {
					g.visit(v[name], name, inner, depth+1)
				}
			}
		}
	}
}

func hasID(m map[string]any) bool {
	return m["id"] != nil || m["_id"] != nil || m["uuid"] != nil
}

// take makes an object of a JSON object.
func (g *gatherer) take(m map[string]any, holder string, main bool, depth int) {
	o := &object{fields: map[string]any{}, owner: nameOf(g.as), by: g.base.by, seen: map[string]bool{nameOf(g.as): true}}
	scalars(m, o.set)
	if len(o.order) == 0 {
		return
	}
	switch {
	case main && (holder == "" || singular(plain(holder)) == g.kind):
		if depth == 0 && wraps(m, g.kind) {
			return // {"message":"created","book":{...}}: what is within is meant
		}
		o.collection, o.parents, o.made = g.base.collection, g.base.parents, g.base.made
		o.kinds = append(o.kinds, g.base.kinds...)
		if h := singular(plain(holder)); holder != "" && h != g.kind {
			o.kinds = append(o.kinds, h)
		}
		if !g.main {
			for _, n := range g.base.order {
				if _, had := o.fields[n]; !had {
					o.set(n, g.base.fields[n])
				}
			}
		}
		g.main = true
	case holder != "":
		o.kinds = []string{singular(plain(holder))}
	default:
		o.kinds = []string{g.kind}
	}
	g.w.remember(o)
}

// wraps tells that m holds the object that the answer is about in a member.
func wraps(m map[string]any, kind string) bool {
	for name, v := range m {
		p := plain(name)
		switch v.(type) {
		case map[string]any:
			if singular(p) == kind || envelopes[p] && !hasID(m) {
				return true
			}
		case []any:
			if envelopes[p] && !hasID(m) || singular(p) == kind && p != kind {
				return true
			}
		}
	}
	return false
}

// remember adds an object, or joins it with the one that it is. The lock is held.
func (w *World) remember(o *object) {
	id := fmt.Sprint(o.id())
	for _, p := range w.objects {
		if o.id() == nil || p.gone && o.made || p.collection != o.collection || fmt.Sprint(p.id()) != id || !slices.Equal(p.kinds, o.kinds) ||
			fmt.Sprint(p.parents) != fmt.Sprint(o.parents) {
			continue
		}
		if p.gone {
			return // shown though it was deleted
		}
		for _, n := range o.order {
			p.set(n, o.fields[n])
		}
		p.seen[o.owner] = true
		if o.made && !p.made {
			p.made, p.owner = true, o.owner
			w.log = append(w.log, p)
		}
		return
	}
	if len(w.objects) >= maxObjects {
		return
	}
	w.objects = append(w.objects, o)
	if o.made {
		w.log = append(w.log, o)
	}
}
