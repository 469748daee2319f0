// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"reflect"
	"slices"

	"durward/internal/strictyaml"
)

// Missing lists the fields that can be reached from t and have no rule, sorted,
// and those whose rule does not fit their type. A change of such a field counts
// as weaker; that there is none is for a test to see.
func Missing(t reflect.Type) []string {
	var missing []string
	visit(t, map[reflect.Type]bool{}, func(f strictyaml.Field, r rule, known bool) {
		if !known || !r.fits(f.Type) {
			missing = append(missing, Key(f))
		}
	})
	slices.Sort(missing)
	return slices.Compact(missing)
}

// Unused lists the rules of fields that cannot be reached from t, sorted.
func Unused(t reflect.Type) []string {
	reached := map[string]bool{}
	visit(t, map[reflect.Type]bool{}, func(f strictyaml.Field, _ rule, _ bool) { reached[Key(f)] = true })
	var unused []string
	for key := range rules {
		if !reached[key] {
			unused = append(unused, key)
		}
	}
	slices.Sort(unused)
	return unused
}

// visit calls f for every field that needs a rule, below t.
func visit(t reflect.Type, seen map[reflect.Type]bool, f func(strictyaml.Field, rule, bool)) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Map || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strictyaml.IsMapping(t) || seen[t] {
		return
	}
	seen[t] = true
	for _, field := range strictyaml.Fields(t) {
		r, known := rules[Key(field)]
		if known || field.Type.Kind() != reflect.Struct || !strictyaml.IsMapping(field.Type) {
			f(field, r, known)
		}
		if field.Type.Kind() != reflect.Struct || r.leaf == nil { // else it is judged as a whole
			visit(field.Type, seen, f)
		}
	}
}

// fits tells whether the walker can use the rule for values of t.
func (r rule) fits(t reflect.Type) bool {
	if r.grouped || r.leaf != nil {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer:
		return strictyaml.IsMapping(t.Elem())
	case reflect.Map:
		for t = t.Elem(); t.Kind() == reflect.Pointer; t = t.Elem() {
		}
		return t.Kind() == reflect.Struct
	case reflect.Slice:
		return r.key != nil
	}
	return false
}
