// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/spec"
)

// located learns the identifier that Location (RFC 9110, section 10.2.2) or a
// link within the body gives to what was made. The lock is held.
func (w *World) located(e *check.Exchange) {
	at := e.Answer.Header.Get("Location")
	if at == "" || len(w.log) == 0 {
		return
	}
	u, err := url.Parse(at)
	if err != nil {
		return
	}
	path := strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), w.Base), "/")
	for _, op := range w.API.Operations {
		path2 := slots(op.Path)
		if len(path2) == 0 || !strings.HasSuffix(op.Path, "}") {
			continue
		}
		values, ok := match(op.Path, path)
		if !ok {
			continue
		}
		last := path2[len(path2)-1]
		o := w.log[len(w.log)-1]
		if o.by != e.Call.Op {
			return
		}
		o.collection, o.parents = last.collection, values[:len(values)-1]
		o.set(last.name, values[len(values)-1])
		return
	}
}

// match gives the values of a template's parameters in a path.
func match(template, path string) ([]any, bool) {
	t, p := strings.Split(template, "/"), strings.Split(path, "/")
	if len(t) != len(p) {
		return nil, false
	}
	var out []any
	for i := range t {
		if strings.HasPrefix(t[i], "{") && strings.HasSuffix(t[i], "}") && p[i] != "" {
			v, err := url.PathUnescape(p[i])
			if err != nil {
				return nil, false
			}
			out = append(out, v)
		} else if t[i] != p[i] {
			return nil, false
		}
	}
	return out, true
}

// bury marks what a deletion took away. The lock is held.
func (w *World) bury(op *spec.Operation, c *call.Call) {
	path := slots(op.Path)
	if len(path) == 0 || !strings.HasSuffix(op.Path, "}") {
		return
	}
	last := path[len(path)-1]
	value := fmt.Sprint(pathValue(c, last.name))
	for _, o := range w.objects {
		v, ok := o.value(last)
		if ok && fmt.Sprint(v) == value && (o.collection == last.collection || o.collection == "" && overlap(o.kinds, last.kinds)) {
			o.gone = true
		}
	}
	// What it held is gone with it.
	inside := last.collection + "/{}/"
	for _, o := range w.objects {
		if n := len(path); strings.HasPrefix(o.collection+"/", inside) && len(o.parents) >= n && fmt.Sprint(o.parents[n-1]) == value {
			o.gone = true
		}
	}
}

func pathValue(c *call.Call, name string) any {
	for _, v := range c.Path {
		if v.Name == name {
			return v.Value
		}
	}
	return nil
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
