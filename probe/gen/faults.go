// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"durward/probe/call"
	"durward/probe/spec"
)

// Fault is one place where a value breaks a schema.
type Fault struct {
	Pointer string // JSON pointer into the value
	Keyword string // of the schema: "type", "required"; for oneOf with no match that of the nearest branch
	Member  string // of required and additionalProperties: the name
}

// Limits of one validation.
const (
	maxFaults = 50
	maxChecks = 200_000
)

// Faults tells where an answer's value breaks its schema: members that are
// writeOnly may be missing. What cannot be checked (patterns beyond Go's regexp,
// formats that are not known) is no fault; beyond 50 faults it stops.
func Faults(s *spec.Schema, v any) []Fault { return check(s, v, false) }

// RequestFaults does the same for a request's value: members that are readOnly
// may be missing.
func RequestFaults(s *spec.Schema, v any) []Fault { return check(s, v, true) }

type validator struct {
	request bool
	left    int
	// done holds what is being checked: a schema that asks for itself at the same
	// value says nothing more.
	done map[visit]bool
}

type visit struct {
	s       *spec.Schema
	pointer string
}

func check(s *spec.Schema, v any, request bool) []Fault {
	c := validator{request: request, left: maxChecks, done: map[visit]bool{}}
	return c.value(s, v, "")
}

func (c *validator) value(s *spec.Schema, v any, at string) []Fault {
	c.left--
	if s == nil || c.left <= 0 {
		return nil
	}
	if s.False {
		return []Fault{{Pointer: at, Keyword: "false"}}
	}
	here := visit{s, at}
	if c.done[here] {
		return nil
	}
	c.done[here] = true
	defer delete(c.done, here)
	if raw, ok := v.(call.Raw); ok {
		v = string(raw)
	}
	if len(s.Types) > 0 && !slices.ContainsFunc(s.Types, func(t string) bool { return isType(v, t) }) {
		return []Fault{{Pointer: at, Keyword: "type"}}
	}
	var all []Fault
	add := func(keyword string) { all = append(all, Fault{Pointer: at, Keyword: keyword}) }
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(w any) bool { return Equal(v, w) }) {
		add("enum")
	}
	if s.HasConst && !Equal(v, s.Const) {
		add("const")
	}
	switch v := v.(type) {
	case string:
		textFaults(s, v, add)
	case map[string]any:
		all = append(all, c.object(s, v, at)...)
	case []any:
		all = append(all, c.array(s, v, at)...)
	default:
		if f, ok := Float(v); ok {
			numberFaults(s, f, add)
		}
	}
	all = append(all, c.branches(s, v, at)...)
	return all[:min(len(all), maxFaults)]
}

// branches checks allOf, anyOf, oneOf and not. Where no branch takes the value,
// the faults are those of the branch that has the fewest.
func (c *validator) branches(s *spec.Schema, v any, at string) []Fault {
	var all []Fault
	for _, part := range s.AllOf {
		all = append(all, c.value(part, v, at)...)
	}
	if len(s.AnyOf) > 0 {
		if n, nearest := c.count(s, s.AnyOf, v, at, 1); n == 0 {
			all = append(all, nearest...)
		}
	}
	if len(s.OneOf) > 0 {
		switch n, nearest := c.count(s, s.OneOf, v, at, 2); n {
		case 0:
			all = append(all, nearest...)
		case 1:
		default:
			all = append(all, Fault{Pointer: at, Keyword: "oneOf"})
		}
	}
	if s.Not != nil && len(c.value(s.Not, v, at)) == 0 && c.left > 0 {
		all = append(all, Fault{Pointer: at, Keyword: "not"})
	}
	return all
}

// count tells how many branches take a value, at most enough, and the faults of
// the nearest one where none does.
func (c *validator) count(s *spec.Schema, branches []*spec.Schema, v any, at string, enough int) (int, []Fault) {
	n := 0
	var nearest []Fault
	for _, b := range branches {
		faults := c.value(b, v, at)
		if len(faults) == 0 {
			if n++; n == enough {
				break
			}
			continue
		}
		if nearest == nil || distance(faults, at) < distance(nearest, at) {
			nearest = faults
		}
	}
	if nearest == nil {
		nearest = []Fault{{Pointer: at, Keyword: "anyOf"}}
	}
	return n, nearest
}

// distance puts a branch of another type behind all others.
func distance(faults []Fault, at string) int {
	d := len(faults)
	for _, f := range faults {
		if f.Pointer == at && (f.Keyword == "type" || f.Keyword == "const") {
			d += 1000
		}
		if f.Keyword == "const" || f.Keyword == "enum" {
			d += 10 // a discriminator, most likely
		}
	}
	return d
}

func (c *validator) object(s *spec.Schema, v map[string]any, at string) []Fault {
	var all []Fault
	for _, name := range s.Required {
		if _, there := v[name]; there {
			continue
		}
		if m := s.Properties[name]; m != nil && (c.request && readOnly(m) || !c.request && m.WriteOnly) {
			continue
		}
		all = append(all, Fault{at, "required", name})
	}
	if s.MinProperties != nil && len(v) < *s.MinProperties {
		all = append(all, Fault{Pointer: at, Keyword: "minProperties"})
	}
	if s.MaxProperties != nil && len(v) > *s.MaxProperties {
		all = append(all, Fault{Pointer: at, Keyword: "maxProperties"})
	}
	if len(s.Properties) == 0 && s.Additional == nil {
		return all
	}
	for _, name := range sortedKeys(v) {
		if len(all) >= maxFaults {
			break
		}
		m := s.Properties[name]
		switch {
		case m != nil:
		case s.Additional == nil:
			continue
		case s.Additional.False:
			all = append(all, Fault{at, "additionalProperties", name})
			continue
		default:
			m = s.Additional
		}
		all = append(all, c.value(m, v[name], call.Member(at, name))...)
	}
	return all
}

func (c *validator) array(s *spec.Schema, v []any, at string) []Fault {
	var all []Fault
	if s.MinItems != nil && len(v) < *s.MinItems {
		all = append(all, Fault{Pointer: at, Keyword: "minItems"})
	}
	if s.MaxItems != nil && len(v) > *s.MaxItems {
		all = append(all, Fault{Pointer: at, Keyword: "maxItems"})
	}
	if s.UniqueItems && hasEqual(v) {
		all = append(all, Fault{Pointer: at, Keyword: "uniqueItems"})
	}
	for i, item := range v {
		if len(all) >= maxFaults {
			break
		}
		of := s.Items
		if i < len(s.Prefix) {
			of = s.Prefix[i]
		}
		all = append(all, c.value(of, item, at+"/"+strconv.Itoa(i))...)
	}
	return all
}

// hasEqual compares the first two hundred items with each other.
func hasEqual(v []any) bool {
	v = v[:min(len(v), 200)]
	for i := range v {
		for j := range i {
			if Equal(v[i], v[j]) {
				return true
			}
		}
	}
	return false
}

func textFaults(s *spec.Schema, v string, add func(string)) {
	if s.MinLength != nil || s.MaxLength != nil {
		n := utf8.RuneCountInString(v)
		if s.MinLength != nil && n < *s.MinLength {
			add("minLength")
		}
		if s.MaxLength != nil && n > *s.MaxLength {
			add("maxLength")
		}
	}
	if s.Pattern != "" {
		if p := compile(s.Pattern); p != nil && !p.match(v) {
			add("pattern")
		}
	}
	if is := known[s.Format]; is != nil && !is(v) {
		add("format")
	}
}

func numberFaults(s *spec.Schema, f float64, add func(string)) {
	switch {
	case s.Minimum != nil && f < *s.Minimum:
		add("minimum")
	case s.ExclusiveMinimum != nil && f <= *s.ExclusiveMinimum:
		add("exclusiveMinimum")
	}
	switch {
	case s.Maximum != nil && f > *s.Maximum:
		add("maximum")
	case s.ExclusiveMaximum != nil && f >= *s.ExclusiveMaximum:
		add("exclusiveMaximum")
	}
	if m := s.MultipleOf; m != nil && *m > 0 {
		if !multiple(f, *m) {
			add("multipleOf")
		}
	}
}

// multiple leaves room for decimal fractions, which floats do not have.
func multiple(f, of float64) bool {
	if of == math.Trunc(of) {
		return math.Mod(f, of) == 0
	}
	q := f / of
	return math.Abs(q-math.Round(q)) <= min(1e-9*math.Max(1, math.Abs(q)), 1e-4)
}

func isType(v any, t string) bool {
	switch v := v.(type) {
	case nil:
		return t == "null"
	case string:
		return t == "string"
	case call.File:
		return t == "string"
	case bool:
		return t == "boolean"
	case map[string]any:
		return t == "object"
	case []any:
		return t == "array"
	default:
		f, ok := Float(v)
		return ok && (t == "number" || t == "integer" && f == math.Trunc(f) && !math.IsInf(f, 0))
	}
}

// Float is the value of a number of any of the types that values have.
func Float(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil || math.IsInf(f, 0)
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// Equal compares JSON values as JSON Schema does: 1 is 1.0.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, there := b[k]; !there || !Equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case json.Number:
		if b, ok := b.(json.Number); ok && a == b {
			return true
		}
	case string, bool, nil:
		return a == b
	}
	x, isX := Float(a)
	y, isY := Float(b)
	return isX && isY && x == y
}
