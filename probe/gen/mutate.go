// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"durward/probe/call"
	"durward/probe/spec"
)

// Change is what a mutation does to a place.
type Change int

// Changes.
const (
	Set Change = iota
	Remove
	Append // the name is sent twice
)

// Mutation breaks one rule of an operation at one place.
type Mutation struct {
	Place   call.Place
	Keyword string // of the schema, or duplicate, encoding
	Change  Change
	Value   any
	// Exotic tells that even careful services seldom think of it: NUL, numbers
	// beyond 64 bits, text of thousands of characters.
	Exotic bool
}

// Apply gives a changed copy of a call; false where the place is not in it.
func (m Mutation) Apply(c *call.Call) (*call.Call, bool) {
	d := c.Clone()
	switch m.Change {
	case Remove:
		return d, d.Remove(m.Place)
	case Append:
		return d, d.Append(m.Place, m.Value)
	}
	return d, d.Set(m.Place, m.Value)
}

// String says what is done, in the middle of a sentence.
func (m Mutation) String() string {
	switch {
	case m.Change == Remove:
		return m.Place.String() + " left out"
	case m.Change == Append:
		return m.Place.String() + " sent twice"
	}
	v := fmt.Sprintf("%v", m.Value)
	if n, raw := m.Value.(call.Raw); raw {
		v = strconv.QuoteToASCII(string(n))
	} else if b, err := json.Marshal(m.Value); err == nil {
		v = string(b)
	}
	if len(v) > 60 {
		v = v[:40] + "... of " + strconv.Itoa(len(v)) + " bytes"
	}
	return m.Place.String() + " = " + v + " (" + m.Keyword + ")"
}

// Mutations lists what breaks one rule of the document each, of a call that is
// valid. Parameters are text on the wire, so that only what no reading of the
// text makes valid counts there.
func Mutations(r *rand.Rand, c *call.Call) []Mutation {
	var all []Mutation
	for _, p := range c.Places() {
		if p.Schema == nil {
			continue
		}
		v, there := c.Get(p)
		if p.In == "body" {
			all = append(all, bodyMutations(r, c, p, v, there)...)
			continue
		}
		if !there {
			continue
		}
		all = append(all, paramMutations(r, c, p, v)...)
	}
	return all
}

func bodyMutations(r *rand.Rand, c *call.Call, p call.Place, v any, there bool) []Mutation {
	if !there || readOnly(p.Schema) {
		return nil
	}
	var all []Mutation
	if p.Required {
		all = append(all, Mutation{Place: p, Keyword: "required", Change: Remove})
	}
	if !jsonBody(c) {
		return all // what is text or a form has types by reading only
	}
	for _, bad := range Invalid(r, p.Schema, v) {
		all = append(all, Mutation{Place: p, Keyword: bad.Keyword, Value: bad.Value})
	}
	switch v := v.(type) {
	case map[string]any:
		const extra = "probeExtra"
		more := map[string]any{extra: "x"}
		for k, w := range v {
			more[k] = w
		}
		if breaks(p.Schema, more) == "additionalProperties" {
			all = append(all, Mutation{Place: call.Place{In: "body", Name: call.Member(p.Name, extra)}, Keyword: "additionalProperties", Value: "x"})
		}
	case []any:
	default:
		if p.Name != "" && strings.Count(p.Name, "/") == 1 {
			all = append(all, Mutation{Place: p, Keyword: "duplicate", Change: Append, Value: another(r, p.Schema, v)})
		}
	}
	return all
}

func jsonBody(c *call.Call) bool { return strings.HasSuffix(strings.ToLower(c.MediaType), "json") }

// another is a valid value that differs, where one is found.
func another(r *rand.Rand, s *spec.Schema, v any) any {
	for range 5 {
		if w := Valid(r, s, Hints{}); !Equal(v, w) {
			return w
		}
	}
	return v
}

func paramMutations(r *rand.Rand, c *call.Call, p call.Place, v any) []Mutation {
	var all []Mutation
	if p.Required && p.In != "path" {
		all = append(all, Mutation{Place: p, Keyword: "required", Change: Remove})
	}
	flat := p.Schema.Flat()
	kind := flat.Kind()
	if kind == "array" || kind == "object" || kind == "" || c.Op.Param(p.In, p.Name) == nil {
		return all
	}
	values := Invalid(r, p.Schema, v)
	if kind != "string" {
		values = append(values, Bad{"type", "probe"})
	}
	for _, bad := range values {
		t, scalar := asText(bad.Value)
		if !scalar || p.In == "path" && t == "" || breaks(p.Schema, Read(p.Schema, t)) == "" {
			continue
		}
		if !slices.ContainsFunc(all, func(m Mutation) bool { return m.Keyword == bad.Keyword }) {
			all = append(all, Mutation{Place: p, Keyword: bad.Keyword, Value: t})
		}
	}
	if p.In == "query" {
		all = append(all, Mutation{Place: p, Keyword: "duplicate", Change: Append, Value: another(r, p.Schema, v)})
	}
	return all
}

func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// Read reads a parameter's text as the type that its schema has: a number or a
// boolean where it is one, else the text.
func Read(s *spec.Schema, text string) any {
	flat := s.Flat()
	if slices.Contains(flat.Types, "string") || len(flat.Types) == 0 {
		return text
	}
	if (text == "true" || text == "false") && slices.Contains(flat.Types, "boolean") {
		return text == "true"
	}
	if slices.Contains(flat.Types, "integer") || slices.Contains(flat.Types, "number") {
		if json.Valid([]byte(text)) && text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') {
			return json.Number(text)
		}
	}
	return text
}

// Malformed lists what no schema speaks of: text that is no JSON, bytes that are
// no text, content of another type than was said. All of it is to be answered
// with 4xx, or taken as what it is.
func Malformed(c *call.Call) []Mutation {
	var all []Mutation
	raw := func(p call.Place, text string, exotic bool) {
		all = append(all, Mutation{Place: p, Keyword: "encoding", Value: call.Raw(text), Exotic: exotic})
	}
	for _, p := range c.Places() {
		if _, there := c.Get(p); !there || p.In != "query" && p.In != "path" {
			continue
		}
		raw(p, "%27%22", false)
		raw(p, "%00", true)
		raw(p, "%ff%fe", true)
		raw(p, "99999999999999999999", true)
	}
	if !c.HasBody {
		return all
	}
	body := call.Place{In: "body"}
	all = append(all, Mutation{Place: body, Keyword: "encoding", Change: Remove})
	if jsonBody(c) {
		raw(body, "", false)
		raw(body, `{"a":`, false)
		raw(body, "[]", false)
		raw(body, "null", false)
		raw(body, `"text"`, false)
		raw(body, "\xff\xfe{}", true)
		all = append(all, Mutation{Place: call.Place{In: "header", Name: "Content-Type"}, Keyword: "encoding", Value: "text/plain"})
		for _, p := range c.Places() {
			if v, there := c.Get(p); there && p.In == "body" && p.Schema != nil {
				if _, text := v.(string); text {
					all = append(all, Mutation{Place: p, Keyword: "encoding", Value: "nul\x00l", Exotic: true})
				}
				if _, number := Float(v); number {
					all = append(all, Mutation{Place: p, Keyword: "encoding", Value: json.Number("1e400"), Exotic: true},
						Mutation{Place: p, Keyword: "encoding", Value: json.Number("99999999999999999999"), Exotic: true})
				}
			}
		}
	}
	return all
}
