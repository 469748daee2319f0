// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"durward"
	"durward/internal/strictyaml"
)

type generator struct {
	comments *comments
	defs     map[string]any
	within   []reflect.Type // structs that the reference is inside of
}

type object = map[string]any

// reference is what may stand for any scalar: a value from outside.
const referencePattern = `\$\{[^}]+\}`

// schema gives the JSON Schema (2020-12) of t.
func (g *generator) schema(t reflect.Type) ([]byte, error) {
	root, err := g.structure(t)
	if err != nil {
		return nil, err
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Durward configuration"
	root["$defs"] = g.defs
	out, err := json.MarshalIndent(root, "", "  ")
	return append(out, '\n'), err
}

// value gives the schema of a value of type t.
func (g *generator) value(t reflect.Type, enum []string) (object, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if strictyaml.IsText(t) && !strictyaml.IsMapping(t) && t.Kind() != reflect.Slice {
		return textSchema(t), nil
	}
	switch t.Kind() {
	case reflect.Struct:
		ref, err := g.define(t)
		if err == nil && strictyaml.IsText(t) {
			return object{"anyOf": []any{object{"type": "string"}, ref}}, nil
		}
		return ref, err
	case reflect.Map:
		item, err := g.value(t.Elem(), enum)
		return object{"type": "object", "additionalProperties": item}, err
	case reflect.Slice:
		item, err := g.value(t.Elem(), enum)
		return object{"type": "array", "items": item}, err
	case reflect.Bool:
		return orReference(object{"type": "boolean"}), nil
	case reflect.String:
		if enum != nil {
			return orReference(object{"enum": enumValues(enum)}), nil
		}
		return object{"type": "string"}, nil
	case reflect.Float32, reflect.Float64:
		return orReference(object{"type": "number"}), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return orReference(object{"type": "integer"}), nil
	}
	return nil, fmt.Errorf("%v cannot stand in the configuration", t)
}

// enumValues lists the words, and the numbers that an editor takes some for
// when they stand without quotes ("1.2").
func enumValues(words []string) []any {
	var out []any
	for _, w := range words {
		out = append(out, w)
		if n, err := strconv.ParseFloat(w, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func orReference(s object) object {
	return object{"anyOf": []any{s, object{"type": "string", "pattern": referencePattern}}}
}

// words are the scalars that take a few words only.
var words = map[reflect.Type][]string{
	reflect.TypeFor[durward.Mode]():    {"enforce", "report", "off"},
	reflect.TypeFor[durward.OnError](): {"deny", "proceed"},
}

// textSchema is for types that read their own text.
func textSchema(t reflect.Type) object {
	if w := words[t]; w != nil {
		return orReference(object{"enum": w})
	}
	zero := reflect.New(t).Interface()
	if p, ok := zero.(interface{ Pattern() string }); ok {
		s := object{"type": "string", "pattern": "(?:" + p.Pattern() + ")|" + referencePattern}
		// A size may be a plain number and a duration 0, which an editor does
		// not take for text.
		takes := regexp.MustCompile(p.Pattern()).MatchString
		switch {
		case takes("1024"):
			s["type"] = []string{"string", "integer"}
		case takes("0"):
			return object{"anyOf": []any{s, object{"const": 0}}}
		}
		return s
	}
	s := object{"type": "string"}
	switch zero.(encoding.TextUnmarshaler).(type) {
	case *netip.Prefix:
		s["pattern"] = `^[0-9a-fA-F:.]+/[0-9]{1,3}$|` + referencePattern
	case *netip.Addr:
		s["pattern"] = `^[0-9a-fA-F:.]+$|` + referencePattern
	}
	return s
}

// define puts a struct under $defs, once, and gives the reference to it.
func (g *generator) define(t reflect.Type) (object, error) {
	name := defName(t)
	ref := object{"$ref": "#/$defs/" + name}
	if _, done := g.defs[name]; done {
		return ref, nil
	}
	g.defs[name] = nil // ends recursion
	s, err := g.structure(t)
	g.defs[name] = s
	return ref, err
}

func defName(t reflect.Type) string {
	pkg := t.PkgPath()
	return pkg[strings.LastIndexByte(pkg, '/')+1:] + "." + t.Name()
}

func (g *generator) structure(t reflect.Type) (object, error) {
	if err := complete(t); err != nil {
		return nil, err
	}
	properties := object{}
	for _, f := range strictyaml.Fields(t) {
		doc, err := g.comments.ofField(f.Owner, f.GoName)
		if err != nil {
			return nil, err
		}
		s, err := g.value(f.Type, f.Enum)
		if err != nil {
			return nil, fmt.Errorf("%v.%s: %w", t, f.GoName, err)
		}
		s["description"] = plain(doc, f.GoName)
		if d := defaultOf(doc); d != "" && len(f.Enum) > 0 {
			s["default"] = d
		}
		if f.Secret {
			s["writeOnly"] = true
		}
		properties[f.Name] = s
	}
	doc, err := g.comments.ofType(t)
	if err != nil {
		return nil, err
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if doc != "" {
		s["description"] = plain(doc, t.Name())
	}
	return s, nil
}

// complete looks that no exported field of a Config was left without a tag: it
// could never be set, and nobody would know.
func complete(t reflect.Type) error {
	for i := range t.NumField() {
		f := t.Field(i)
		if _, tagged := f.Tag.Lookup("yaml"); f.IsExported() && !f.Anonymous && !tagged {
			return fmt.Errorf("%v.%s has no yaml tag", t, f.Name)
		}
	}
	return nil
}
