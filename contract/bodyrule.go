// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "strings"

// bodyRule is the compiled form of a request's content.
type bodyRule struct {
	required bool
	media    []*mediaRule
}

type mediaRule struct {
	*mediaForm
	schema *schema // nil: any content
	plan   *plan   // of JSON content
	shape  shape
	names  []string // required members, for multipart
	open   bool     // members that are not declared are taken
	// unreadable: the media type is a range and the schema wants structure,
	// so that a type of the range that is not read must not pass unchecked.
	unreadable bool
}

func (b *bodyForm) compile(sc *schemas) (*bodyRule, error) {
	out := &bodyRule{required: b.required}
	for _, m := range b.media {
		r := &mediaRule{mediaForm: m}
		if m.hasSchema {
			var err error
			if r.schema, err = sc.compile(m.schemaAt); err != nil {
				return nil, err
			}
			r.shape = r.schema.shapeOf()
			r.names = r.schema.requiredNames(nil, map[*schema]bool{})
			r.open = r.shape.rest != nil || len(r.shape.members) == 0
			r.unreadable = strings.Contains(m.base, "*") && r.schema.typeSet()&kString == 0
		} else {
			r.open = true
		}
		if treatment(m.base) == asJSON || strings.Contains(m.base, "*") {
			r.plan = sc.planOf(r.schema)
		}
		out.media = append(out.media, r)
	}
	return out, nil
}

// planOf gives the plan of values of a schema, of any value when it is nil.
func (sc *schemas) planOf(s *schema) *plan {
	if s == nil {
		return sc.plans.plan()
	}
	return sc.plans.plan(s)
}

// requiredNames lists the members that a schema requires, through references
// and allOf.
func (s *schema) requiredNames(out []string, seen map[*schema]bool) []string {
	if seen[s] {
		return out
	}
	seen[s] = true
	out = append(out, s.required...)
	if s.ref != nil {
		out = s.ref.requiredNames(out, seen)
	}
	for _, p := range s.allOf {
		out = p.requiredNames(out, seen)
	}
	return out
}

// match finds the rule of a media type.
func (b *bodyRule) match(base string) *mediaRule {
	for _, m := range b.media {
		if m.base == base || m.base == "*/*" {
			return m
		}
		if kind, ok := strings.CutSuffix(m.base, "/*"); ok && strings.HasPrefix(base, kind) && base[len(kind)] == '/' {
			return m
		}
	}
	return nil
}

// treatment says how the content of a media type is read. Content without a
// schema is still read as its type says, so that what passes is what it claims
// to be.
func treatment(base string) how {
	switch {
	case isJSONType(base):
		return asJSON
	case base == "application/x-www-form-urlencoded":
		return asForm
	case base == "multipart/form-data":
		return asMultipart
	case base == "text/plain":
		return asText
	}
	return asIs
}

// isJSONType tells the types whose content is one JSON value (RFC 8259, RFC
// 6839).
func isJSONType(base string) bool {
	base, _, _ = strings.Cut(base, ";")
	base = strings.TrimSpace(base)
	return base == "application/json" || base == "text/json" || strings.HasSuffix(base, "+json")
}
