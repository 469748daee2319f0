// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

type decoder struct {
	doc   *Document
	subst *substituter
	errs  Errors
	// path, secret and enum are the tags of the field being read; they hold
	// for the items of a list, too.
	path, secret bool
	enum         []string
}

func (d *decoder) fail(n *yaml.Node, p place, format string, args ...any) {
	if len(d.errs) >= MaxErrors {
		return
	}
	d.errs = append(d.errs, &Error{
		File: d.doc.Name, Line: n.Line, Column: n.Column, Field: p.path, Reason: fmt.Sprintf(format, args...),
	})
}

// refuse reports what no document may hold, wherever it stands.
func (d *decoder) refuse(n *yaml.Node, depth int) {
	switch {
	case depth > MaxDepth:
		d.fail(n, place{}, "nested deeper than %d levels", MaxDepth)
		return
	case n.Kind == yaml.AliasNode:
		d.fail(n, place{}, "aliases (*name) are not taken: write the value again")
		return
	case n.Anchor != "":
		d.fail(n, place{}, "anchors (&name) are not taken")
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(n, place{}, "tags (!name) are not taken")
	case n.Tag == "!!merge":
		d.fail(n, place{}, "merge keys (<<) are not taken")
	}
	for _, c := range n.Content {
		d.refuse(c, depth+1)
	}
}

// value decodes n into v. at is the node whose position stands for the field:
// the key of a mapping or list, else the value itself.
func (d *decoder) value(at, n *yaml.Node, v reflect.Value, p place) {
	if n.Kind == yaml.ScalarNode || at == nil {
		at = n
	}
	if p.path != "" {
		d.doc.note(p, Position{at.Line, at.Column})
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	t := v.Type()
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		d.fail(at, p, "has no value: give it one, or leave the line out")
	case n.Kind == yaml.ScalarNode && (IsText(t) || isScalar(t)):
		d.scalar(n, v, p)
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct && IsMapping(t):
		d.structure(n, v, p)
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map && IsMapping(t):
		d.mapping(n, v, p)
	case n.Kind == yaml.SequenceNode && isList(t):
		d.list(n, v, p)
	default:
		d.fail(at, p, "expected %s, found %s", expected(t), found(n))
	}
}

// isList tells whether values of t are written as a list. A byte slice that
// reads text (net.IP) is not.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && (!IsText(t) || t.Elem().Kind() != reflect.Uint8)
}

// keys calls read for each entry whose key can be used.
func (d *decoder) keys(n *yaml.Node, p place, read func(key, value *yaml.Node)) {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
			d.fail(key, p, "a key must be text")
		case first != nil:
			d.fail(key, p.key(key.Value), "is given twice, first in line %d", first.Line)
		default:
			seen[key.Value] = key
			read(key, value)
		}
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, p place) {
	fields := Fields(v.Type())
	d.keys(n, p, func(key, value *yaml.Node) {
		for _, f := range fields {
			if f.Name == key.Value {
				path, secret, enum := d.path, d.secret, d.enum
				d.path, d.secret, d.enum = f.Path, f.Secret || d.secret, f.Enum
				d.value(key, value, v.FieldByIndex(f.Index), p.key(f.Name))
				d.path, d.secret, d.enum = path, secret, enum
				return
			}
		}
		d.fail(key, p.key(key.Value), "unknown field%s", hint(key.Value, fields))
	})
}

// hint says what an unknown name may have been meant to be, or what names
// there are.
func hint(wrong string, fields []Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	if s := suggest(wrong, names); s != "" {
		return fmt.Sprintf("; did you mean %s?", s)
	}
	if len(names) > 0 && len(names) <= 12 {
		return "; known here: " + strings.Join(names, ", ")
	}
	return ""
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, p place) {
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		panic("strictyaml: maps need string keys: " + t.String())
	}
	out := reflect.MakeMapWithSize(t, len(n.Content)/2)
	d.keys(n, p, func(key, value *yaml.Node) {
		if key.Value == "" {
			d.fail(key, p, "a key must not be empty")
			return
		}
		item := reflect.New(t.Elem()).Elem()
		d.value(key, value, item, p.key(key.Value))
		out.SetMapIndex(reflect.ValueOf(key.Value).Convert(t.Key()), item)
	})
	v.Set(out)
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, p place) {
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, item, out.Index(i), p.index(i))
	}
	v.Set(out)
}

// absolute makes a path absolute, relative to the document's folder.
func (d *decoder) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	full, err := filepath.Abs(filepath.Join(d.subst.dir, path))
	if err != nil {
		return filepath.Join(d.subst.dir, path)
	}
	return full
}
