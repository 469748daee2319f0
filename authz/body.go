// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"durward"
	"durward/authz/eval"
)

// bodyField is a declared member of the content; a record's own members stand
// in the same list, by the number of the record.
type bodyField struct {
	name   string
	typ    Type
	parent int // the record it is in; 0 is the content
	record int // its number, of a record
}

// content is the declared part of a request's content.
type content struct {
	read    bool
	fault   eval.Value   // Kind Bool (zero N) when there is none to say; see bodyRecord
	values  []eval.Value // of the declared members; Error with no text: not there
	records []bodyRecord
}

// bodyRecord is a JSON object of the content.
type bodyRecord struct {
	r     *request
	n     int
	there bool
}

func (c *content) reset() {
	clear(c.values)
	clear(c.records)
	*c = content{values: c.values[:0], records: c.records[:0]}
}

// flatten lists the declared members, outer ones first.
func (s *slice) flatten(fields []Field) []bodyField {
	s.bodies = 1
	var out []bodyField
	var walk func(fields []Field, parent int)
	walk = func(fields []Field, parent int) {
		for _, f := range fields {
			one := bodyField{name: f.Name, typ: f.Type, parent: parent}
			if f.Type == RecordType {
				one.record = s.bodies
				s.bodies++
			}
			out = append(out, one)
			if f.Type == RecordType {
				walk(f.Fields, one.record)
			}
		}
	}
	walk(fields, 0)
	return out
}

// bodyRecord gives context.body. Content that cannot be read in one way, or is
// not JSON, is an error, and refuses the request: a policy that forbids by a
// member must not be evaded by another form of it.
func (r *request) bodyRecord() (eval.Value, bool) {
	c := &r.content
	if !c.read {
		c.read = true
		for range r.body {
			c.values = append(c.values, eval.Value{})
		}
		for n := range r.bodies {
			c.records = append(c.records, bodyRecord{r: r, n: n})
		}
		c.fault = r.readBody()
	}
	if c.fault.Kind == eval.Error {
		return c.fault, true
	}
	return eval.Value{Kind: eval.RecordOf, X: &c.records[0]}, true
}

func (r *request) readBody() eval.Value {
	fine := eval.Truth(true)
	if r.x.In.Body.Empty() {
		r.content.records[0].there = true
		return fine
	}
	if !isJSON(r.x.In.Header) {
		return r.refuse(durward.CodeMediaType, "header", "Content-Type", "is not a form of content that the operation's policies can read")
	}
	data, err := r.x.In.Body.Bytes()
	if err != nil {
		code := durward.BodyFault(err)
		if code == "" {
			code = durward.CodeInternal
		}
		return r.refuse(code, "body", "", "could not be read")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		r.content.records[0].there = true
		return fine
	}
	d := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(d)
	d.Reset(bytes.NewReader(data))
	if d.PeekKind() != jsontext.KindBeginObject {
		return r.refuse(durward.CodeBodyInvalid, "body", "", "is not a JSON object")
	}
	if v := r.readObject(d, 0); v.Kind == eval.Error {
		return v
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return r.refuse(durward.CodeBodyMalformed, "body", "", "is not one JSON value")
	}
	return fine
}

// isJSON tells whether the content is JSON without a content coding.
func isJSON(h durward.Header) bool {
	if h.Count("Content-Type") != 1 || h.Count("Content-Encoding") > 1 || h.Has("Content-Encoding") && !strings.EqualFold(h.Get("Content-Encoding"), "identity") {
		return false
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "us-ascii":
	default: // other text to an upstream that heeds it
		return false
	}
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// readObject reads a JSON object whose kind was seen. The decoder refuses
// duplicate names and what is not UTF-8.
func (r *request) readObject(d *jsontext.Decoder, record int) eval.Value {
	malformed := func() eval.Value {
		return r.refuse(durward.CodeBodyMalformed, "body", "", "is not JSON")
	}
	r.content.records[record].there = true
	if _, err := d.ReadToken(); err != nil {
		return malformed()
	}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return malformed()
		}
		text := name.String()
		i := slices.IndexFunc(r.body, func(f bodyField) bool { return f.parent == record && f.name == text })
		if i < 0 {
			if d.SkipValue() != nil {
				return malformed()
			}
			continue
		}
		if v := r.readMember(d, i); v.Kind == eval.Error && r.fault != nil {
			return v
		} else if v.Kind == eval.Error {
			return malformed()
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return malformed()
	}
	return eval.Truth(true)
}

// readMember reads the value of a declared member. null is not there.
func (r *request) readMember(d *jsontext.Decoder, i int) eval.Value {
	f := &r.body[i]
	kind := d.PeekKind()
	if kind == jsontext.KindBeginObject && f.typ == RecordType {
		return r.readObject(d, f.record)
	}
	value, err := d.ReadValue()
	if err != nil {
		return eval.Failure("not JSON")
	}
	wrong := func() eval.Value {
		return r.refuse(durward.CodeBodyInvalid, "body", "/"+f.name, reasonType)
	}
	switch {
	case kind == jsontext.KindNull:
		return eval.Truth(true)
	case kind == jsontext.KindString && f.typ == StringType:
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return eval.Failure("not JSON")
		}
		r.content.values[i] = eval.Text(string(text))
	case kind == jsontext.KindNumber && f.typ == LongType, (kind == jsontext.KindTrue || kind == jsontext.KindFalse) && f.typ == BoolType:
		v, ok := typed(string(value), f.typ)
		if !ok {
			return wrong()
		}
		r.content.values[i] = v
	default:
		return wrong()
	}
	return eval.Truth(true)
}

func (b *bodyRecord) at(i int) (eval.Value, bool) {
	f := &b.r.body[i]
	if f.typ == RecordType {
		one := &b.r.content.records[f.record]
		return eval.Value{Kind: eval.RecordOf, X: one}, one.there
	}
	v := b.r.content.values[i]
	return v, v.Kind != eval.Error
}

// Get finds a member.
func (b *bodyRecord) Get(name string) (eval.Value, bool) {
	for i := range b.r.body {
		if b.r.body[i].parent == b.n && b.r.body[i].name == name {
			return b.at(i)
		}
	}
	return eval.Value{}, false
}

// Len counts the declared members that are there.
func (b *bodyRecord) Len() int {
	n := 0
	for i := range b.r.body {
		if b.r.body[i].parent == b.n {
			if _, ok := b.at(i); ok {
				n++
			}
		}
	}
	return n
}

// Name gives the name of the n-th member that is there.
func (b *bodyRecord) Name(n int) string {
	for i := range b.r.body {
		if b.r.body[i].parent != b.n {
			continue
		}
		if _, ok := b.at(i); ok {
			if n == 0 {
				return b.r.body[i].name
			}
			n--
		}
	}
	return ""
}
