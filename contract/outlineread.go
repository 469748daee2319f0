// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
)

// said is what one schema says by itself, without the schemas that it refers
// to or is made of.
type said struct {
	types      kind // 0: any
	properties map[string]cursor
	patterns   []saidPattern
	additional *cursor // nil: nothing is said
	closed     bool    // additionalProperties: false
	items      []cursor
	hasItems   bool
	required   []string
	hidden     *hiding
}

type saidPattern struct {
	re *pattern
	to cursor
}

// declares tells that the schema says which members there are.
func (s *said) declares() bool {
	return len(s.properties) > 0 || len(s.patterns) > 0 || s.additional != nil || s.closed
}

// extension is the member of a schema that says who may see the value.
const extension = "x-durward-sensitive"

// read reads a schema, once.
func (b *outliner) read(c cursor) (*said, error) {
	if s, ok := b.byPlace[c.at]; ok {
		return s, nil
	}
	s := &said{properties: map[string]cursor{}}
	b.byPlace[c.at] = s
	var err error
	s.hidden, err = readHiding(c)
	if _, refers := c.get("$ref").v.(string); refers && b.d.old {
		return s, err // what else stands beside a reference says nothing
	}
	s.types = saidTypes(c)
	for name, p := range c.get("properties").members() {
		s.properties[name] = p
	}
	for source, p := range c.get("patternProperties").members() {
		re, err := compilePattern(source)
		if err != nil { // then any name may be meant
			s.additional = &p
			continue
		}
		s.patterns = append(s.patterns, saidPattern{re, p})
	}
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
		a := c.get(keyword)
		switch {
		case a.v == nil:
		case a.v == false:
			s.closed = true
		case s.additional == nil:
			s.additional = &a
		}
	}
	for _, item := range c.get("prefixItems").items() {
		s.items, s.hasItems = append(s.items, item), true
	}
	for _, keyword := range []string{"items", "unevaluatedItems"} {
		if item := c.get(keyword); item.v != nil {
			s.items, s.hasItems = append(s.items, item), true
		}
	}
	for _, name := range c.get("required").items() {
		if text, ok := name.v.(string); ok && !slices.Contains(s.required, text) {
			s.required = append(s.required, text)
		}
	}
	return s, err
}

// saidTypes gives the types that a schema names, 0 for none.
func saidTypes(c cursor) kind {
	t := c.get("type")
	list, ok := t.v.([]any)
	if !ok {
		list = []any{t.v}
	}
	var types kind
	for _, one := range list {
		name, _ := one.(string)
		types |= typeNames[name]
	}
	if types != 0 && c.get("nullable").v == true {
		types |= kNull
	}
	return types
}

// readHiding reads writeOnly and x-durward-sensitive; nil when there is none.
func readHiding(c cursor) (*hiding, error) {
	sensitive := c.get(extension)
	h := &hiding{writeOnly: c.get("writeOnly").v == true, sensitive: sensitive.exists()}
	switch v := sensitive.v.(type) {
	case nil:
		if m, _ := c.v.(map[string]any); m != nil {
			if _, null := m[extension]; null {
				return nil, c.fail("%s must be true or have scopes or roles", extension)
			}
		}
		if !h.writeOnly {
			return nil, nil
		}
	case bool:
		if !v {
			return nil, sensitive.fail("%s must be true or have scopes or roles", extension)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name != "scopes" && name != "roles" {
				return nil, sensitive.fail("%s may have only scopes and roles, not %q", extension, name)
			}
		}
		var err error
		if h.roles, err = readNames(sensitive.get("roles")); err != nil {
			return nil, err
		}
		if h.scopes, err = readNames(sensitive.get("scopes")); err != nil {
			return nil, err
		}
		if len(h.roles)+len(h.scopes) == 0 {
			return nil, sensitive.fail("%s names no scope and no role; true hides from everybody", extension)
		}
	default:
		return nil, sensitive.fail("%s must be true or have scopes or roles", extension)
	}
	return h, nil
}

func readNames(c cursor) ([]string, error) {
	if c.v == nil {
		return nil, nil
	}
	list, ok := c.v.([]any)
	if !ok {
		return nil, c.fail("must be a list of names")
	}
	var out []string
	for _, one := range list {
		name, ok := one.(string)
		if !ok || name == "" {
			return nil, c.fail("must be a list of names")
		}
		out = append(out, name)
	}
	return out, nil
}
