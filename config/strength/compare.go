// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"reflect"
	"slices"
	"strconv"

	"durward/internal/strictyaml"
)

// Document is one of two documents that are compared. Both have the same type.
type Document struct {
	// Root is a pointer to the struct that the document was read into.
	Root any
	// At is the path of Root in the document, empty for the whole one.
	At string
	// Place tells where a field stands, or the nearest one above it.
	Place func(field string) (file string, line int)
	// Redact takes what must not be shown out of a field's value.
	Redact func(field, value string) string
	// Operations lists the ids of an API's operations.
	Operations func(api string) []string
}

// Compare gives every difference, in the order of the fields.
func Compare(old, new Document) Changes {
	w := &walker{old: old, new: new}
	w.fields(side{reflect.ValueOf(old.Root).Elem(), old.At}, side{reflect.ValueOf(new.Root).Elem(), new.At})
	return w.out
}

// Judge compares the field of name in a struct alone, as Compare does: for
// two places of one document.
func Judge(old, new Document, name string) Changes {
	w := &walker{old: old, new: new}
	o, n := side{reflect.ValueOf(old.Root).Elem(), old.At}, side{reflect.ValueOf(new.Root).Elem(), new.At}
	for _, f := range strictyaml.Fields(o.v.Type()) {
		if f.Name == name {
			w.field(f, o.field(f), n.field(f))
		}
	}
	return w.out
}

// Fallback tells what a field is when the document leaves it out, in its own
// words; "" where that is not one value.
func Fallback(f strictyaml.Field) string { return FallbackOf(Key(f)) }

// FallbackOf is Fallback of a field by the name of its rule.
func FallbackOf(key string) string { return rules[key].fallback }

// MethodKey tells kinds of credential apart, those of `authenticate`: what it
// is, where it stands, and who issues it.
func MethodKey(method any) string { return methodKey(reflect.ValueOf(method)) }

// Key names the rule of a field: package, type and name in the document.
func Key(f strictyaml.Field) string { return f.Owner.String() + "." + f.Name }

// side is a value of one document and its path there. One that is not there
// has the path of what would hold it.
type side struct {
	v    reflect.Value
	path string
}

func (s side) field(f strictyaml.Field) side {
	path := f.Name
	if s.path != "" {
		path = s.path + "." + f.Name
	}
	return side{s.v.FieldByIndex(f.Index), path}
}

// walker compares two documents.
type walker struct {
	old, new Document
	// api and operation are where the walk is, empty outside.
	api, operation string
	out            Changes
}

// add notes a change. secret hides its values.
func (w *walker) add(v verdict, old, new side, secret bool) {
	c := Change{Label: v.label, Reason: v.reason, Field: new.path}
	c.Old, c.New = shown(w.old, old, secret), shown(w.new, new, secret)
	if c.New.Field == "" {
		c.Field = c.Old.Field
	}
	c.Operations, c.Everything = w.concerned()
	w.out = append(w.out, c)
}

// shown describes one side of a change.
func shown(d Document, s side, secret bool) Side {
	out := Side{Field: s.path}
	if d.Place != nil {
		out.File, out.Line = d.Place(s.path)
	}
	if !s.v.IsValid() {
		out.Field = ""
		return out
	}
	switch {
	case secret && !s.v.IsZero():
		out.Value = "(secret)"
	case composite(s.v):
	default:
		out.Value = text(s.v)
		if d.Redact != nil {
			out.Value = d.Redact(s.path, out.Value)
		}
	}
	const most = 400
	out.Value = cut(out.Value, most)
	return out
}

// composite tells that a value has fields of its own, which may be secrets.
func composite(v reflect.Value) bool {
	t := v.Type()
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && len(strictyaml.Fields(t)) > 0
}

// concerned lists the operations that a change here is about.
func (w *walker) concerned() (ids []string, everything bool) {
	if w.api == "" {
		return []string{}, true
	}
	if w.operation != "" {
		return []string{w.api + "/" + w.operation}, false
	}
	return w.names(w.operations()), false
}

func (w *walker) names(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = w.api + "/" + id
	}
	return out
}

// operations lists the ids of the API's operations of both documents, sorted.
func (w *walker) operations() []string {
	var ids []string
	for _, d := range []Document{w.old, w.new} {
		if d.Operations != nil {
			ids = append(ids, d.Operations(w.api)...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// fields compares two structs of the same type, field by field.
func (w *walker) fields(old, new side) {
	old.v, new.v = addressable(old.v), addressable(new.v)
	if group := groups[old.v.Type()]; group != nil {
		group(w, old, new)
	}
	for _, f := range strictyaml.Fields(old.v.Type()) {
		w.field(f, old.field(f), new.field(f))
	}
}

// addressable copies what stands in a map.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	held := reflect.New(v.Type()).Elem()
	held.Set(v)
	return held
}

func (w *walker) field(f strictyaml.Field, old, new side) {
	if reflect.DeepEqual(old.v.Interface(), new.v.Interface()) {
		return
	}
	r, known := rules[Key(f)]
	switch {
	case r.grouped:
	case known && r.leaf != nil:
		w.add(r.leaf(old.v, new.v), old, new, f.Secret)
	case f.Type.Kind() == reflect.Struct && strictyaml.IsMapping(f.Type):
		w.fields(old, new)
	case !known:
		w.add(weaker("cannot be compared: there is no rule for it"), old, new, f.Secret)
	case f.Type.Kind() == reflect.Pointer && strictyaml.IsMapping(f.Type.Elem()):
		w.optional(r, old, new)
	case f.Type.Kind() == reflect.Map:
		w.entries(Key(f), r, old, new)
	case f.Type.Kind() == reflect.Slice && r.key != nil:
		w.items(r, old, new)
	default:
		w.add(weaker("cannot be compared: its rule does not fit it"), old, new, f.Secret)
	}
}

// optional compares two values of which one may not be there.
func (w *walker) optional(r rule, old, new side) {
	missing := func(s side) bool { return !s.v.IsValid() || s.v.Kind() == reflect.Pointer && s.v.IsNil() }
	inner := func(s side, like reflect.Value) side {
		if missing(s) {
			for like.Kind() == reflect.Pointer {
				like = like.Elem()
			}
			return side{reflect.New(like.Type()).Elem(), s.path}
		}
		for s.v.Kind() == reflect.Pointer {
			s.v = s.v.Elem()
		}
		return s
	}
	switch {
	case missing(old) && missing(new):
	case missing(old) && r.added != nil:
		w.add(*r.added, side{path: old.path}, new, false)
	case missing(new) && r.removed != nil:
		w.add(*r.removed, old, side{path: new.path}, false)
	default:
		like := old.v
		if missing(old) {
			like = new.v
		}
		w.fields(inner(old, like), inner(new, like))
	}
}

// entries compares two maps, key by key.
func (w *walker) entries(key string, r rule, old, new side) {
	all := append(keys(old.v), keys(new.v)...)
	slices.Sort(all)
	for _, k := range slices.Compact(all) {
		name := reflect.ValueOf(k).Convert(old.v.Type().Key())
		o := side{old.v.MapIndex(name), strictyaml.Key(old.path, k)}
		n := side{new.v.MapIndex(name), strictyaml.Key(new.path, k)}
		api, operation := w.api, w.operation
		switch key {
		case apisField:
			w.api = k
		case operationsField:
			w.operation = k
		}
		w.optional(r, o, n)
		w.api, w.operation = api, operation
	}
}

// The maps that tell where the walk is.
const (
	apisField       = "config.Config.apis"
	operationsField = "config.API.operations"
)

// items compares two lists of structs, paired by their rule's key; several of
// one key by their order.
func (w *walker) items(r rule, old, new side) {
	type pair struct{ old, new side }
	var order []string
	pairs := map[string]*pair{}
	collect := func(list side, set func(*pair, side)) {
		count := map[string]int{}
		for i := range list.v.Len() {
			item := list.v.Index(i)
			k := r.key(item)
			count[k]++
			k += "\x00" + strconv.Itoa(count[k])
			if pairs[k] == nil {
				pairs[k] = &pair{old: side{path: old.path}, new: side{path: new.path}}
				order = append(order, k)
			}
			set(pairs[k], side{item, list.path + "[" + strconv.Itoa(i) + "]"})
		}
	}
	collect(old, func(p *pair, s side) { p.old = s })
	collect(new, func(p *pair, s side) { p.new = s })
	for _, k := range order {
		w.optional(r, pairs[k].old, pairs[k].new)
	}
}
