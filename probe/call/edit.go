// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"slices"
	"strconv"
	"strings"
)

// Twice is a value that is sent two times under one name: a member of a JSON
// object or a field of a form that is repeated.
type Twice struct{ First, Second any }

// File is a value that is sent as a file, in a part of multipart.
type File struct {
	Name string // as the part's filename
	Type string // media type
	Data string
}

// Clone is a copy that shares nothing that can be changed by the methods of
// Call.
func (c *Call) Clone() *Call {
	d := *c
	d.AsMade = false
	d.Path, d.Query, d.Header, d.Cookie = c.Path.clone(), c.Query.clone(), c.Header.clone(), c.Cookie.clone()
	d.Body = cloneValue(c.Body)
	return &d
}

func (vs Values) clone() Values {
	out := slices.Clone(vs)
	for i := range out {
		out[i].Value = cloneValue(out[i].Value)
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, m := range v {
			out[k] = cloneValue(m)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = cloneValue(item)
		}
		return out
	case Twice:
		return Twice{cloneValue(v.First), cloneValue(v.Second)}
	}
	return v
}

// values are those of one part of the request, nil for the body.
func (c *Call) values(in string) *Values {
	switch in {
	case "path":
		return &c.Path
	case "query":
		return &c.Query
	case "header":
		return &c.Header
	case "cookie":
		return &c.Cookie
	}
	return nil
}

func same(in, a, b string) bool { return a == b || in == "header" && strings.EqualFold(a, b) }

// Get is the first value at a place, and whether there is one.
func (c *Call) Get(p Place) (any, bool) {
	if vs := c.values(p.In); vs != nil {
		for _, v := range *vs {
			if same(p.In, v.Name, p.Name) {
				return v.Value, true
			}
		}
		return nil, false
	}
	if !c.HasBody || p.In != "body" {
		return nil, false
	}
	return Lookup(c.Body, p.Name)
}

// Set puts a value at a place in place of what is there, or adds it. It says
// false where the place cannot be: the object around it is not there.
func (c *Call) Set(p Place, value any) bool {
	c.AsMade = false
	if vs := c.values(p.In); vs != nil {
		for i, v := range *vs {
			if same(p.In, v.Name, p.Name) {
				(*vs)[i].Value = value
				return true
			}
		}
		*vs = append(*vs, Value{p.Name, value})
		return true
	}
	if p.In != "body" {
		return false
	}
	if p.Name == "" {
		c.Body, c.HasBody = value, true
		return true
	}
	if !c.HasBody {
		return false
	}
	return change(&c.Body, steps(p.Name), func(any, bool) (any, bool) { return value, true })
}

// Remove takes all values at a place away; it says false where there is none.
// A path parameter that is gone leaves an empty segment.
func (c *Call) Remove(p Place) bool {
	if _, there := c.Get(p); !there {
		return false
	}
	c.AsMade = false
	if vs := c.values(p.In); vs != nil {
		*vs = slices.DeleteFunc(*vs, func(v Value) bool { return same(p.In, v.Name, p.Name) })
		return true
	}
	if p.Name == "" {
		c.Body, c.HasBody = nil, false
		return true
	}
	return change(&c.Body, steps(p.Name), func(any, bool) (any, bool) { return nil, false })
}

// Append adds a value beside what is at a place: the name is sent twice. What
// is an item of an array gets a neighbour.
func (c *Call) Append(p Place, value any) bool {
	first, there := c.Get(p)
	if !there || p.In == "path" {
		return false
	}
	c.AsMade = false
	if vs := c.values(p.In); vs != nil {
		*vs = append(*vs, Value{p.Name, value})
		return true
	}
	if p.Name == "" {
		return false
	}
	all := steps(p.Name)
	parent, _ := lookup(c.Body, all[:len(all)-1])
	if list, ok := parent.([]any); ok {
		list = append(slices.Clone(list), value)
		if len(all) == 1 {
			c.Body = list
			return true
		}
		return change(&c.Body, all[:len(all)-1], func(any, bool) (any, bool) { return list, true })
	}
	return change(&c.Body, all, func(any, bool) (any, bool) { return Twice{first, value}, true })
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")
var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// Member is the JSON pointer of a member of what a pointer names.
func Member(pointer, name string) string { return pointer + "/" + escapePointer.Replace(name) }

// steps are the names of a JSON pointer (RFC 6901) that is not empty.
func steps(pointer string) []string {
	all := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range all {
		all[i] = unescape.Replace(all[i])
	}
	return all
}

// Lookup finds what a JSON pointer names in a value.
func Lookup(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	return lookup(v, steps(pointer))
}

func lookup(v any, steps []string) (any, bool) {
	for _, step := range steps {
		switch in := v.(type) {
		case map[string]any:
			m, ok := in[step]
			if !ok {
				return nil, false
			}
			v = m
		case []any:
			i, ok := index(step, len(in))
			if !ok {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func index(step string, length int) (int, bool) {
	i, err := strconv.Atoi(step)
	return i, err == nil && i >= 0 && i < length && strconv.Itoa(i) == step
}

// change puts what edit makes of the value at the end of the steps in its
// place; edit says false for taking it away.
func change(v *any, steps []string, edit func(old any, there bool) (any, bool)) bool {
	step, last := steps[0], len(steps) == 1
	switch in := (*v).(type) {
	case map[string]any:
		old, there := in[step]
		if !last {
			if !there || !change(&old, steps[1:], edit) {
				return false
			}
			in[step] = old
			return true
		}
		if value, keep := edit(old, there); keep {
			in[step] = value
		} else {
			delete(in, step)
		}
		return true
	case []any:
		i, ok := index(step, len(in))
		if !ok {
			return false
		}
		if !last {
			return change(&in[i], steps[1:], edit)
		}
		if value, keep := edit(in[i], true); keep {
			in[i] = value
		} else {
			*v = slices.Delete(in, i, i+1)
		}
		return true
	}
	return false
}
