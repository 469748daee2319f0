// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"durward/probe/spec"
)

// Bad is a value that breaks one keyword of a schema and no other.
type Bad struct {
	Keyword string // null is of its own, though it breaks type
	Value   any
}

const maxLong = 20_000 // characters of a text that is too long

// Invalid lists values that break one keyword of the schema itself each, made
// of a valid one where that is possible; missing and additional members are left
// to Mutations. The order is always the same.
func Invalid(r *rand.Rand, s *spec.Schema, valid any) []Bad {
	b := badMaker{g: &generator{r: r, steps: maxSteps}, whole: s, valid: valid}
	flat := b.g.choose(s, 0)
	b.types(flat)
	if len(flat.Enum) > 0 {
		b.add("enum", "probe-none", json.Number("999999"))
	}
	if flat.HasConst {
		b.add("const", "probe-none", json.Number("999999"))
	}
	switch flat.Kind() {
	case "string":
		b.texts(flat)
	case "integer", "number":
		b.numbers(flat)
	case "array":
		b.arrays(flat)
	}
	return b.all
}

type badMaker struct {
	g     *generator
	whole *spec.Schema
	valid any
	all   []Bad
}

// add takes the first of some values that breaks that keyword alone.
func (b *badMaker) add(keyword string, values ...any) {
	for _, v := range values {
		if breaks(b.whole, v) == keyword {
			b.all = append(b.all, Bad{keyword, v})
			return
		}
	}
}

// breaks is the one keyword that a value breaks at its top; empty where it
// breaks none, or several, or something below.
func breaks(s *spec.Schema, v any) string {
	keyword := ""
	for _, f := range check(s, v, true) {
		if f.Pointer != "" || keyword != "" && f.Keyword != keyword {
			return ""
		}
		keyword = f.Keyword
	}
	return keyword
}

func (b *badMaker) types(s *spec.Schema) {
	if len(s.Types) == 0 {
		return
	}
	if breaks(b.whole, nil) == "type" {
		b.all = append(b.all, Bad{"null", nil})
	}
	others := []any{map[string]any{"probe": "x"}, []any{"probe"}, "probe", json.Number("12.5"), true}
	if s.Kind() == "string" {
		others = []any{map[string]any{"probe": "x"}, []any{"probe"}, json.Number("12345"), true}
	}
	n := 0
	for _, v := range others {
		if n < 3 && breaks(b.whole, v) == "type" {
			b.all = append(b.all, Bad{"type", v})
			n++
		}
	}
}

// wrong are texts that are of no format.
var wrong = map[string][]any{
	"email": {"probe.example.com", "probe@"}, "uuid": {"12345678-probe"}, "date": {"2031-13-45"},
	"date-time": {"2031-13-45T99:00:00Z"}, "ipv4": {"999.1.1.1"}, "ipv6": {"2001::db8::1"}, "byte": {"{<no base64>}"},
}

func (b *badMaker) texts(s *spec.Schema) {
	valid, _ := b.valid.(string)
	if s.MinLength != nil && *s.MinLength > 0 && *s.MinLength <= maxLong {
		n := *s.MinLength - 1
		b.add("minLength", cut(valid, n), b.g.letters(n), b.exactly(s, n))
	}
	if s.MaxLength != nil && *s.MaxLength < maxLong {
		n := *s.MaxLength + 1
		b.add("maxLength", b.g.fit(valid, n, n, s.Format), pad(valid, n), b.g.letters(n), b.g.digits(n), b.exactly(s, n))
	}
	if s.Pattern != "" {
		n := max(utf8.RuneCountInString(valid), 1)
		b.add("pattern", valid+" !", " "+valid, strings.Repeat("!", n), strings.Repeat("a", n), strings.Repeat("7", n), strings.Repeat("§", n), "")
	}
	b.add("format", wrong[s.Format]...)
}

func cut(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}

// pad repeats the last character.
func pad(s string, n int) string {
	last, _ := utf8.DecodeLastRuneInString(s)
	if s == "" {
		last = 'a'
	}
	return s + strings.Repeat(string(last), max(0, n-utf8.RuneCountInString(s)))
}

// exactly makes a text of the pattern that has so many characters.
func (b *badMaker) exactly(s *spec.Schema, n int) any {
	free := &spec.Schema{Types: []string{"string"}, Pattern: s.Pattern, MinLength: &n, MaxLength: &n}
	return b.g.text(free, "")
}

func (b *badMaker) numbers(s *spec.Schema) {
	whole := slices.Contains(s.Types, "integer")
	step := 1.0
	if s.MultipleOf != nil {
		step = *s.MultipleOf
	}
	below := func(f float64) any { return num(round(floorTo(math.Ceil(f)-1, step))) }
	above := func(f float64) any { return num(round(ceilTo(math.Floor(f)+1, step))) }
	if s.Minimum != nil {
		b.add("minimum", below(*s.Minimum))
	}
	if s.ExclusiveMinimum != nil {
		b.add("exclusiveMinimum", num(*s.ExclusiveMinimum), below(*s.ExclusiveMinimum))
	}
	if s.Maximum != nil {
		b.add("maximum", above(*s.Maximum))
	}
	if s.ExclusiveMaximum != nil {
		b.add("exclusiveMaximum", num(*s.ExclusiveMaximum), above(*s.ExclusiveMaximum))
	}
	if f, ok := Float(b.valid); ok && s.MultipleOf != nil {
		if whole {
			b.add("multipleOf", num(f+1), num(f-1))
		} else {
			b.add("multipleOf", num(round(f+*s.MultipleOf/2)), num(round(f-*s.MultipleOf/2)))
		}
	}
}

func (b *badMaker) arrays(s *spec.Schema) {
	list, _ := b.valid.([]any)
	if s.MinItems != nil && *s.MinItems > 0 {
		b.add("minItems", slices.Clone(list[:min(len(list), *s.MinItems-1)]))
	}
	if s.MaxItems != nil && *s.MaxItems < 1000 {
		n := *s.MaxItems + 1
		more := *s
		more.MinItems, more.MaxItems = &n, &n
		long := slices.Clone(list)
		for len(list) > 0 && len(long) < n {
			long = append(long, list[0])
		}
		b.add("maxItems", long, b.g.array(&more, "", "", 0))
	}
	if s.UniqueItems && len(list) > 0 {
		twice := append(slices.Clone(list), list[0])
		b.add("uniqueItems", twice, []any{list[0], list[0]})
	}
}

// Boundaries lists values at the edges of what a schema takes: all of them are
// valid, and honest services take them.
func Boundaries(r *rand.Rand, s *spec.Schema) []any {
	g := &generator{r: r, steps: maxSteps}
	flat := g.choose(s, 0)
	var all []any
	add := func(v any) {
		if len(check(s, v, true)) == 0 && !slices.ContainsFunc(all, func(w any) bool { return Equal(v, w) }) {
			all = append(all, v)
		}
	}
	for _, v := range flat.Enum {
		add(v)
	}
	switch kind := flat.Kind(); kind {
	case "integer", "number":
		low, high, hasLow, hasHigh := limits(flat, kind == "integer")
		if hasLow {
			add(num(low))
		}
		if hasHigh {
			add(num(high))
		}
		for _, v := range []string{"0", "-1", "1", "2147483647", "2147483648", "-2147483648", "9007199254740993", "9223372036854775807", "0.1"} {
			if len(v) < 16 || flat.MultipleOf == nil { // larger ones are no exact floats
				add(json.Number(v))
			}
		}
	case "string":
		for _, n := range []*int{flat.MinLength, flat.MaxLength} {
			if n == nil || *n > maxLong {
				continue
			}
			exact := *flat
			exact.MinLength, exact.MaxLength = n, n
			add(g.text(&exact, ""))
		}
		if flat.Format != "" && flat.Format != "password" {
			break
		}
		for _, v := range []string{"", " ", "ü€𝄞", "O'Neil \"quoted\" <b>", "line\nbreak"} {
			add(v)
		}
	case "array":
		add([]any{})
	case "object":
		add(g.checkedSize(s, Minimal))
		add(g.checkedSize(s, Full))
	case "boolean":
		add(true)
		add(false)
	}
	add(nil)
	return all
}

func (g *generator) checkedSize(s *spec.Schema, size Size) any {
	h := g.h
	g.h.Size = size
	defer func() { g.h = h }()
	return g.checked(s, "", "", 0, 4)
}
