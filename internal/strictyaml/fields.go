// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"encoding"
	"reflect"
	"strings"
	"sync"
)

// Field is a field of a struct that a document can set.
type Field struct {
	Name   string       // in the document
	Index  []int        // for reflect.Value.FieldByIndex
	Type   reflect.Type // of the Go field
	Path   bool         // tagged path:"true": a file path, made absolute
	Secret bool         // tagged secret:"true": never shown
	Enum   []string     // tagged enum:"a,b": the only words that are taken
	Owner  reflect.Type // the struct that declares it
	GoName string
	Tag    reflect.StructTag
}

var fieldCache sync.Map // reflect.Type -> []Field

// Fields lists the fields of a struct type that a document can set, those of
// embedded and inlined structs among them, in the order of declaration.
func Fields(t reflect.Type) []Field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]Field)
	}
	fields := fieldsOf(t, nil)
	fieldCache.Store(t, fields)
	return fields
}

func fieldsOf(t reflect.Type, index []int) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		name, flags, _ := strings.Cut(tag, ",")
		at := append(append([]int(nil), index...), i)
		inline := f.Anonymous && name == "" || strings.Contains(","+flags+",", ",inline,")
		switch {
		case name == "-":
		case inline && f.Type.Kind() == reflect.Struct:
			out = append(out, fieldsOf(f.Type, at)...)
		case !tagged || name == "" || !f.IsExported():
		default:
			var enum []string
			if words := f.Tag.Get("enum"); words != "" {
				enum = strings.Split(words, ",")
			}
			out = append(out, Field{
				Enum: enum, Name: name, Index: at, Type: f.Type, Owner: t, GoName: f.Name, Tag: f.Tag,
				Path: f.Tag.Get("path") == "true", Secret: f.Tag.Get("secret") == "true",
			})
		}
	}
	return out
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// IsText tells whether values of t are written as one scalar that t reads
// itself.
func IsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textUnmarshaler) }

// IsMapping tells whether values of t may be written as a mapping.
func IsMapping(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Map:
		return !IsText(t)
	case reflect.Struct:
		return !IsText(t) || len(Fields(t)) > 0
	}
	return false
}

// suggest finds the known field that a wrong one was probably meant to be.
func suggest(wrong string, known []string) string {
	return Suggest(strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(wrong)), known)
}

// Suggest finds the known name that a wrong one was probably meant to be, ""
// when none is near.
func Suggest(normal string, known []string) string {
	best, bestDistance := "", min(len(normal)/3, 3)+1
	if len(normal) > 64 {
		return ""
	}
	for _, k := range known {
		if d := distance(normal, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the characters to insert, delete, change or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
