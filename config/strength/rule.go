// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// verdict is what a rule says of two values that differ.
type verdict struct {
	label  Label
	reason string
}

// rule says how the values of one field are compared.
type rule struct {
	// leaf compares two values of a field that has no fields of its own.
	leaf func(old, new reflect.Value) verdict
	// fallback is what the field is where the document leaves it out, in the
	// document's own words.
	fallback string
	// key pairs the items of a list of structs, where the field is one.
	key func(reflect.Value) string
	// added and removed judge an optional struct, an entry of a map or an item
	// of a list that only one side has. Where they are nil, the absent one is
	// compared as if it were there with nothing in it.
	added, removed *verdict
	// grouped says that the comparator of the struct compares the field, with others.
	grouped bool
}

func weaker(reason string) verdict   { return verdict{Weaker, reason} }
func stronger(reason string) verdict { return verdict{Stronger, reason} }
func unmoved(reason string) verdict  { return verdict{Neutral, reason} }

// by orders two ranks, the lower one protecting more.
func by(old, new float64, more, less string) verdict {
	switch {
	case new > old:
		return weaker(more)
	case new < old:
		return stronger(less)
	}
	return unmoved("it is the same when defaults are filled in")
}

// neutral is the rule of a field that protects nothing, for the reason given.
func neutral(reason string) rule {
	return rule{leaf: func(_, _ reflect.Value) verdict { return unmoved(reason) }}
}

// fixed is the rule of a field whose values cannot be ordered.
func fixed(reason string) rule {
	return rule{leaf: func(_, _ reflect.Value) verdict { return weaker("cannot be compared: " + reason) }}
}

// pinned is fixed, but any value protects more than none.
func pinned(reason string) rule {
	return rule{leaf: func(old, new reflect.Value) verdict {
		if old.IsZero() {
			return stronger(reason)
		}
		if new.IsZero() {
			return weaker("no longer: " + reason)
		}
		return weaker("cannot be compared: " + reason)
	}}
}

// lower is the rule of a number, size or time that protects the more the
// smaller it is. fallback is its default, "unlimited" where none bounds it.
func lower(fallback, what string) rule {
	return rule{fallback: fallback, leaf: func(old, new reflect.Value) verdict {
		return by(number(old, fallback), number(new, fallback), "more than before: "+what, "less than before: "+what)
	}}
}

// higher is the rule of one that protects the more the larger it is.
func higher(fallback, what string) rule {
	return rule{fallback: fallback, leaf: func(old, new reflect.Value) verdict {
		return by(-number(old, fallback), -number(new, fallback), "less than before: "+what, "more than before: "+what)
	}}
}

// ranked is the rule of a word; words are the possible ones, the most
// protecting first. The zero value is fallback.
func ranked(fallback string, words ...string) rule {
	return rule{fallback: fallback, leaf: func(old, new reflect.Value) verdict {
		o, n := slices.Index(words, word(old, fallback)), slices.Index(words, word(new, fallback))
		if o < 0 || n < 0 {
			return weaker("cannot be compared: a word that is not known here")
		}
		return by(float64(o), float64(n), word(new, fallback)+" protects less than "+word(old, fallback),
			word(new, fallback)+" protects more than "+word(old, fallback))
	}}
}

// flag is the rule of a yes or no; strong is the one that protects more.
func flag(strong bool, what string) rule {
	return rule{fallback: "false", leaf: func(_, new reflect.Value) verdict {
		if new.Bool() == strong {
			return stronger(what)
		}
		return weaker("no longer: " + what)
	}}
}

// everything stands for what an empty list means when it bounds nothing.
const everything = "*"

// fewer is the rule of a list that protects the more the less stands in it.
// fallback is what an empty list means: "", everything, or words with commas.
func fewer(fallback, what string) rule {
	return rule{fallback: fallback, leaf: func(old, new reflect.Value) verdict {
		return within(words(old, fallback), words(new, fallback), "takes more than before: "+what, "takes less than before: "+what)
	}}
}

// more is the rule of a list that protects the more the more stands in it.
func more(fallback, what string) rule {
	return rule{fallback: fallback, leaf: func(old, new reflect.Value) verdict {
		return within(words(new, fallback), words(old, fallback), "less than before: "+what, "more than before: "+what)
	}}
}

// within judges two sets of which the smaller one protects more.
func within(old, new []string, grown, shrunk string) verdict {
	subset := func(a, b []string) bool {
		return slices.Contains(b, everything) || !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
	}
	switch {
	case subset(new, old) && subset(old, new):
		return unmoved("the same in another order or another spelling")
	case subset(new, old):
		return stronger(shrunk)
	}
	return weaker(grown)
}

// number reads a value as a number, that of fallback when it is zero.
func number(v reflect.Value, fallback string) float64 {
	if v.IsZero() {
		switch fallback {
		case "":
			return 0
		case "unlimited":
			return math.Inf(1)
		}
		v = parsed(v.Type(), fallback)
	}
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	return math.NaN()
}

// parsed reads the document's words for a value of type t. A default that
// cannot be read is a programmer's error, which a test of every rule finds.
func parsed(t reflect.Type, s string) reflect.Value {
	v := reflect.New(t)
	if u, ok := v.Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(s)); err != nil {
			panic("strength: a default cannot be read: " + err.Error())
		}
		return v.Elem()
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("strength: a default cannot be read: " + err.Error())
	}
	return reflect.ValueOf(n).Convert(t)
}

func word(v reflect.Value, fallback string) string {
	if s := text(v); s != "" {
		return s
	}
	return fallback
}

func words(v reflect.Value, fallback string) []string {
	if v.Len() == 0 {
		if fallback == "" {
			return nil
		}
		return strings.Split(fallback, ",")
	}
	out := make([]string, v.Len())
	for i := range out {
		out[i] = text(v.Index(i))
	}
	return out
}

// text writes a value as the document would.
func text(v reflect.Value) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	switch v.Kind() {
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		var parts []string
		for _, k := range keys(v) {
			parts = append(parts, k+": "+text(v.MapIndex(reflect.ValueOf(k).Convert(v.Type().Key()))))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

func keys(m reflect.Value) []string {
	if !m.IsValid() || m.Kind() != reflect.Map {
		return nil
	}
	var out []string
	for _, k := range m.MapKeys() {
		out = append(out, k.String())
	}
	slices.Sort(out)
	return out
}
