// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"durward"
	"durward/internal/inflate"
)

// maxPlain is the most bytes that compressed content may stand for.
const maxPlain = 64 << 20

// errContent says that content could not be read to look for a value in it. It
// quotes nothing of the content.
var errContent = errors.New("content is neither JSON nor a form that can be read")

// values calls with for each value at a place, until it gives true.
func values(x *durward.Exchange, p *place, with func(value []byte) bool) (found bool, err error) {
	switch p.in {
	case "query":
		return pairs(x.In.RawQuery, p.name, with), nil
	case "header":
		for i := range x.In.Header {
			if h := &x.In.Header[i]; strings.EqualFold(h.Name, p.name) && with([]byte(h.Value)) {
				return true, nil
			}
		}
	case "cookie":
		for i := range x.In.Header {
			if h := &x.In.Header[i]; strings.EqualFold(h.Name, "Cookie") && cookies(h.Value, p.name, with) {
				return true, nil
			}
		}
	case "path":
		for i := range x.Params {
			if x.Params[i].Name == p.name && with([]byte(x.Params[i].Value)) {
				return true, nil
			}
		}
	case "body":
		return content(x, p, with)
	}
	return false, nil
}

func cookies(field, name string, with func([]byte) bool) bool {
	for pair := range strings.SplitSeq(field, ";") {
		n, v, ok := strings.Cut(strings.TrimLeft(pair, " "), "=")
		if ok && n == name && with([]byte(strings.Trim(v, `"`))) {
			return true
		}
	}
	return false
}

// pairs looks through a query or form.
func pairs(raw, name string, with func([]byte) bool) bool {
	for pair := range strings.SplitSeq(raw, "&") {
		n, v, _ := strings.Cut(pair, "=")
		if unescape(n) == name && with([]byte(unescape(v))) {
			return true
		}
	}
	return false
}

// unescape decodes once; what cannot be decoded stays as it is.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// content looks through the request's content.
func content(x *durward.Exchange, p *place, with func([]byte) bool) (bool, error) {
	body := &x.In.Body
	if body.Empty() || body.Length() == 0 {
		return false, nil
	}
	kind, _, _ := strings.Cut(x.In.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.Trim(kind, " \t"))
	form, isJSON := kind == "application/x-www-form-urlencoded", strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "json")
	if !form && !isJSON && len(p.steps) > 0 {
		return false, errContent
	}
	plain, err := body.Bytes()
	if err != nil {
		return false, err
	}
	if coding := x.In.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		if plain, err = inflate.Bytes(plain, maxPlain); err != nil || !strings.EqualFold(coding, "gzip") {
			return false, errContent
		}
	}
	switch {
	case len(p.steps) == 0:
		return with(plain), nil
	case form:
		return pairs(string(plain), p.name, with), nil
	}
	return members(plain, p.steps, with)
}

// members looks through JSON for the values at a path.
func members(content []byte, steps []string, with func([]byte) bool) (bool, error) {
	w := walk{d: jsontext.NewDecoder(bytes.NewReader(content), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), with: with}
	found, err := w.value(steps)
	if !found && err == nil {
		if _, err = w.d.ReadToken(); errors.Is(err, io.EOF) {
			return false, nil
		}
		err = errContent
	}
	if err != nil && !found {
		return false, errContent
	}
	return found, nil
}

type walk struct {
	d    *jsontext.Decoder
	with func([]byte) bool
}

// value goes through one value that lies at the beginning of steps.
func (w *walk) value(steps []string) (bool, error) {
	kind := w.d.PeekKind()
	if len(steps) == 0 || kind != '{' && kind != '[' {
		raw, err := w.d.ReadValue()
		if err != nil || len(steps) > 0 {
			return false, err
		}
		if raw.Kind() == '"' {
			plain, err := jsontext.AppendUnquote(nil, raw)
			return err == nil && w.with(plain), err
		}
		return w.with(raw), nil
	}
	if _, err := w.d.ReadToken(); err != nil {
		return false, err
	}
	for i := 0; ; i++ {
		if next := w.d.PeekKind(); next == '}' || next == ']' {
			_, err := w.d.ReadToken()
			return false, err
		}
		var mine bool
		if kind == '{' {
			name, err := w.d.ReadToken()
			if err != nil {
				return false, err
			}
			mine = steps[0] == "*" || name.String() == steps[0]
		} else {
			mine = steps[0] == "*" || steps[0] == itoa(i)
		}
		if !mine {
			if err := w.d.SkipValue(); err != nil {
				return false, err
			}
			continue
		}
		if found, err := w.value(steps[1:]); found || err != nil {
			return found, err
		}
	}
}
