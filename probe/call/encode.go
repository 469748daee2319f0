// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"errors"
	"strings"

	"durward/probe/client"
	"durward/probe/spec"
)

// Encode writes the call down below a base path ("", "/v1"): parameters by
// their styles (OpenAPI 3.1 section 4.8.12.3), the body by its media type. The
// same call gives the same bytes. It fails where the call has no operation.
func (c *Call) Encode(base string) (*client.Request, error) {
	if c.Op == nil {
		return nil, errors.New("a call without an operation")
	}
	r := &client.Request{Method: c.Op.Method}
	if c.Method != "" {
		r.Method = c.Method
	}
	r.Target = strings.TrimSuffix(base, "/") + c.path()
	if q := c.query(); q != "" {
		r.Target += "?" + q
	}
	accept, contentType := false, false
	for _, v := range c.Header {
		accept = accept || strings.EqualFold(v.Name, "Accept")
		contentType = contentType || strings.EqualFold(v.Name, "Content-Type")
		r.Header = append(r.Header, client.Field{Name: v.Name, Value: headerValue(c.param("header", v.Name), v.Value)})
	}
	if !accept {
		r.Header = append(r.Header, client.Field{Name: "Accept", Value: "application/json, */*;q=0.5"})
	}
	if cookies := c.cookies(); cookies != "" {
		r.Header = append(r.Header, client.Field{Name: "Cookie", Value: cookies})
	}
	if c.HasBody {
		body, typ, err := c.body()
		if err != nil {
			return nil, err
		}
		r.Body = body
		if typ != "" && !contentType {
			r.Header = append(r.Header, client.Field{Name: "Content-Type", Value: typ})
		}
	}
	return r, nil
}

// usual is how a parameter that nobody declared is sent.
var usual = map[string]*spec.Param{
	"path":   {Style: "simple"},
	"query":  {Style: "form", Explode: true},
	"header": {Style: "simple"},
	"cookie": {Style: "form"},
}

func (c *Call) param(in, name string) *spec.Param {
	if p := c.Op.Param(in, name); p != nil {
		return p
	}
	return usual[in]
}

// path fills the template. A parameter without a value is an empty segment.
func (c *Call) path() string {
	var out strings.Builder
	rest := c.Op.Template()
	for {
		before, after, found := strings.Cut(rest, "{")
		name, tail, closed := strings.Cut(after, "}")
		if !found || !closed {
			out.WriteString(rest)
			return out.String()
		}
		out.WriteString(before)
		if v, ok := c.Get(Place{In: "path", Name: name}); ok {
			out.WriteString(pathValue(c.param("path", name), name, v))
		}
		rest = tail
	}
}

func (c *Call) query() string {
	var all []string
	for _, v := range c.Query {
		all = append(all, queryValue(c.param("query", v.Name), v.Name, v.Value)...)
	}
	return strings.Join(all, "&")
}

func (c *Call) cookies() string {
	var all []string
	for _, v := range c.Cookie {
		if raw, ok := v.Value.(Raw); ok {
			all = append(all, v.Name+"="+string(raw))
			continue
		}
		p := c.param("cookie", v.Name)
		all = append(all, v.Name+"="+join(p, v.Value, ",", p.Explode, escapeCookie))
	}
	return strings.Join(all, "; ")
}

// headerValue is sent without escaping, as header fields have none; controls,
// which would end the field, become spaces. Raw may have them.
func headerValue(p *spec.Param, v any) string {
	if raw, ok := v.(Raw); ok {
		return string(raw)
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, join(p, v, ",", p.Explode, func(s string) string { return s }))
}

func pathValue(p *spec.Param, name string, v any) string {
	if raw, ok := v.(Raw); ok {
		return string(raw)
	}
	switch p.Style {
	case "label":
		sep := ","
		if p.Explode {
			sep = "."
		}
		return "." + join(p, v, sep, p.Explode, escape)
	case "matrix":
		if list, ok := v.([]any); ok && p.Explode {
			var out strings.Builder
			for _, item := range list {
				out.WriteString(";" + escape(name) + "=" + escape(text(item)))
			}
			return out.String()
		}
		if _, ok := v.(map[string]any); ok && p.Explode {
			return ";" + join(p, v, ";", true, escape)
		}
		return ";" + escape(name) + "=" + join(p, v, ",", false, escape)
	}
	s := join(p, v, ",", p.Explode, escape)
	if s == "." || s == ".." { // a segment that would be taken out
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return s
}

// queryValue gives the name=value pairs of one parameter.
func queryValue(p *spec.Param, name string, v any) []string {
	key := escape(name)
	switch t := v.(type) {
	case Raw:
		return []string{key + "=" + string(t)}
	case Twice:
		return append(queryValue(p, name, t.First), queryValue(p, name, t.Second)...)
	}
	if p.MediaType != "" {
		return []string{key + "=" + escape(string(appendJSON(nil, v)))}
	}
	sep := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}[p.Style]
	if sep == "" {
		sep = ","
	}
	switch v := v.(type) {
	case []any:
		if !p.Explode {
			break
		}
		var all []string
		for _, item := range v {
			all = append(all, key+"="+escape(text(item)))
		}
		return all
	case map[string]any:
		if p.Style == "deepObject" {
			return deep(key, v)
		}
		if !p.Explode {
			break
		}
		var all []string
		for _, k := range sortedKeys(v) {
			all = append(all, escape(k)+"="+escape(text(v[k])))
		}
		return all
	}
	return []string{key + "=" + join(p, v, sep, false, escape)}
}

// deep writes an object as name[a][b]=value.
func deep(key string, v any) []string {
	var all []string
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			all = append(all, deep(key+"["+escape(k)+"]", v[k])...)
		}
	case []any:
		for _, item := range v {
			all = append(all, deep(key, item)...)
		}
	case Twice:
		return append(deep(key, v.First), deep(key, v.Second)...)
	default:
		return []string{key + "=" + escape(text(v))}
	}
	return all
}
