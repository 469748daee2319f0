// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema is a compiled JSON Schema (2020-12). It is immutable once compiled
// and shared by all requests. Its parts may lead back to it.
type schema struct {
	at    place
	never bool // the false schema
	types kind // 0: any
	ref   *schema

	enum    *tree // an array; nil: any value
	strings map[string]struct{}

	min, max, above, below, multiple *bound
	number                           func(string) bool // format

	minLength, maxLength int // code points; max -1: no bound
	pattern              *pattern
	format               func(string) bool
	formatName           string

	properties             map[string]*schema
	required               []string
	patterns               []patternSchema
	additional             *schema
	names                  *schema
	minMembers, maxMembers int
	dependentRequired      map[string][]string
	dependentSchemas       map[string]*schema
	unevaluatedMembers     *schema

	prefix                   []*schema
	items, contains          *schema
	minContains, maxContains int
	minItems, maxItems       int
	unique                   bool
	unevaluatedItems         *schema

	allOf, anyOf, oneOf         []*schema
	not, ifs, then, els         *schema
	discriminator               *discriminator
	exotic                      bool // only the library can check what leads here
	foreign                     *jsonschema.Schema
	hasObject, hasArray, inPart bool // which checks there are

	bad  error // it cannot be compiled
	done bool
	set  kind // the types that a value can have; see typeSet
}

type patternSchema struct {
	re *pattern
	s  *schema
}

// schemas are the schemas of a document in one variant.
type schemas struct {
	src      *sources
	old      bool // OpenAPI 3.0
	v        variant
	roots    []any // the files, rewritten to JSON Schema 2020-12
	seen     map[place]bool
	compiled map[place]*schema
	bad      map[place]error // schemas that cannot be rewritten
	lib      *jsonschema.Compiler
	added    int
	plans    *planner
	// keepIDs leaves a $id at the root of a file alone, for plain JSON Schema.
	keepIDs bool
}

func newSchemas(src *sources, old bool, v variant) *schemas {
	return &schemas{
		src: src, old: old, v: v, seen: map[place]bool{}, compiled: map[place]*schema{}, bad: map[place]error{},
		plans: newPlanner(),
	}
}

// root gives the working copy of a file.
func (sc *schemas) root(file int) any {
	for len(sc.roots) <= file {
		sc.roots = append(sc.roots, deepCopy(sc.src.files[len(sc.roots)].root))
	}
	return sc.roots[file]
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = deepCopy(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = deepCopy(one)
		}
		return out
	}
	return v
}

// compile makes the schema at a place that prepare has seen. It fails when the
// schema or one that it leads to cannot be used at all.
func (sc *schemas) compile(at place) (*schema, error) {
	s := sc.part(at)
	all := s.all()
	// A schema that is done leads to none that is bad.
	for _, one := range all {
		if one.bad != nil {
			return nil, one.bad
		}
	}
	if slices.ContainsFunc(all, func(s *schema) bool { return s.exotic }) {
		lib, err := sc.library(at)
		if err != nil {
			return nil, err
		}
		return &schema{at: at, foreign: lib, set: kAny | kInteger}, nil
	}
	return s, sc.finish(all)
}

// parts gives the schemas that apply to the same value as s, and those that
// apply to values within.
func (s *schema) parts() (same, within []*schema) {
	one := func(list *[]*schema, parts ...*schema) {
		for _, p := range parts {
			if p != nil {
				*list = append(*list, p)
			}
		}
	}
	one(&same, s.ref, s.not, s.ifs, s.then, s.els)
	one(&same, s.allOf...)
	one(&same, s.anyOf...)
	one(&same, s.oneOf...)
	for _, p := range s.dependentSchemas {
		one(&same, p)
	}
	one(&within, s.additional, s.names, s.items, s.contains, s.unevaluatedMembers, s.unevaluatedItems)
	one(&within, s.prefix...)
	for _, p := range s.properties {
		one(&within, p)
	}
	for _, p := range s.patterns {
		one(&within, p.s)
	}
	return same, within
}

// all lists s and every schema that it leads to and that is not finished.
func (s *schema) all() []*schema {
	list, seen := []*schema{s}, map[*schema]bool{s: true}
	for i := 0; i < len(list); i++ {
		same, within := list[i].parts()
		for _, p := range append(same, within...) {
			if !seen[p] && !p.done {
				seen[p] = true
				list = append(list, p)
			}
		}
	}
	return list
}

// endless tells that s applies to the same value again, without end.
func (s *schema) endless(state map[*schema]int) bool {
	const open, done = 1, 2
	if state[s] != 0 || s.done {
		return state[s] == open
	}
	state[s] = open
	same, _ := s.parts()
	for _, p := range same {
		if p.endless(state) {
			return true
		}
	}
	state[s] = done
	return false
}

// finish refuses schemas that apply to themselves without end, and computes
// what is asked of them often.
func (sc *schemas) finish(all []*schema) error {
	state := map[*schema]int{}
	for _, s := range all {
		if s.endless(state) {
			return sc.src.fail(s.at, "the schema refers to itself without end")
		}
	}
	types := map[*schema]kind{}
	for _, s := range all {
		if s.discriminator != nil {
			s.finishDiscriminator()
		}
		s.done, s.set = true, s.possible(types)
	}
	return nil
}

func registerFormats(c *jsonschema.Compiler) {
	errFormat := errors.New("format")
	for name, check := range stringFormats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !check(s) {
				return errFormat
			}
			return nil
		}})
	}
	for name, check := range numberFormats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(interface{ String() string }); ok && !check(s.String()) {
				return errFormat
			}
			return nil
		}})
	}
	// The library asserts these; this package takes them as hints, in both
	// ways of checking alike.
	for _, name := range []string{"idn-hostname", "uri-template", "period", "semver"} {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(any) error { return nil }})
	}
}
