// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gen makes values from schemas: valid ones that look as people would
// write them, ones at the edges of what is valid, and ones that break one rule;
// and it tells where a value breaks a schema.
//
// Standards: JSON Schema 2020-12 and what OpenAPI 3.0 changes in it, as package
// spec reads them; patterns of ECMA-262 as far as Go's regexp has them, and
// lookaheads at their beginning.
//
// The same random source gives the same values: nothing depends on time or on
// the order of maps. Bounded: the depth of values, the number of attempts, the
// steps of shrinking. The package keeps a cache of compiled patterns, bounded
// as well; all functions are safe for concurrent use, each with its own source.
package gen

import (
	"math/rand/v2"
	"slices"

	"durward/probe/spec"
)

// Size is how much of an object is filled in.
type Size int

// Sizes.
const (
	Usual   Size = iota // what is required and most of the rest
	Minimal             // what is required
	Full                // everything that is declared, some levels deep
)

// Hints guide Valid.
type Hints struct {
	// Name is that of the parameter, which tells what text looks real.
	Name string
	Size Size
	// Unique is put into values that services want to have once (user names,
	// addresses, titles): a few letters and digits, another for each call.
	Unique string
	// Examples takes the document's examples and defaults where there are any;
	// else they are taken now and then.
	Examples bool
	// Answer makes what a service would answer: with members that are readOnly,
	// without those that are writeOnly.
	Answer bool
	// Known gives values that are known to work for a member, by its JSON pointer
	// and name; it may be nil.
	Known func(pointer, name string, s *spec.Schema) (any, bool)
}

// Limits of one value.
const (
	maxDepth    = 12    // required members only, from shallow below it
	shallow     = 4     // optional members and items
	maxAttempts = 24    // at a value that keeps its schema
	maxSteps    = 20000 // parts made, attempts included
)

type generator struct {
	r     *rand.Rand
	h     Hints
	steps int
}

// Valid makes a value that satisfies a schema, numbers as json.Number. Where
// none is found (contradictory words, patterns beyond Go's regexp) it is one
// that breaks as little as can be.
func Valid(r *rand.Rand, s *spec.Schema, h Hints) any {
	g := &generator{r: r, h: h, steps: maxSteps}
	return g.checked(s, "", h.Name, 0, maxAttempts)
}

// checked makes values until one satisfies the schema.
func (g *generator) checked(s *spec.Schema, pointer, name string, depth, attempts int) any {
	var best any
	fewest := -1
	for range attempts {
		v := g.value(s, pointer, name, depth)
		faults := check(s, v, !g.h.Answer)
		if len(faults) == 0 {
			return v
		}
		if fewest < 0 || len(faults) < fewest {
			best, fewest = v, len(faults)
		}
		if g.steps <= 0 {
			break
		}
	}
	return best
}

func (g *generator) value(s *spec.Schema, pointer, name string, depth int) any {
	g.steps--
	if s == nil {
		s = &spec.Schema{}
	}
	if g.h.Known != nil {
		if v, ok := g.h.Known(pointer, name, s); ok {
			return v
		}
	}
	if len(s.AllOf) == 0 && len(s.OneOf) == 0 && len(s.AnyOf) == 0 {
		return g.plain(s, pointer, name, depth)
	}
	// Branches may exclude each other, so the choice is tried some times.
	attempts := 6
	if depth == 0 {
		attempts = 1 // which is checked by who called
	}
	var v any
	for range attempts {
		v = g.plain(g.choose(s, depth), pointer, name, depth)
		if attempts == 1 || g.steps <= 0 || len(check(s, v, !g.h.Answer)) == 0 {
			break
		}
	}
	return v
}

// choose folds allOf, and one branch of each oneOf and anyOf, into one schema.
func (g *generator) choose(s *spec.Schema, depth int) *spec.Schema {
	for range 8 {
		flat := *s.Flat()
		if len(flat.OneOf) == 0 && len(flat.AnyOf) == 0 && len(flat.AllOf) == 0 {
			return &flat
		}
		parts := []*spec.Schema{&flat}
		if flat.OneOf != nil {
			parts = append(parts, g.branch(&flat, flat.OneOf, depth)...)
		}
		if flat.AnyOf != nil {
			parts = append(parts, g.branch(&flat, flat.AnyOf, depth)...)
		}
		rest := flat.AllOf
		flat.AllOf, flat.OneOf, flat.AnyOf = nil, nil, nil
		for _, part := range rest {
			switch {
			case len(part.OneOf) > 0:
				parts = append(parts, g.branch(part, part.OneOf, depth)...)
			case len(part.AnyOf) > 0:
				parts = append(parts, g.branch(part, part.AnyOf, depth)...)
			case part.Not == nil && part.Pattern == "":
				parts = append(parts, part)
			}
		}
		s = &spec.Schema{AllOf: parts}
	}
	flat := *s.Flat()
	flat.OneOf, flat.AnyOf, flat.AllOf = nil, nil, nil
	return &flat
}

// branch picks one that is not null, and with it the discriminator's value. Deep
// down it takes the one that leads to the least.
func (g *generator) branch(s *spec.Schema, all []*spec.Schema, depth int) []*spec.Schema {
	usable := slices.DeleteFunc(slices.Clone(all), func(b *spec.Schema) bool { return b.False || b.Kind() == "null" })
	if len(usable) == 0 {
		return []*spec.Schema{all[0]}
	}
	picked := usable[g.r.IntN(len(usable))]
	if depth > shallow {
		picked = slices.MinFunc(usable, func(a, b *spec.Schema) int { return weight(a) - weight(b) })
	}
	parts := []*spec.Schema{picked}
	if d := s.Discriminator; d != nil {
		for _, value := range sortedKeys(d.Mapping) {
			if d.Mapping[value] == picked {
				parts = append(parts, &spec.Schema{Order: []string{d.Property}, Required: []string{d.Property},
					Properties: map[string]*spec.Schema{d.Property: {Const: value, HasConst: true}}})
				break
			}
		}
	}
	return parts
}

// weight is how much a schema asks for.
func weight(s *spec.Schema) int {
	flat := s.Flat()
	switch flat.Kind() {
	case "object":
		return 2 + 4*len(flat.Required)
	case "array":
		return 2
	}
	return 1 + 4*(len(flat.OneOf)+len(flat.AnyOf))
}

// plain makes a value of a schema without branches.
func (g *generator) plain(s *spec.Schema, pointer, name string, depth int) any {
	if s.HasConst {
		return s.Const
	}
	if len(s.Enum) > 0 {
		return g.enum(s)
	}
	if v, ok := g.example(s, name); ok {
		return v
	}
	kind := s.Kind()
	if kind == "" {
		kind = kindOfName(name)
	}
	switch kind {
	case "object":
		return g.object(s, pointer, depth)
	case "array":
		return g.array(s, pointer, name, depth)
	case "integer", "number":
		return g.number(s, kind == "integer", name)
	case "boolean":
		return g.r.IntN(2) == 0
	case "null":
		return nil
	}
	return g.text(s, name)
}

// enum picks one that is not null and that the type allows.
func (g *generator) enum(s *spec.Schema) any {
	fit := slices.DeleteFunc(slices.Clone(s.Enum), func(v any) bool {
		return v == nil || len(check(s, v, true)) > 0
	})
	if len(fit) == 0 {
		return s.Enum[g.r.IntN(len(s.Enum))]
	}
	return fit[g.r.IntN(len(fit))]
}

// example takes an example or the default where it is wanted and satisfies the
// schema; not for what must be another each time.
func (g *generator) example(s *spec.Schema, name string) (any, bool) {
	if len(s.Examples) == 0 && s.Default == nil || g.h.Unique != "" && wantsUnique(s, name) {
		return nil, false
	}
	if !g.h.Examples && g.r.IntN(4) > 0 {
		return nil, false
	}
	if !g.h.Answer && len(s.Properties) > 0 {
		return nil, false // members have examples of their own, and may be readOnly
	}
	all := s.Examples
	if len(all) == 0 {
		all = []any{s.Default}
	}
	v := all[g.r.IntN(len(all))]
	if v == nil || len(check(s, v, !g.h.Answer)) > 0 {
		return nil, false
	}
	return v, true
}
