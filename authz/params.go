// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"durward"
	"durward/authz/eval"
)

const (
	reasonType     = "is not of its type"
	reasonRepeated = "is given more than once"
	reasonForm     = "cannot be read"
)

// typed reads a parameter's text as its type. What does not fit is an error
// value; ok tells which.
func typed(text string, t Type) (v eval.Value, ok bool) {
	switch t {
	case StringType:
		return eval.Text(text), true
	case BoolType:
		return eval.Truth(text == "true"), text == "true" || text == "false"
	case LongType:
		n, err := strconv.ParseInt(text, 10, 64)
		return eval.Number(n), err == nil && plainInteger(text)
	}
	return eval.Value{}, false
}

// plainInteger is JSON's form of an integer: no sign but -, no leading zero,
// no -0, so that every reader of the text has the same number.
func plainInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && digits[0] != '+' && (digits[0] != '0' || s == "0")
}

// pathRecord are the path parameters.
type pathRecord request

func (p *pathRecord) Len() int          { return len(p.op.Path) }
func (p *pathRecord) Name(i int) string { return p.op.Path[i].Name }

func (p *pathRecord) Get(name string) (eval.Value, bool) {
	r := (*request)(p)
	i := indexOf(r.op.Path, name)
	if i < 0 {
		return eval.Value{}, false
	}
	v, ok := typed(r.x.Param(name), r.op.Path[i].Type)
	if !ok {
		return r.refuse(durward.CodeParameterInvalid, "path", name, reasonType), true
	}
	return v, true
}

// headerRecord are the declared header fields, by their names in lower case.
type headerRecord request

func (h *headerRecord) Len() int {
	n := 0
	for i := range h.op.Header {
		if h.x.In.Header.Has(h.op.Header[i].Name) {
			n++
		}
	}
	return n
}

func (h *headerRecord) Name(n int) string {
	for i := range h.op.Header {
		if h.x.In.Header.Has(h.op.Header[i].Name) {
			if n == 0 {
				return h.lower[i]
			}
			n--
		}
	}
	return ""
}

func (h *headerRecord) Get(name string) (eval.Value, bool) {
	r := (*request)(h)
	for i := range r.lower {
		if r.lower[i] != name {
			continue
		}
		p := &r.op.Header[i]
		switch r.x.In.Header.Count(p.Name) {
		case 0:
			return eval.Value{}, false
		case 1:
			if v, ok := typed(r.x.In.Header.Get(p.Name), p.Type); ok {
				return v, true
			}
			return r.refuse(durward.CodeParameterInvalid, "header", p.Name, reasonType), true
		}
		return r.refuse(durward.CodeParameterInvalid, "header", p.Name, reasonRepeated), true
	}
	return eval.Value{}, false
}

// queryRecord are the declared parameters of the query.
type queryRecord request

func (q *queryRecord) Len() int {
	n := 0
	for _, p := range (*request)(q).readQuery() {
		if p.there || p.faulty {
			n++
		}
	}
	return n
}

func (q *queryRecord) Name(n int) string {
	for i, p := range (*request)(q).readQuery() {
		if p.there || p.faulty {
			if n == 0 {
				return q.op.Query[i].Name
			}
			n--
		}
	}
	return ""
}

func (q *queryRecord) Get(name string) (eval.Value, bool) {
	r := (*request)(q)
	i := indexOf(r.op.Query, name)
	if i < 0 {
		return eval.Value{}, false
	}
	p := &r.readQuery()[i]
	switch {
	case p.faulty && p.there:
		return r.refuse(durward.CodeParameterInvalid, "query", name, reasonRepeated), true
	case p.faulty:
		return r.refuse(durward.CodeParameterInvalid, "query", name, reasonForm), true
	case !p.there:
		return eval.Value{}, false
	}
	v, ok := typed(p.text, r.op.Query[i].Type)
	if !ok {
		return r.refuse(durward.CodeParameterInvalid, "query", name, reasonType), true
	}
	return v, true
}

// readQuery finds the declared parameters, once. A query with a piece that
// cannot be read in one way makes all of them faulty, since any could be in it.
func (r *request) readQuery() []param {
	if r.queried {
		return r.query
	}
	r.queried = true
	for range r.op.Query {
		r.query = append(r.query, param{})
	}
	for rest := r.x.In.RawQuery; rest != ""; {
		var piece string
		piece, rest, _ = strings.Cut(rest, "&")
		if piece == "" {
			continue
		}
		name, raw, _ := strings.Cut(piece, "=")
		name, okName := unescape(name)
		text, okText := unescape(raw)
		if !okName || !okText {
			for i := range r.query {
				r.query[i] = param{faulty: true}
			}
			return r.query
		}
		if i := indexOf(r.op.Query, name); i >= 0 {
			r.query[i] = param{text: text, there: true, faulty: r.query[i].there}
		}
	}
	return r.query
}

// unescape undoes percent-encoding and "+", as the contract check does. It
// refuses bad escapes, separators that only some know, control characters and
// what is not UTF-8.
func unescape(s string) (string, bool) {
	plain := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= 0x20, c >= 0x7f, c == ';', c == '#':
			return "", false
		case c == '%', c == '+':
			plain = false
		}
	}
	if plain {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			c = byte(n)
			i += 2
		}
		if c < 0x20 || c == 0x7f {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), utf8.Valid(b)
}
