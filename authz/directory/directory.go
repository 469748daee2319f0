// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package directory tells who stands in which relation to an object: the
// members of a space, the author of a message and the space that it is in. It
// answers from a file, from the store or by HTTP look-up, and policies decide over the answers
// (OWASP API1:2023, broken object level authorization, is mostly the lack of
// anybody who asks).
//
// Failure policy: what cannot be looked up is an error, never an empty answer;
// package authz refuses then. A value that is not of its declared type makes
// the whole answer an error.
//
// State kept: a file's content; of HTTP look-ups a bounded cache of answers,
// also of negative ones, and the look-ups under way; of the store's objects a
// bounded number that were read, each until it changes there.
package directory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/go-json-experiment/json"

	"durward/authz/eval"
)

// A Directory answers questions about objects. It is safe for concurrent use.
type Directory interface {
	// Look finds what is known of an object. durward.ErrNotFound says that
	// there is none; a *durward.Unavailable that nobody could tell. The object
	// is shared and must not be changed.
	Look(ctx context.Context, t *Type, id string) (*Object, error)
	// Close ends what it holds open.
	Close() error
}

// Type is a kind of object and its declared fields.
type Type struct {
	Name   string
	Fields []Field
}

// Field is one declared field.
type Field struct {
	Name     string
	Kind     eval.Kind // of the value, or of the elements of a set
	Of       string    // entity type, for eval.Entity
	Set      bool
	Optional bool // it may be missing; a set is then empty
	Parent   bool // its entity holds the object: "message in space"
}

// ParseField reads a field's type as Cedar writes it: String, Long, Bool, an
// entity type, Set<...> of one, and a trailing "?" for what may be missing.
// isObject tells which entity types are objects, which makes a single one a
// parent; callers are the only other entities.
func ParseField(name, text string, isObject func(string) bool) (Field, error) {
	f := Field{Name: name}
	text, f.Optional = strings.CutSuffix(text, "?")
	if inner, ok := strings.CutPrefix(text, "Set<"); ok {
		if text, f.Set = strings.CutSuffix(inner, ">"); !f.Set {
			return f, errors.New("a Set< has no >")
		}
	}
	switch {
	case text == "String":
		f.Kind = eval.String
	case text == "Long":
		f.Kind = eval.Long
	case text == "Bool":
		f.Kind = eval.Bool
	case text == "Caller", isObject(text):
		f.Kind, f.Of, f.Parent = eval.Entity, text, text != "Caller" && !f.Set
	default:
		return f, fmt.Errorf("%q is none of String, Long, Bool, Caller, an object, or Set<> of one", text)
	}
	return f, nil
}

// Ref names an entity.
type Ref struct{ Type, ID string }

// Object is what is known of one object. It never changes.
type Object struct {
	fields  map[string]eval.Value
	parents []Ref
}

// Attribute gives a field's value.
func (o *Object) Attribute(name string) (eval.Value, bool) {
	v, ok := o.fields[name]
	return v, ok
}

// Tag is false: objects have no tags.
func (o *Object) Tag(string) (eval.Value, bool) { return eval.Value{}, false }

// Parent gives the i-th entity that holds the object.
func (o *Object) Parent(i int) (typ, id string, ok bool) {
	if i >= len(o.parents) {
		return "", "", false
	}
	return o.parents[i].Type, o.parents[i].ID, true
}

// maxElements bounds a set. A directory of larger ones needs an index of its own.
const maxElements = 100_000

// Read is Build of a JSON object (RFC 8259). A name that is there twice is an
// error.
func (t *Type) Read(text []byte) (*Object, error) {
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil || raw == nil {
		return nil, errors.New("it is no JSON object")
	}
	return t.Build(raw)
}

// Build makes an object of decoded JSON or YAML. A field that is not declared
// is passed over; one that is missing or not of its type is an error, which
// quotes no value.
func (t *Type) Build(raw map[string]any) (*Object, error) {
	o := &Object{fields: make(map[string]eval.Value, len(t.Fields))}
	for _, f := range t.Fields {
		in, ok := raw[f.Name]
		if !ok || in == nil {
			if !f.Optional {
				return nil, fmt.Errorf("%s: the field %s is missing", t.Name, f.Name)
			}
			if f.Set {
				o.fields[f.Name] = eval.NewSet()
			}
			continue
		}
		v, err := f.value(in)
		if err != nil {
			return nil, fmt.Errorf("%s: the field %s %w", t.Name, f.Name, err)
		}
		o.fields[f.Name] = v
		if f.Parent {
			o.parents = append(o.parents, Ref{f.Of, v.S})
		}
	}
	return o, nil
}

func (f *Field) value(in any) (eval.Value, error) {
	if !f.Set {
		return f.one(in)
	}
	list, ok := in.([]any)
	if !ok {
		return eval.Value{}, errors.New("is not a list")
	}
	if len(list) > maxElements {
		return eval.Value{}, fmt.Errorf("has more than %d elements", maxElements)
	}
	set := make([]eval.Value, len(list))
	for i, el := range list {
		var err error
		if set[i], err = f.one(el); err != nil {
			return eval.Value{}, err
		}
	}
	return eval.NewSet(set...), nil
}

func (f *Field) one(in any) (eval.Value, error) {
	switch in := in.(type) {
	case string:
		switch {
		case f.Kind == eval.String:
			return eval.Text(in), nil
		case f.Kind == eval.Entity && in != "":
			return eval.UID(f.Of, in), nil
		}
	case bool:
		if f.Kind == eval.Bool {
			return eval.Truth(in), nil
		}
	case int:
		if f.Kind == eval.Long {
			return eval.Number(int64(in)), nil
		}
	case float64:
		// JSON's numbers come as float64, exact up to 2^53.
		if f.Kind == eval.Long && in == math.Trunc(in) && math.Abs(in) <= 1<<53 {
			return eval.Number(int64(in)), nil
		}
	}
	return eval.Value{}, errors.New("is not of its type")
}
