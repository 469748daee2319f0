// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package property

import (
	"context"
	"net/http"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/spec"
)

// read finds a member of what a call made or changed: by the operation that
// reads it, by lists, and last by the answer itself. It is nil where nothing
// shows it. A nil answer asks for the state before.
func (t *binder) read(ctx context.Context, c *call.Call, e *check.Exchange, name string) (any, *check.Exchange) {
	body, _ := c.Body.(map[string]any)
	for _, r := range t.readers() {
		rc, err := t.env.World.Call(ctx, r, t.as)
		if err != nil {
			continue
		}
		if !t.aimAt(rc, c, e) {
			continue
		}
		got, err := oracle.Try(ctx, t.env, rc, t.as)
		if err != nil || !oracle.Accepted(got.Answer) {
			continue
		}
		if m := t.found(got.Answer.Body, body, e, name, t.aimed(r)); m != nil {
			return m[name], got
		}
	}
	if e != nil {
		if m := t.mine(e.Answer.Body, body, name); m != nil {
			return m[name], e
		}
	}
	return nil, nil
}

// aimed tells that a reader shows the one thing that the operation acts on: it is
// at its path, or at that of what was made.
func (t *binder) aimed(r *spec.Operation) bool {
	return strings.HasSuffix(r.Path, "}") || r.Path == t.op.Path && t.op.Method != http.MethodPost
}

// found is the object of an answer that was meant: the only one, or that with a
// text of the body or with the identifier that the call's answer had.
func (t *binder) found(answer []byte, body map[string]any, e *check.Exchange, name string, single bool) map[string]any {
	if single {
		return t.mine(answer, body, name)
	}
	texts := map[string]bool{}
	for _, l := range oracle.Of(body) {
		// Passwords are the same for many.
		if l.String && len(l.Text) >= 6 && !password(l.Name) {
			texts[l.Text] = true
		}
	}
	if e != nil {
		for _, m := range oracle.Items(e.Answer.Body) {
			if id, ok := oracle.ID(m, "id").(string); ok && len(id) >= 4 {
				texts[id] = true
			}
		}
	}
	for _, m := range oracle.Items(answer) {
		if _, has := m[name]; !has {
			continue
		}
		for n, v := range m {
			if s, ok := v.(string); ok && n != name && texts[s] {
				return m
			}
		}
	}
	return nil
}

// readers are operations that may show what the operation changes: its own
// reader, and GETs without parameters of the same collection or of the user.
func (t *binder) readers() []*spec.Operation {
	var out []*spec.Operation
	if r := t.env.World.Reader(t.op); r != nil {
		out = append(out, r)
	}
	for _, op := range t.env.API.Operations {
		if op.Method != http.MethodGet || strings.Contains(op.Path, "{") || len(out) >= 6 || len(out) > 0 && out[0] == op {
			continue
		}
		last := strings.ToLower(op.Path[strings.LastIndexByte(op.Path, '/')+1:])
		if oracle.Noun(op) == oracle.Noun(t.op) || last == "me" || last == "profile" || root(op.Path) == root(t.op.Path) {
			out = append(out, op)
		}
	}
	return out
}

// root is the first segment of a path that is no version.
func root(path string) string {
	for _, s := range strings.Split(strings.Trim(path, "/"), "/") {
		if s != "" && s != "api" && !(len(s) <= 3 && s[0] == 'v') {
			return s
		}
	}
	return ""
}

// aimAt sets a reader's parameters to what a call acts on: its own path, or the
// identifier in its answer.
func (t *binder) aimAt(rc, c *call.Call, e *check.Exchange) bool {
	theirs := oracle.Parameters(c.Op.Path)
	for i, name := range oracle.Parameters(rc.Op.Path) {
		var v any
		switch {
		case i < len(theirs):
			v = oracle.PathValue(c, theirs[i])
		case e == nil:
			return false // it is not there yet
		default:
			for _, m := range oracle.Items(e.Answer.Body) {
				if v = oracle.ID(m, name); v != nil {
					break
				}
			}
		}
		if v == nil {
			return false
		}
		for n := range rc.Path {
			if rc.Path[n].Name == name {
				rc.Path[n].Value = v
			}
		}
	}
	return true
}
