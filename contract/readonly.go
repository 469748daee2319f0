// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "slices"

// rewriteReadOnly drops read-only members from required and, unless they are
// taken, refuses them. It gives their names for the schemas that look at the
// same value. The refusal stands behind the last allOf, so that no pointer
// into the document changes its meaning.
func (sc *schemas) rewriteReadOnly(at place, m map[string]any, inherited []string) []string {
	var own []string
	properties, _ := m["properties"].(map[string]any)
	for name := range properties {
		if sc.says(at.child("properties", name), "readOnly", 0) {
			own = append(own, name)
		}
	}
	all := append(sc.readOnlyOf(at, map[place]bool{}), inherited...)
	if required, ok := m["required"].([]any); ok && len(all) > 0 {
		kept := make([]any, 0, len(required))
		for _, name := range required {
			if text, ok := name.(string); !ok || !slices.Contains(all, text) {
				kept = append(kept, name)
			}
		}
		m["required"] = kept
	}
	if len(own) > 0 && !sc.v.takeReadOnly {
		refused := make(map[string]any, len(own))
		for _, name := range own {
			refused[name] = false
		}
		allOf, _ := m["allOf"].([]any)
		m["allOf"] = append(allOf, map[string]any{"properties": refused})
	}
	return all
}

// original gives a schema as the document has it, and the place that its
// reference means.
func (sc *schemas) original(at place) (m map[string]any, to place, refers bool) {
	v, _ := lookup(sc.src.files[at.file].root, at.pointer)
	m, _ = v.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		if to, err := sc.src.target(at.file, ref); err == nil {
			return m, to, true
		}
	}
	return m, to, false
}

// says tells that a schema, or what it refers to, has a keyword that is true.
func (sc *schemas) says(at place, keyword string, hops int) bool {
	m, to, refers := sc.original(at)
	if m[keyword] == true && !(sc.old && refers) {
		return true
	}
	return refers && hops < maxReference && sc.says(to, keyword, hops+1)
}

// readOnlyOf names the members that are read-only in a schema, what it refers
// to, and its allOf.
func (sc *schemas) readOnlyOf(at place, seen map[place]bool) []string {
	if seen[at] {
		return nil
	}
	seen[at] = true
	m, to, refers := sc.original(at)
	var out []string
	if refers {
		out = sc.readOnlyOf(to, seen)
	}
	properties, _ := m["properties"].(map[string]any)
	for name := range properties {
		if sc.says(at.child("properties", name), "readOnly", 0) {
			out = append(out, name)
		}
	}
	allOf, _ := m["allOf"].([]any)
	for i := range allOf {
		out = append(out, sc.readOnlyOf(at.child("allOf").item(i), seen)...)
	}
	return out
}

// declaresMembers tells that a schema, or one that looks at the same value,
// has properties.
func (sc *schemas) declaresMembers(at place, seen map[place]bool) bool {
	if seen[at] {
		return false
	}
	seen[at] = true
	m, to, refers := sc.original(at)
	if properties, ok := m["properties"].(map[string]any); ok && len(properties) > 0 {
		return true
	}
	if refers && sc.declaresMembers(to, seen) {
		return true
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := m[keyword].([]any)
		for i := range list {
			if sc.declaresMembers(at.child(keyword).item(i), seen) {
				return true
			}
		}
	}
	for _, keyword := range []string{"if", "then", "else"} {
		if _, ok := m[keyword]; ok && sc.declaresMembers(at.child(keyword), seen) {
			return true
		}
	}
	return false
}
