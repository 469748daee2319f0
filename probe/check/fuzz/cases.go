// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"math/rand/v2"
	"strings"

	"durward/probe/call"
	"durward/probe/check/tamper"
	"durward/probe/gen"
)

// naughty are texts that programs trip over.
var naughty = []any{"", " ", "0", "-1", "null", "undefined", "NaN", "true", "1e5", "[]", "{}", "%s%n", "ı", "𝕏\u202e", "a\nb", "../", "\\", "'", "\"", "<a>", "${7}", "2031-02-30"}

// Case changes one or two things of a valid call.
func Case(r *rand.Rand, valid *call.Call) *call.Call {
	c := valid.Clone()
	change := func(m gen.Mutation) {
		if tamper.Own(c, m.Place) {
			return
		}
		if d, ok := m.Apply(c); ok {
			c = d
		}
	}
	if r.IntN(4) == 0 && valid.HasBody && valid.Op.Method == "POST" {
		if m := c.Media(); m != nil { // another valid body
			c.Body = gen.Valid(r, m.Schema, gen.Hints{Size: gen.Size(r.IntN(3))})
		}
	}
	changes := 1
	if r.IntN(3) == 0 {
		changes = 2
	}
	for range changes {
		if m, ok := one(r, c); ok {
			change(m)
		}
	}
	return c
}

// one picks a change: seldom what is malformed or breaks a rule, which package
// tamper does place by place, mostly edges of what is valid, and odd texts.
func one(r *rand.Rand, c *call.Call) (gen.Mutation, bool) {
	var all []gen.Mutation
	switch r.IntN(6) {
	case 0:
		all = gen.Malformed(c)
	case 1:
		all = gen.Mutations(r, c)
	}
	if len(all) > 0 {
		return all[r.IntN(len(all))], true
	}
	if all = Edges(r, c); len(all) == 0 {
		return gen.Mutation{}, false
	}
	return all[0], true
}

// Edges lists single changes to what is valid at its edges, or odd but text where
// text is asked for: one of each place after the other, edges before odd texts.
func Edges(r *rand.Rand, c *call.Call) []gen.Mutation {
	var byPlace [][]gen.Mutation
	longest := 0
	for _, p := range c.Places() {
		if p.In == "body" && p.Name == "" || tamper.Own(c, p) {
			continue
		}
		var values []any
		kind := ""
		if p.Schema != nil {
			values, kind = gen.Boundaries(r, p.Schema), p.Schema.Flat().Kind()
		}
		edges := len(values)
		if kind == "string" || kind == "" {
			values = append(values, naughty...)
		}
		r.Shuffle(len(values)-edges, func(i, j int) {
			values[edges+i], values[edges+j] = values[edges+j], values[edges+i]
		})
		var at []gen.Mutation
		for _, v := range values {
			if p.In != "path" || v != "" && v != nil {
				at = append(at, gen.Mutation{Place: p, Value: v})
			}
		}
		byPlace = append(byPlace, at)
		longest = max(longest, len(at))
	}
	r.Shuffle(len(byPlace), func(i, j int) { byPlace[i], byPlace[j] = byPlace[j], byPlace[i] })
	var all []gen.Mutation
	for i := range longest {
		for _, at := range byPlace {
			if i < len(at) {
				all = append(all, at[i])
			}
		}
	}
	return all
}

// Different names the place at which a call differs from a valid one: the first
// that has another value, or none.
func Different(good, c *call.Call) string {
	for _, p := range c.Places() {
		v, there := c.Get(p)
		w, was := good.Get(p)
		if there && (!was || !gen.Equal(v, w)) && !container(v) {
			return p.String()
		}
	}
	if _, raw := c.Body.(call.Raw); raw || good.HasBody && !c.HasBody {
		return "body#"
	}
	for _, p := range good.Places() {
		if _, was := good.Get(p); !was {
			continue
		}
		if _, there := c.Get(p); !there {
			return p.String()
		}
	}
	return ""
}

// container tells of values whose parts are places of their own.
func container(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}

// shown says what a call has at the place of that name.
func shown(c *call.Call, where string) string {
	for _, p := range c.Places() {
		if v, there := c.Get(p); there && p.String() == where {
			_, said, _ := strings.Cut(gen.Mutation{Place: p, Value: v}.String(), " = ")
			return ", which is " + strings.TrimSuffix(said, " ()")
		}
	}
	return ""
}

// Allowed tells whether the document allows a call, as far as it says anything:
// what is there is valid, and what is required is there.
func Allowed(c *call.Call) bool {
	if _, raw := c.Body.(call.Raw); raw || !c.HasBody && c.Op.Body != nil && c.Op.Body.Required {
		return false
	}
	if m := c.Media(); c.HasBody && (m == nil || len(gen.RequestFaults(m.Schema, c.Body)) > 0) {
		return false
	}
	for _, p := range c.Places() {
		if p.In == "body" {
			continue
		}
		v, there := c.Get(p)
		if !there {
			if p.Required {
				return false
			}
			continue
		}
		if _, raw := v.(call.Raw); raw || p.Schema == nil {
			return false
		}
		if text, is := v.(string); is {
			v = gen.Read(p.Schema, text)
		}
		if len(gen.RequestFaults(p.Schema, v)) > 0 {
			return false
		}
	}
	return true
}
