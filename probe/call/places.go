// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"durward/probe/spec"
)

// Limits of Places.
const (
	maxPlaces = 2000
	maxDepth  = 16
	maxItems  = 50 // of one array
)

// Places lists what can be changed: parameters, declared ones first, whether
// they have a value or not, and the members of the body as it is, with those
// that are declared beside them. The order is always the same.
func (c *Call) Places() []Place {
	var all []Place
	for _, in := range []string{"path", "query", "header", "cookie"} {
		if c.Op != nil {
			for _, p := range c.Op.Params {
				if p.In == in {
					all = append(all, Place{In: in, Name: p.Name, Schema: p.Schema, Required: p.Required})
				}
			}
		}
		for _, v := range *c.values(in) {
			if !slices.ContainsFunc(all, func(p Place) bool { return p.In == in && same(in, p.Name, v.Name) }) {
				all = append(all, Place{In: in, Name: v.Name})
			}
		}
	}
	if _, raw := c.Body.(Raw); raw || !c.HasBody {
		return all
	}
	required := c.Op != nil && c.Op.Body != nil && c.Op.Body.Required
	w := walker{places: all}
	w.walk(Place{In: "body", Schema: c.bodySchema(), Required: required}, c.Body, true, 0)
	return w.places
}

// Media is what the document declares for the call's media type; nil where it
// declares none.
func (c *Call) Media() *spec.Media {
	if c.Op == nil || c.Op.Body == nil {
		return nil
	}
	typ, _, _ := strings.Cut(c.MediaType, ";")
	for _, m := range c.Op.Body.Content {
		if strings.EqualFold(strings.TrimSpace(typ), m.Type) {
			return m
		}
	}
	return nil
}

func (c *Call) bodySchema() *spec.Schema {
	if m := c.Media(); m != nil {
		return m.Schema
	}
	return nil
}

type walker struct{ places []Place }

func (w *walker) walk(p Place, v any, there bool, depth int) {
	if len(w.places) >= maxPlaces {
		return
	}
	w.places = append(w.places, p)
	if !there || depth == maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		declared, order := Members(p.Schema)
		for _, name := range order {
			m := declared[name]
			value, has := v[name]
			w.walk(Place{In: "body", Name: Member(p.Name, name), Schema: m.Schema, Required: m.Required}, value, has, depth+1)
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if _, known := declared[name]; !known {
				w.walk(Place{In: "body", Name: Member(p.Name, name), Schema: additional(p.Schema)}, v[name], true, depth+1)
			}
		}
	case []any:
		for i, item := range v[:min(len(v), maxItems)] {
			w.walk(Place{In: "body", Name: p.Name + "/" + strconv.Itoa(i), Schema: itemSchema(p.Schema, i)}, item, true, depth+1)
		}
	}
}

// Declared is one member of an object as the document has it.
type Declared struct {
	Schema   *spec.Schema
	Required bool
}

// Members lists the members that a schema declares, also those of the branches
// of oneOf and anyOf, and their order.
func Members(s *spec.Schema) (map[string]Declared, []string) {
	all := map[string]Declared{}
	var order []string
	seen := map[*spec.Schema]bool{}
	var add func(s *spec.Schema, branch bool)
	add = func(s *spec.Schema, branch bool) {
		if s == nil || seen[s] || len(seen) > 200 {
			return
		}
		seen[s] = true
		flat := s.Flat()
		for _, name := range flat.Order {
			if _, there := all[name]; !there {
				order = append(order, name)
				all[name] = Declared{flat.Properties[name], !branch && slices.Contains(flat.Required, name)}
			}
		}
		for _, b := range flat.OneOf {
			add(b, true)
		}
		for _, b := range flat.AnyOf {
			add(b, true)
		}
	}
	add(s, false)
	return all, order
}

func additional(s *spec.Schema) *spec.Schema {
	if s == nil {
		return nil
	}
	if a := s.Flat().Additional; a != nil && !a.False {
		return a
	}
	return nil
}

// itemSchema is that of an array's item, looked for in branches too.
func itemSchema(s *spec.Schema, i int) *spec.Schema {
	if s == nil {
		return nil
	}
	flat := s.Flat()
	if i < len(flat.Prefix) {
		return flat.Prefix[i]
	}
	if flat.Items != nil {
		return flat.Items
	}
	for _, b := range slices.Concat(flat.OneOf, flat.AnyOf) {
		if f := b.Flat(); f.Items != nil {
			return f.Items
		}
	}
	return nil
}
