// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"durward/internal/strictyaml"
)

// Value is one value of a loaded document.
type Value struct {
	Field string
	Value string // "(secret)" for a secret that is set
	// File and Line are where it stands; Line is 0 for a default.
	File string
	Line int
}

// Values lists the values at and below a field that are not zero, in the order
// of the types. They are those in force: defaults that were filled in are among
// them.
func (c *Config) Values(field string) []Value {
	var out []Value
	walk(reflect.ValueOf(c).Elem(), "", strictyaml.Field{}, func(path string, f strictyaml.Field, v reflect.Value) {
		rest, ok := strings.CutPrefix(path, field)
		if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' || v.Kind() == reflect.Pointer || v.IsZero() {
			return
		}
		one := Value{Field: path, Value: valueText(v)}
		if f.Secret {
			one.Value = "(secret)"
		}
		if c.doc != nil {
			// What was filled in from outside is shown as it is written.
			at := c.doc.Fault(path, one.Value)
			one.Value, one.File = at.Reason, at.File
			if c.doc.Has(path) || c.doc.Has(above(path)) { // or its short form
				one.Line = at.Line
			}
		}
		out = append(out, one)
	})
	return append(out, c.empty(field, out)...)
}

// empty lists what the document sets to nothing but its defaults, such as
// `api_key: {}`.
func (c *Config) empty(field string, found []Value) []Value {
	if c.doc == nil {
		return nil
	}
	filled := map[string]bool{}
	for _, v := range found {
		for p := v.Field; p != ""; p = above(p) {
			filled[p] = true
		}
	}
	set := c.doc.Below(field)
	for _, p := range set {
		for p = above(p); p != ""; p = above(p) {
			filled[p] = true
		}
	}
	var out []Value
	for _, p := range set {
		if !filled[p] {
			at := c.doc.Fault(p, "")
			out = append(out, Value{Field: p, Value: "{}", File: at.File, Line: at.Line})
		}
	}
	slices.SortFunc(out, func(a, b Value) int { return cmp.Or(a.Line-b.Line, strings.Compare(a.Field, b.Field)) })
	return out
}

// above is the field around one, "" at the top.
func above(path string) string {
	if i := strings.LastIndexAny(path, ".["); i > 0 {
		return path[:i]
	}
	return ""
}

func valueText(v reflect.Value) string {
	if t, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := t.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v.Interface())
}
