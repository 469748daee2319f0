// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"math/big"
	"slices"
)

// maxCompared bounds the nesting that schemas are compared to.
const maxCompared = 200

// orders are the keywords that compare two schemas' values of them, where they
// differ. A keyword that is not here cannot be ordered.
var orders map[string]func(c *comparer, where string, old, new cursor)

func init() { // they call the comparer, which looks them up
	orders = map[string]func(c *comparer, where string, old, new cursor){
		"maxLength": atMost, "maxItems": atMost, "maxProperties": atMost, "maximum": atMost,
		"minLength": atLeast, "minItems": atLeast, "minProperties": atLeast, "minimum": atLeast,
		"pattern": onceAdded, "multipleOf": onceAdded, "const": onceAdded, "not": onceAdded, "oneOf": onceAdded,
		"enum": listed, "type": types, "nullable": permission, "uniqueItems": duty,
		"required": requiredMembers, "allOf": allOf, "anyOf": anyOf,
		"items": below, "propertyNames": below,
	}
}

// schema compares two schemas. It lists a difference of its own for each
// keyword, so that whoever reads it sees what to look at.
func (c *comparer) schema(where string, old, new cursor) {
	if c.depth++; c.depth > maxCompared {
		c.looser(where, "cannot be compared: nested too deeply")
		return
	}
	defer func() { c.depth-- }()
	if c.always(where, old, new) {
		return
	}
	om, _ := old.v.(map[string]any)
	nm, _ := new.v.(map[string]any)
	_, oref := om["$ref"]
	_, nref := nm["$ref"]
	switch {
	case oref && nref:
		o, n, ok := c.targets(old, new)
		if !ok {
			c.looser(where, "cannot be compared: a reference")
		} else if o.v != nil {
			c.schema(where, o, n)
		}
	case oref && len(om) == 1:
		if o, err := old.follow(); err == nil {
			c.schema(where, o, new)
			return
		}
		c.looser(where, "cannot be compared: a reference")
		return
	case nref && len(nm) == 1:
		if n, err := new.follow(); err == nil {
			c.schema(where, old, n)
			return
		}
		c.looser(where, "cannot be compared: a reference")
		return
	case oref || nref:
		c.looser(where, "cannot be compared: a reference among other words")
	}
	c.members(where, old, new)
	seen := map[string]bool{"$ref": true, "properties": true, "additionalProperties": true}
	for _, side := range []cursor{old, new} {
		for name := range side.members() {
			if seen[name] || annotation(name) {
				continue
			}
			seen[name] = true
			o, n := old.get(name), new.get(name)
			switch order := orders[name]; {
			case c.same(o, n):
			case order != nil:
				order(c, where+" "+name, o, n)
			default:
				c.looser(where+" "+name, "cannot be compared: "+name+" differs")
			}
		}
	}
}

// always compares schemas of which one is true, false or absent: true takes
// everything, and so does one that is not there.
func (c *comparer) always(where string, old, new cursor) bool {
	all := func(s cursor) bool {
		m, ok := s.v.(map[string]any)
		return s.v == nil || s.v == true || ok && len(m) == 0
	}
	switch {
	case old.v == false && new.v == false, all(old) && all(new):
	case new.v == false:
		c.stricter(where, "nothing is taken")
	case old.v == false:
		c.looser(where, "nothing was taken")
	case all(old):
		c.stricter(where, "it is held to a schema")
	case all(new):
		c.looser(where, "it is held to no schema")
	default:
		return false
	}
	return true
}

// members compares properties and additionalProperties, which belong together.
func (c *comparer) members(where string, old, new cursor) {
	o, n := old.get("properties"), new.get("properties")
	closed := new.get("additionalProperties").v == false && !new.get("patternProperties").exists()
	for name, one := range o.members() {
		if other := n.get(name); n.v != nil && has(n, name) {
			c.schema(where+" "+name, one, other)
		} else {
			c.judge(where+" "+name, !closed, "the member is no longer declared")
		}
	}
	for name := range n.members() {
		if !has(o, name) {
			c.looser(where+" "+name, "a further member is declared")
		}
	}
	before, after := old.get("additionalProperties"), new.get("additionalProperties")
	at := where + " additionalProperties"
	switch {
	case c.same(before, after):
	case after.v == false:
		c.stricter(at, "members that are not declared are refused")
	case before.v == nil || after.v == nil: // validation.additional_properties decides
		c.looser(at, "other members may be taken")
	default:
		c.schema(at, before, after)
	}
}

func has(c cursor, name string) bool {
	m, _ := c.v.(map[string]any)
	_, ok := m[name]
	return ok
}

// bound gives a number; ok is false when there is none.
func boundOf(c cursor) (*big.Rat, bool) {
	n, isNumber := c.v.(json.Number)
	if !isNumber {
		return nil, false
	}
	r := rat(string(n))
	return r, r != nil
}

// byBound orders two bounds; up tells that a higher one takes more.
func byBound(c *comparer, where string, old, new cursor, up bool) {
	o, ok := boundOf(old)
	n, ok2 := boundOf(new)
	switch {
	case !old.exists() && ok2:
		c.stricter(where, "there is a bound")
	case ok && ok2 && o.Cmp(n) == 0:
	case ok && ok2:
		looser := (n.Cmp(o) > 0) == up
		c.judge(where, looser, map[bool]string{true: "it takes more", false: "it takes less"}[looser])
	default:
		c.looser(where, "there is no bound any more")
	}
}

func atMost(c *comparer, where string, old, new cursor)  { byBound(c, where, old, new, true) }
func atLeast(c *comparer, where string, old, new cursor) { byBound(c, where, old, new, false) }

// onceAdded is for what can only refuse, but cannot be ordered with another.
func onceAdded(c *comparer, where string, old, new cursor) {
	c.judge(where, old.exists(), map[bool]string{true: "cannot be compared: it differs", false: "it is added"}[old.exists()])
}

// listed compares values that are taken.
func listed(c *comparer, where string, old, new cursor) {
	before, _ := old.v.([]any)
	after, ok := new.v.([]any)
	switch {
	case !old.exists():
		c.stricter(where, "only listed values are taken")
	case !ok:
		c.looser(where, "values are not listed any more")
	default:
		looser := slices.ContainsFunc(after, func(v any) bool {
			return !slices.ContainsFunc(before, func(o any) bool { return c.alike(cursor{v: o}, cursor{v: v}) })
		})
		c.judge(where, looser, map[bool]string{true: "further values are taken", false: "fewer values are taken"}[looser])
	}
}

// types compares types; a schema without takes all.
func types(c *comparer, where string, old, new cursor) {
	set := func(at cursor) []string {
		var out []string
		list, ok := at.v.([]any)
		if !ok {
			list = []any{at.v}
		}
		for _, v := range list {
			s, _ := v.(string)
			out = append(out, s)
		}
		return out
	}
	before := set(old)
	looser := old.exists() && (!new.exists() || slices.ContainsFunc(set(new), func(s string) bool {
		return !slices.Contains(before, s) && (s != "integer" || !slices.Contains(before, "number"))
	}))
	c.judge(where, looser, map[bool]string{true: "further types are taken", false: "fewer types are taken"}[looser])
}

// permission is for what is allowed by saying true, duty for what is refused.
func permission(c *comparer, where string, _, new cursor) {
	c.judge(where, new.v == true, "it is "+map[bool]string{true: "allowed", false: "no longer allowed"}[new.v == true])
}

func duty(c *comparer, where string, _, new cursor) {
	c.judge(where, new.v != true, "it is "+map[bool]string{true: "demanded", false: "no longer demanded"}[new.v == true])
}

func requiredMembers(c *comparer, where string, old, new cursor) {
	before, _ := old.v.([]any)
	after, _ := new.v.([]any)
	looser := slices.ContainsFunc(before, func(v any) bool { return !slices.Contains(after, v) })
	c.judge(where, looser, map[bool]string{true: "a member may be left out", false: "further members are required"}[looser])
}

// allOf compares schemas in their order; further ones refuse more.
func allOf(c *comparer, where string, old, new cursor) {
	before, _ := old.v.([]any)
	after, _ := new.v.([]any)
	if len(after) < len(before) {
		c.looser(where, "a schema is gone")
		return
	}
	if len(after) > len(before) {
		c.stricter(where, "a schema is added")
	}
	c.each(where, old, new, len(before))
}

func anyOf(c *comparer, where string, old, new cursor) {
	before, _ := old.v.([]any)
	after, _ := new.v.([]any)
	switch {
	case !old.exists():
		c.stricter(where, "it is added")
	case len(after) != len(before):
		c.looser(where, "cannot be compared: other alternatives")
	default:
		c.each(where, old, new, len(before))
	}
}

func (c *comparer) each(where string, old, new cursor, n int) {
	before, _ := old.v.([]any)
	after, _ := new.v.([]any)
	for i := range n {
		c.schema(where, cursor{old.s, old.at.item(i), before[i]}, cursor{new.s, new.at.item(i), after[i]})
	}
}

func below(c *comparer, where string, old, new cursor) { c.schema(where, old, new) }
