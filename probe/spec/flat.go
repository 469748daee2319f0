// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"reflect"
	"slices"
)

// flatDepth is how many allOf may be nested.
const flatDepth = 32

// Flat is the schema with its allOf folded in, so that all members of an object
// are in Properties: types and enums are what all parts take, bounds the
// tightest ones. A member that several parts describe is the allOf of them.
// What has no sum (two patterns, anyOf beside anyOf, not) is left in AllOf. It is
// made anew by each call and shares its parts with s.
func (s *Schema) Flat() *Schema {
	if len(s.AllOf) == 0 {
		return s
	}
	out := &Schema{}
	fold(out, s, flatDepth, map[*Schema]bool{})
	return out
}

func fold(out, s *Schema, depth int, seen map[*Schema]bool) {
	if depth == 0 || seen[s] {
		return // it says nothing more the second time
	}
	seen[s] = true
	first(&out.Name, s.Name)
	first(&out.Pointer, s.Pointer)
	first(&out.Format, s.Format)
	first(&out.Title, s.Title)
	first(&out.Description, s.Description)
	out.False = out.False || s.False
	out.ReadOnly, out.WriteOnly = out.ReadOnly || s.ReadOnly, out.WriteOnly || s.WriteOnly
	out.Deprecated = out.Deprecated || s.Deprecated
	out.UniqueItems = out.UniqueItems || s.UniqueItems
	foldValues(out, s)
	foldBounds(out, s)
	foldParts(out, s)
	for _, part := range s.AllOf {
		fold(out, part, depth-1, seen)
	}
}

func first(to *string, s string) {
	if *to == "" {
		*to = s
	}
}

func foldValues(out, s *Schema) {
	if len(s.Types) > 0 {
		out.Types = bothTypes(out.Types, s.Types)
	}
	if len(s.Enum) > 0 {
		both := slices.DeleteFunc(slices.Clone(s.Enum), func(v any) bool {
			return !slices.ContainsFunc(out.Enum, func(w any) bool { return reflect.DeepEqual(v, w) })
		})
		if len(out.Enum) == 0 || len(both) == 0 {
			both = s.Enum
		}
		out.Enum = both
	}
	if s.HasConst && !out.HasConst {
		out.Const, out.HasConst = s.Const, true
	}
	if out.Default == nil {
		out.Default = s.Default
	}
	if len(out.Examples) == 0 {
		out.Examples = s.Examples
	}
	if out.Sensitive == nil {
		out.Sensitive = s.Sensitive
	}
	if out.Discriminator == nil {
		out.Discriminator = s.Discriminator
	}
	switch {
	case out.Pattern == "":
		out.Pattern = s.Pattern
	case s.Pattern != "" && s.Pattern != out.Pattern:
		out.AllOf = append(out.AllOf, &Schema{Pattern: s.Pattern})
	}
}

// bothTypes are the types that both take. An integer is a number.
func bothTypes(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	var both []string
	for _, t := range a {
		switch {
		case slices.Contains(b, t), t == "integer" && slices.Contains(b, "number"):
			both = append(both, t)
		case t == "number" && slices.Contains(b, "integer"):
			both = append(both, "integer")
		}
	}
	if len(both) == 0 {
		return a // it cannot be met; the first is as good as the other
	}
	return both
}

func foldBounds(out, s *Schema) {
	tightest(&out.MinLength, s.MinLength, true)
	tightest(&out.MaxLength, s.MaxLength, false)
	tightest(&out.MinItems, s.MinItems, true)
	tightest(&out.MaxItems, s.MaxItems, false)
	tightest(&out.MinProperties, s.MinProperties, true)
	tightest(&out.MaxProperties, s.MaxProperties, false)
	tightest(&out.Minimum, s.Minimum, true)
	tightest(&out.Maximum, s.Maximum, false)
	tightest(&out.ExclusiveMinimum, s.ExclusiveMinimum, true)
	tightest(&out.ExclusiveMaximum, s.ExclusiveMaximum, false)
	if out.MultipleOf == nil {
		out.MultipleOf = s.MultipleOf
	}
}

func tightest[T int | float64](to **T, v *T, largest bool) {
	if v != nil && (*to == nil || (*v > **to) == largest) {
		*to = v
	}
}

func foldParts(out, s *Schema) {
	for _, name := range s.Order {
		if out.Properties == nil {
			out.Properties = map[string]*Schema{}
		}
		there := out.Properties[name]
		switch {
		case there == nil:
			out.Order = append(out.Order, name)
			out.Properties[name] = s.Properties[name]
		case there != s.Properties[name]:
			out.Properties[name] = &Schema{Pointer: there.Pointer, AllOf: []*Schema{there, s.Properties[name]}}
		}
	}
	for _, name := range s.Required {
		if !slices.Contains(out.Required, name) {
			out.Required = append(out.Required, name)
		}
	}
	if out.Additional == nil || s.Additional != nil && s.Additional.False {
		if s.Additional != nil {
			out.Additional = s.Additional
		}
	}
	if out.Items == nil {
		out.Items = s.Items
	}
	if len(out.Prefix) == 0 {
		out.Prefix = s.Prefix
	}
	foldBranches(out, s)
}

func foldBranches(out, s *Schema) {
	if len(out.AnyOf) == 0 {
		out.AnyOf = s.AnyOf
	} else if len(s.AnyOf) > 0 {
		out.AllOf = append(out.AllOf, &Schema{AnyOf: s.AnyOf})
	}
	if len(out.OneOf) == 0 {
		out.OneOf = s.OneOf
	} else if len(s.OneOf) > 0 {
		out.AllOf = append(out.AllOf, &Schema{OneOf: s.OneOf})
	}
	if out.Not == nil {
		out.Not = s.Not
	} else if s.Not != nil {
		out.AllOf = append(out.AllOf, &Schema{Not: s.Not})
	}
}

// Kind is the first type other than null, or what the other words of the schema
// are about, where no type is written; empty where anything goes.
func (s *Schema) Kind() string {
	for _, t := range s.Types {
		if t != "null" {
			return t
		}
	}
	switch {
	case len(s.Types) > 0:
		return "null"
	case len(s.Properties) > 0, len(s.Required) > 0, s.Additional != nil && !s.Additional.False:
		return "object"
	case s.Items != nil, len(s.Prefix) > 0, s.MinItems != nil, s.MaxItems != nil:
		return "array"
	case s.Pattern != "", s.MinLength != nil, s.MaxLength != nil:
		return "string"
	case s.Minimum != nil, s.Maximum != nil, s.ExclusiveMinimum != nil, s.ExclusiveMaximum != nil, s.MultipleOf != nil:
		return "number"
	case s.Format != "":
		return "string"
	}
	return ""
}
