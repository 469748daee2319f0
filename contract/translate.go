// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "slices"

// The schemas of a document are rewritten, once, to plain JSON Schema 2020-12
// that says all that this package enforces: OpenAPI 3.0's nullable and boolean
// exclusive bounds, read-only members, undeclared members. Both the direct
// validator and the library work on that one form.

// Keywords whose values hold schemas that are used without a reference.
var (
	keywordsOfOne  = []string{"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"}
	keywordsOfList = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	keywordsOfMap  = []string{"properties", "patternProperties", "dependentSchemas", "dependencies"}
	// Keywords whose schemas describe a value of its own, which is closed or
	// open by itself.
	childKeywords = []string{"items", "additionalProperties", "prefixItems", "properties", "patternProperties"}
	// Keywords that look at the value that the schema itself looks at.
	samePlace = []string{"allOf", "anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas", "dependencies"}
	// Dialects that mean JSON Schema 2020-12 here.
	knownDialects = []string{
		"https://spec.openapis.org/oas/3.1/dialect/base",
		"https://json-schema.org/draft/2020-12/schema",
		"https://json-schema.org/draft/2020-12/schema#",
	}
	// JSON Schema identifiers, which OpenAPI 3.0 does not have.
	identifiers = []string{"$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary"}
)

// position says where in a schema another one stands.
type position struct {
	child    bool     // it describes a value of its own
	embedded bool     // it is below a $id, against which references resolve
	readOnly []string // members that are read-only in the schema around it
}

// prepare rewrites the schema at a place and all that it leads to. What cannot
// be rewritten is kept as bad, and the rest goes on: another operation may need
// it.
func (sc *schemas) prepare(at place, pos position) {
	root := sc.root(at.file)
	v, ok := lookup(root, at.pointer)
	if !ok {
		sc.bad[at] = sc.src.fail(at, "there is no schema")
		return
	}
	m, ok := v.(map[string]any)
	if !ok {
		if _, ok := v.(bool); !ok {
			sc.bad[at] = sc.src.fail(at, "a schema must be an object or a boolean")
		}
		return
	}
	if !sc.seen[at] {
		sc.seen[at] = true
		sc.rewrite(at, m, pos)
	}
	if pos.child && sc.v.closed && sc.declaresMembers(at, map[place]bool{}) {
		_, says := m["additionalProperties"]
		if _, too := m["unevaluatedProperties"]; !says && !too {
			m["unevaluatedProperties"] = false
		}
	}
}

func (sc *schemas) rewrite(at place, m map[string]any, pos position) {
	if sc.old {
		sc.rewriteOld(m)
	}
	if dialect, ok := m["$schema"].(string); ok && slices.Contains(knownDialects, dialect) {
		delete(m, "$schema")
	}
	if _, ok := m["$id"]; ok {
		if at.pointer == "" && !sc.keepIDs {
			delete(m, "$id") // a file is known by its path
		} else {
			pos.embedded = true
		}
	}
	if ref, ok := m["$ref"].(string); ok && !pos.embedded {
		to, err := sc.src.target(at.file, ref)
		if err != nil && !sc.keepIDs {
			sc.bad[at] = sc.src.fail(at, "%v", err)
			return
		}
		if err == nil {
			if _, ok := lookup(sc.root(to.file), to.pointer); !ok {
				sc.bad[at] = sc.src.fail(at, "$ref names nothing")
				return
			}
			m["$ref"] = to.url()
			sc.prepare(to, position{})
		}
	}
	readOnly := sc.rewriteReadOnly(at, m, pos.readOnly)
	sc.prepareParts(at, m, pos, readOnly)
}

func (sc *schemas) prepareParts(at place, m map[string]any, pos position, readOnly []string) {
	below := func(keyword string) position {
		p := position{embedded: pos.embedded, child: slices.Contains(childKeywords, keyword)}
		if slices.Contains(samePlace, keyword) {
			p.readOnly = readOnly
		}
		return p
	}
	for _, keyword := range keywordsOfOne {
		if _, ok := m[keyword]; ok {
			sc.prepare(at.child(keyword), below(keyword))
		}
	}
	for _, keyword := range keywordsOfList {
		list, _ := m[keyword].([]any)
		for i := range list {
			sc.prepare(at.child(keyword).item(i), below(keyword))
		}
	}
	for _, keyword := range keywordsOfMap {
		parts, _ := m[keyword].(map[string]any)
		for name, part := range parts {
			if _, names := part.([]any); names && keyword == "dependencies" {
				continue
			}
			sc.prepare(at.child(keyword, name), below(keyword))
		}
	}
}

// rewriteOld turns OpenAPI 3.0's dialect into JSON Schema 2020-12.
func (sc *schemas) rewriteOld(m map[string]any) {
	if ref, ok := m["$ref"]; ok {
		clear(m) // a reference's siblings are ignored (OpenAPI 3.0.4, 4.7.23)
		m["$ref"] = ref
		return
	}
	for _, keyword := range identifiers {
		delete(m, keyword)
	}
	// nullable works only beside type (OpenAPI 3.0.4, 4.7.24.1), and does not
	// add null to an enum.
	if m["nullable"] == true {
		if name, ok := m["type"].(string); ok {
			m["type"] = []any{name, "null"}
		}
	}
	for _, pair := range [2][2]string{{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}} {
		exclusive, ok := m[pair[1]].(bool)
		if !ok {
			continue
		}
		delete(m, pair[1])
		if limit, ok := m[pair[0]]; ok && exclusive {
			m[pair[1]] = limit
			delete(m, pair[0])
		}
	}
}
