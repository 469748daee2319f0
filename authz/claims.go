// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"durward/authz/eval"
)

// claim is a claim of a token that policies may read.
type claim struct{ name, typ string }

var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(bytes.NewReader(nil)) }}

// claimRecord are the declared claims of the caller's token.
type claimRecord request

func (c *claimRecord) Len() int {
	n := 0
	for _, v := range (*request)(c).readClaims() {
		if !absent(v) {
			n++
		}
	}
	return n
}

func (c *claimRecord) Name(n int) string {
	for i, v := range (*request)(c).readClaims() {
		if !absent(v) {
			if n == 0 {
				return c.claims[i].name
			}
			n--
		}
	}
	return ""
}

func (c *claimRecord) Get(name string) (eval.Value, bool) {
	given := (*request)(c).readClaims()
	for i := range c.claims {
		if c.claims[i].name == name {
			return given[i], !absent(given[i])
		}
	}
	return eval.Value{}, false
}

// absent is the zero Value: an error without a text.
func absent(v eval.Value) bool { return v.Kind == eval.Error && v.S == "" }

const otherType = "a claim is not of its declared type"

// readClaims reads the declared claims, once. A claim of another type than the
// declared one is an error to who reads it, not absent.
func (r *request) readClaims() []eval.Value {
	if r.claimed {
		return r.given
	}
	r.claimed = true
	for range r.claims {
		r.given = append(r.given, eval.Value{})
		r.sets = append(r.sets, nil)
	}
	if len(r.x.Principal.Claims) == 0 {
		return r.given
	}
	d := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(d)
	d.Reset(bytes.NewReader(r.x.Principal.Claims))
	if !r.scanClaims(d) {
		for i := range r.given {
			r.given[i] = eval.Failure("the claims cannot be read")
		}
	}
	return r.given
}

func (r *request) scanClaims(d *jsontext.Decoder) bool {
	if t, err := d.ReadToken(); err != nil || t.Kind() != jsontext.KindBeginObject {
		return false
	}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		text := name.String()
		i := slices.IndexFunc(r.claims, func(c claim) bool { return c.name == text })
		if i < 0 {
			if d.SkipValue() != nil {
				return false
			}
			continue
		}
		value, err := d.ReadValue()
		if err != nil {
			return false
		}
		if value.Kind() != jsontext.KindNull {
			r.given[i] = r.claimValue(i, value)
		}
	}
	_, err := d.ReadToken()
	return err == nil
}

func (r *request) claimValue(i int, value jsontext.Value) eval.Value {
	kind := value.Kind()
	switch r.claims[i].typ {
	case "String":
		if text, ok := unquote(value); ok {
			return eval.Text(text)
		}
	case "Long":
		if v, ok := typed(string(value), LongType); ok && kind == jsontext.KindNumber {
			return v
		}
	case "Bool":
		if v, ok := typed(string(value), BoolType); ok {
			return v
		}
	case "Set<String>":
		if list, ok := texts(value); ok {
			r.sets[i] = list
			return eval.Value{Kind: eval.SetOf, X: &r.sets[i]}
		}
	}
	return eval.Failure(otherType)
}

// texts reads a list of strings, or one string, without duplicates.
func texts(value jsontext.Value) (eval.Texts, bool) {
	if text, ok := unquote(value); ok {
		return eval.Texts{text}, true
	}
	if value.Kind() != jsontext.KindBeginArray {
		return nil, false
	}
	d := jsontext.NewDecoder(bytes.NewReader(value))
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	out := eval.Texts{}
	for d.PeekKind() != jsontext.KindEndArray {
		one, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		text, ok := unquote(one)
		if !ok {
			return nil, false
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out, true
}

func unquote(value jsontext.Value) (string, bool) {
	if value.Kind() != jsontext.KindString {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, value)
	return string(text), err == nil
}
