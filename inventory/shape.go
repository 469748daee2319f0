// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"bytes"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a shape.
const (
	maxDepth   = 12
	maxMembers = 64
	maxFormats = 8
)

// Shape is what values of one place looked like: their types and formats, and
// the members and items in them. It holds no value.
type Shape struct {
	// Types counts values by type: null, boolean, integer, number, string,
	// array, object.
	Types map[string]int64 `json:"types,omitempty"`
	// Formats counts strings by format, "" for none.
	Formats map[string]int64 `json:"formats,omitempty"`
	// Members are those of objects, unless Open.
	Members map[string]*Shape `json:"members,omitempty"`
	// Open says that the names of members are values themselves, such as ids;
	// Items then has the shape of all.
	Open  bool   `json:"open,omitempty"`
	Items *Shape `json:"items,omitempty"`
}

func (s *Shape) is(kind string) {
	if s.Types == nil {
		s.Types = map[string]int64{}
	}
	s.Types[kind]++
}

// text notes a string, or what a query parameter writes as one.
func (s *Shape) text(v string) {
	switch {
	case v == "true" || v == "false":
		s.is("boolean")
	case isInteger(v):
		s.is("integer")
	case isNumber(v):
		s.is("number")
	default:
		s.string(v)
	}
}

func (s *Shape) string(v string) {
	s.is("string")
	format := formatOf(v)
	if s.Formats == nil {
		s.Formats = map[string]int64{}
	}
	if s.Formats[format] > 0 || len(s.Formats) < maxFormats {
		s.Formats[format]++
	}
}

// learn notes one JSON text; one that is not whole or not JSON is noted as far
// as it could be read.
func (s *Shape) learn(content []byte) {
	d := jsontext.NewDecoder(bytes.NewReader(content))
	s.value(d, 0)
}

func (s *Shape) value(d *jsontext.Decoder, depth int) bool {
	switch d.PeekKind() {
	case '{':
		s.is("object")
		return s.object(d, depth)
	case '[':
		s.is("array")
		return s.array(d, depth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return false
	}
	switch t.Kind() {
	case 'n':
		s.is("null")
	case 't', 'f':
		s.is("boolean")
	case '"':
		s.string(t.String())
	case '0':
		if isInteger(t.String()) {
			s.is("integer")
		} else {
			s.is("number")
		}
	}
	return true
}

func (s *Shape) array(d *jsontext.Decoder, depth int) bool {
	if depth >= maxDepth {
		return d.SkipValue() == nil
	}
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for d.PeekKind() != ']' {
		if s.Items == nil {
			s.Items = new(Shape)
		}
		if !s.Items.value(d, depth+1) {
			return false
		}
	}
	_, err := d.ReadToken()
	return err == nil
}

func (s *Shape) object(d *jsontext.Decoder, depth int) bool {
	if depth >= maxDepth {
		return d.SkipValue() == nil
	}
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil || !s.member(name.String()).value(d, depth+1) {
			return false
		}
	}
	_, err := d.ReadToken()
	return err == nil
}

// member gives the shape of a member. An object whose names look like ids, or
// that has very many, is one whose names are values.
func (s *Shape) member(name string) *Shape {
	if !s.Open && s.Members[name] == nil && (len(s.Members) >= maxMembers || len(name) > maxName || placeholder(name) != "") {
		s.open()
	}
	if s.Open {
		return s.Items
	}
	if s.Members[name] == nil {
		put(&s.Members, strings.Clone(name), new(Shape))
	}
	return s.Members[name]
}

func (s *Shape) open() {
	s.Open = true
	if s.Items == nil {
		s.Items = new(Shape)
	}
	for _, m := range s.Members {
		s.Items.merge(m, 0)
	}
	s.Members = nil
}

func (s *Shape) merge(o *Shape, depth int) {
	if depth > maxDepth {
		return
	}
	for kind, n := range o.Types {
		put(&s.Types, kind, s.Types[kind]+n)
	}
	for format, n := range o.Formats {
		if s.Formats[format] > 0 || len(s.Formats) < maxFormats {
			put(&s.Formats, format, s.Formats[format]+n)
		}
	}
	if o.Items != nil {
		if s.Items == nil {
			s.Items = new(Shape)
		}
		s.Items.merge(o.Items, depth+1)
	}
	if o.Open && !s.Open {
		s.open()
	}
	for name, m := range o.Members {
		s.member(name).merge(m, depth+1)
	}
}

func isInteger(v string) bool {
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

func isNumber(v string) bool {
	if v == "" || strings.Trim(v, "-+.0123456789eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(v, 64)
	return err == nil
}

// formatOf names the JSON Schema format that a string has; "" for none.
func formatOf(v string) string {
	switch {
	case v == "" || len(v) > 512:
	case isUUID(v):
		return "uuid"
	case len(v) == len(time.DateOnly) && parses(time.DateOnly, v):
		return "date"
	case len(v) >= 20 && len(v) <= 40 && parses(time.RFC3339Nano, v):
		return "date-time"
	case strings.Contains(v, "://"):
		if u, err := url.Parse(v); err == nil && u.Host != "" {
			return "uri"
		}
	case isEmail(v):
		return "email"
	case strings.ContainsAny(v, ".:"):
		if a, err := netip.ParseAddr(v); err == nil {
			if a.Is4() {
				return "ipv4"
			}
			return "ipv6"
		}
	}
	return ""
}

func parses(layout, v string) bool {
	_, err := time.Parse(layout, v)
	return err == nil
}

func isUUID(v string) bool {
	if len(v) != 36 {
		return false
	}
	for i := range len(v) {
		switch c := v[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}

// isEmail is a guess that is right for what people have.
func isEmail(v string) bool {
	local, domain, ok := strings.Cut(v, "@")
	return ok && local != "" && !strings.ContainsAny(v, " /?#<>\"\\") && strings.Contains(domain, ".") && !strings.Contains(domain, "@") &&
		!strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}
