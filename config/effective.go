// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"durward/config/strength"
	"durward/internal/strictyaml"
)

// Origin says on which level a value was said.
type Origin string

const (
	OriginDefault   Origin = "default"   // nobody said it
	OriginDefaults  Origin = "defaults"  // the document's defaults
	OriginAPI       Origin = "api"       // the API
	OriginOperation Origin = "operation" // the operation
	OriginGateway   Origin = "gateway"   // the document, for all APIs
)

// EffectiveValue is one value that holds for an operation, and where it comes from.
type EffectiveValue struct {
	// Path is the field as an API has it (validation.max_body). What an
	// operation has on top of its API begins with "operation.", what holds for
	// all APIs with "gateway.".
	Path string `json:"path"`
	// Value is as the document would say it; secrets and what came from outside
	// the document are not shown. Empty with OriginDefault where the default is
	// not one value.
	Value  string `json:"value"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Origin Origin `json:"origin"`
	// Overrides tells that the value is under an override: it may protect less
	// than what was said above.
	Overrides bool `json:"overrides,omitempty"`
}

// Effective lists what holds for an operation, merged from the document's
// defaults, the API and the operation, sorted by path. It gives nil when there
// is no such API. It is for people, at their pace: it works by reflection.
func (c *Config) Effective(api, operation string) []EffectiveValue {
	a := c.APIs[api]
	if a == nil {
		return nil
	}
	e := &effective{c: c}
	e.part("gateway.rate_limit", "rate_limit", reflect.ValueOf(&c.RateLimit).Elem(), OriginGateway)
	e.part("gateway.lockout", "lockout", reflect.ValueOf(&c.Lockout).Elem(), OriginGateway)
	e.part("gateway.limits", "limits", reflect.ValueOf(&c.Limits).Elem(), OriginGateway)
	e.part("gateway.trusted_proxies", "trusted_proxies", reflect.ValueOf(c.TrustedProxies), OriginGateway)
	e.part("gateway.audit", "audit", reflect.ValueOf(&c.Audit).Elem(), OriginGateway)
	at := strictyaml.Key("apis", api)
	for _, f := range strictyaml.Fields(reflect.TypeFor[API]()) {
		if f.Name != "operations" && f.Name != "override" {
			e.override = a.Override
			e.field(f, f.Name, at+"."+f.Name, f.Name, reflect.ValueOf(a).Elem().FieldByIndex(f.Index), OriginAPI)
		}
	}
	if op := a.Operations[operation]; op != nil {
		e.operation(strictyaml.Key(at+".operations", operation), op)
	}
	slices.SortStableFunc(e.out, func(x, y EffectiveValue) int { return strings.Compare(x.Path, y.Path) })
	return e.out
}

type effective struct {
	c        *Config
	override []string
	short    string // the place of the value with a short form that is listed
	out      []EffectiveValue
}

// replaced are the fields of an operation that stand in for those of its API.
var replaced = map[string]string{
	"max_body": "validation.max_body", "timeout": "upstream.timeout", "body_idle_timeout": "upstream.body_idle_timeout",
	"upgrades": "upstream.upgrades", "security": "security", "audit": "audit",
}

// operation puts what an operation says in place of its API's, or beside it.
func (e *effective) operation(at string, op *Operation) {
	v := reflect.ValueOf(op).Elem()
	e.override = op.Override
	for _, f := range strictyaml.Fields(v.Type()) {
		if f.Name == "override" || v.FieldByIndex(f.Index).IsZero() {
			continue
		}
		path := "operation." + f.Name
		if above := replaced[f.Name]; above != "" {
			path = above
			e.out = slices.DeleteFunc(e.out, func(one EffectiveValue) bool { return within(one.Path, above) })
		}
		e.field(f, path, at+"."+f.Name, f.Name, v.FieldByIndex(f.Index), OriginOperation)
	}
}

// part lists a part of the document that is no field of an API.
func (e *effective) part(path, at string, v reflect.Value, origin Origin) {
	e.field(strictyaml.Field{}, path, at, at, v, origin)
}

// field lists the values at a field: its own, or those of the fields below.
// path is what people see, at where it stands in the document, and relative its
// path within the level that said it.
func (e *effective) field(f strictyaml.Field, path, at, relative string, v reflect.Value, origin Origin) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	below := func(name string, f strictyaml.Field, v reflect.Value) {
		e.field(f, path+name, at+name, relative+name, v, origin)
	}
	switch t := v.Type(); {
	case t.Kind() == reflect.Struct && strictyaml.IsMapping(t):
		if outer := e.short; strictyaml.IsText(t) {
			e.short = at // a rate alone, in place of its rate and burst
			defer func() { e.short = outer }()
		}
		for _, inner := range strictyaml.Fields(t) {
			inner.Secret = inner.Secret || f.Secret
			below("."+inner.Name, inner, v.FieldByIndex(inner.Index))
		}
	case t.Kind() == reflect.Map && v.Len() > 0:
		for _, k := range v.MapKeys() {
			below(strings.TrimPrefix(strictyaml.Key("x", k.String()), "x"), strictyaml.Field{Secret: f.Secret}, v.MapIndex(k))
		}
	case t.Kind() == reflect.Slice && v.Len() > 0 && ofStructs(t):
		for i := range v.Len() {
			below("["+strconv.Itoa(i)+"]", strictyaml.Field{Secret: f.Secret}, v.Index(i))
		}
	default:
		e.value(f, path, at, relative, v, origin)
	}
}

func ofStructs(t reflect.Type) bool {
	for t = t.Elem(); t.Kind() == reflect.Pointer; t = t.Elem() {
	}
	return t.Kind() == reflect.Struct && strictyaml.IsMapping(t)
}

// value lists one value. What nobody said is listed only where its default is
// known, so that the list stays readable.
func (e *effective) value(f strictyaml.Field, path, at, relative string, v reflect.Value, origin Origin) {
	one := EffectiveValue{Path: path, Origin: origin}
	said := at
	if origin == OriginAPI {
		said = e.c.origin(at)
		if strings.HasPrefix(said, defaultsPath+".") {
			one.Origin = OriginDefaults
		}
	}
	if said == "" || e.c.doc != nil && !e.c.doc.Has(said) {
		short := e.short != "" && !v.IsZero() && e.c.origin(e.short) != ""
		if !short && !e.inherited(at) {
			one.Origin = OriginDefault
			if one.Value = text(v); v.IsZero() {
				one.Value = ""
				if f.Owner != nil {
					one.Value = strength.Fallback(f)
				}
			}
			if one.Value != "" && !f.Secret {
				e.out = append(e.out, one)
			}
			return
		}
		said = at // an item of a list that stands in the document
		if short {
			said = e.c.origin(e.short)
		}
	}
	one.File, one.Line = e.c.place(said)
	one.Value = shownText(v)
	if f.Secret {
		one.Value = "(secret)"
	} else {
		one.Value = e.c.redact(said, one.Value)
	}
	one.Overrides = one.Origin != OriginDefaults && slices.ContainsFunc(e.override, func(o string) bool { return within(relative, o) })
	e.out = append(e.out, one)
}

// inherited tells whether a value is one item of what the document says as a
// whole: of a list of the defaults, or of a short form.
func (e *effective) inherited(at string) bool {
	i := strings.LastIndexAny(at, "[.")
	return i > 0 && e.c.doc != nil && strings.ContainsRune(at, '[') && e.c.origin(at[:i]) != ""
}

// shownText writes a value as the document would.
func shownText(v reflect.Value) string {
	if v.Kind() == reflect.Slice && !isText(v) {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return text(v)
}
