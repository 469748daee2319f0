// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"durward/probe/call"
	"durward/probe/spec"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// wanted tells whether a member is filled in.
func (g *generator) wanted(s *spec.Schema, name string, depth int) bool {
	m := s.Properties[name]
	if g.h.Answer && m.WriteOnly || !g.h.Answer && readOnly(m) {
		return false
	}
	if slices.Contains(s.Required, name) {
		return true
	}
	switch {
	case depth >= shallow, g.h.Size == Minimal, m.False, m.Deprecated && g.h.Size != Full:
		return false
	case g.h.Size == Full:
		return true
	}
	return g.r.IntN(4) > 0
}

// readOnly looks into an allOf as well.
func readOnly(s *spec.Schema) bool { return s.ReadOnly || len(s.AllOf) > 0 && s.Flat().ReadOnly }

func (g *generator) object(s *spec.Schema, pointer string, depth int) any {
	out := map[string]any{}
	if depth >= maxDepth || g.steps <= 0 {
		return out
	}
	set := func(name string, m *spec.Schema) {
		out[name] = g.value(m, call.Member(pointer, name), name, depth+1)
	}
	var left []string
	for _, name := range s.Order {
		if s.MaxProperties != nil && len(out) >= *s.MaxProperties && !slices.Contains(s.Required, name) {
			continue
		}
		if g.wanted(s, name, depth) {
			set(name, s.Properties[name])
		} else if !readOnly(s.Properties[name]) {
			left = append(left, name)
		}
	}
	for _, name := range s.Required {
		if _, there := out[name]; !there && s.Properties[name] == nil {
			set(name, s.Additional)
		}
	}
	least := 0
	if s.MinProperties != nil {
		least = *s.MinProperties
	}
	for _, name := range left {
		if len(out) < least {
			set(name, s.Properties[name])
		}
	}
	if s.Additional != nil && !s.Additional.False && len(s.Properties) == 0 && g.h.Size != Minimal && depth < shallow {
		least = max(least, 1)
		if s.MaxProperties != nil {
			least = min(least, *s.MaxProperties)
		}
	}
	for i := 1; len(out) < least && i <= least && i < 1000 && (s.Additional == nil || !s.Additional.False); i++ {
		set("key"+strconv.Itoa(i), s.Additional)
	}
	return out
}

func (g *generator) array(s *spec.Schema, pointer, name string, depth int) any {
	least, most := 0, 3
	if s.MinItems != nil {
		least = *s.MinItems
	}
	if s.MaxItems != nil {
		most = min(most, *s.MaxItems)
	}
	most = max(most, least)
	n := max(least, min(1, most))
	switch {
	case g.h.Size == Minimal || depth >= shallow:
		n = least
	case g.h.Size == Full:
		n = max(least, min(2, most))
	case most > n:
		n += g.r.IntN(most - n + 1)
	}
	n = max(n, min(len(s.Prefix), most))
	list := []any{}
	if depth >= maxDepth {
		return list
	}
	for i := 0; len(list) < min(n, 1000) && i < 4*n && g.steps > 0; i++ {
		item := s.Items
		if len(list) < len(s.Prefix) {
			item = s.Prefix[len(list)]
		}
		v := g.value(item, pointer+"/"+strconv.Itoa(len(list)), singular(name), depth+1)
		if s.UniqueItems && slices.ContainsFunc(list, func(w any) bool { return Equal(v, w) }) {
			continue
		}
		list = append(list, v)
	}
	return list
}
