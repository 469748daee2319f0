// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document is the part of OpenAPI 3.1 that a draft has.
type document struct {
	OpenAPI string                           `yaml:"openapi"`
	Info    info                             `yaml:"info"`
	Paths   map[string]map[string]*operation `yaml:"paths"`
}

type info struct {
	Title       string `yaml:"title"`
	Version     string `yaml:"version"`
	Description string `yaml:"description"`
}

type operation struct {
	ID         string             `yaml:"operationId,omitempty"`
	Undeclared bool               `yaml:"x-durward-undeclared,omitempty"`
	Parameters []parameter        `yaml:"parameters,omitempty"`
	Body       *body              `yaml:"requestBody,omitempty"`
	Responses  map[string]*answer `yaml:"responses"`
}

type parameter struct {
	Name     string `yaml:"name"`
	In       string `yaml:"in"`
	Required bool   `yaml:"required,omitempty"`
	Schema   schema `yaml:"schema"`
}

type body struct {
	Content map[string]media `yaml:"content"`
}

type answer struct {
	Description string           `yaml:"description"`
	Content     map[string]media `yaml:"content,omitempty"`
}

type media struct {
	Schema schema `yaml:"schema,omitempty"`
}

// schema is a JSON Schema. Fields that are empty are left out.
type schema struct {
	Type       any               `yaml:"type,omitempty"` // one name, or several
	Format     string            `yaml:"format,omitempty"`
	Required   []string          `yaml:"required,omitempty,flow"`
	Properties map[string]schema `yaml:"properties,omitempty"`
	Additional *schema           `yaml:"additionalProperties,omitempty"`
	Items      *schema           `yaml:"items,omitempty"`
}

// methods are those that OpenAPI 3.1 knows.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// Draft writes an OpenAPI 3.1 document of what was seen of an API: a beginning
// for its author, to be read before it is used. It holds names, types and
// formats, no values.
func (a *API) Draft(title string) ([]byte, error) {
	d := document{OpenAPI: "3.1.0", Paths: map[string]map[string]*operation{}, Info: info{
		Title: title, Version: "0.0.0-draft",
		Description: "Learned from calls since " + a.Since.UTC().Format("2006-01-02 15:04") + " UTC. Read it before you use it: what nobody called is missing, and what an attacker tried may be in it.",
	}}
	declared := map[string]string{}
	for _, id := range sorted(a.Operations) {
		seen := a.Operations[id]
		d.add(seen.Method, seen.Template, id, seen)
		declared[form(seen.Template)] = seen.Template
	}
	for _, path := range joined(a.Undeclared) {
		template, params := named(path.path)
		if known := declared[form(path.path)]; known != "" {
			template, params = known, pathParameters(known)
		}
		d.undeclared(path.method, template, params, path.seen)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(d); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (d *document) add(method, path, id string, seen *Seen) {
	op := &operation{ID: id, Parameters: pathParameters(path)}
	if strings.Contains(id, " ") { // "GET /path": made for an operation without one
		op.ID = ""
	}
	d.put(method, path, op, seen)
}

func (d *document) undeclared(method, path string, params []parameter, seen *Seen) {
	d.put(method, path, &operation{Undeclared: true, Parameters: params}, seen)
}

// put completes an operation and enters it, unless there is one.
func (d *document) put(method, path string, op *operation, seen *Seen) {
	method = strings.ToLower(method)
	if path == "" || !slices.Contains(methods, method) || d.Paths[path][method] != nil {
		return
	}
	for _, name := range sorted(seen.Parameters) {
		op.Parameters = append(op.Parameters, parameter{Name: name, In: "query", Schema: seen.Parameters[name].Shape.schema()})
	}
	for _, kind := range sorted(seen.Requests) {
		if kind == "" {
			continue
		}
		if op.Body == nil {
			op.Body = &body{Content: map[string]media{}}
		}
		op.Body.Content[kind] = media{seen.Requests[kind].schema()}
	}
	op.Responses = map[string]*answer{}
	op.answers(seen)
	if d.Paths[path] == nil {
		d.Paths[path] = map[string]*operation{}
	}
	d.Paths[path][method] = op
}

// undeclaredPath is an undeclared operation, or several that nothing but the
// kind of an id tells apart.
type undeclaredPath struct {
	method, path string
	seen         *Seen
}

// joined gives the undeclared operations so that no two paths have one form:
// /users/{id} and /users/{uuid} are one to whoever reads the draft. All methods
// of a form have the same path.
func joined(all map[string]*Seen) (out []undeclaredPath) {
	paths := map[string]string{}
	at := map[string]int{}
	for _, key := range sorted(all) {
		method, path, _ := strings.Cut(key, " ")
		shape := form(path)
		if had, ok := paths[shape]; ok {
			path = common(had, path)
		}
		paths[shape] = path
		i, ok := at[method+" "+shape]
		if !ok {
			at[method+" "+shape] = len(out)
			out = append(out, undeclaredPath{method, shape, all[key]})
			continue
		}
		both := out[i].seen.clone() // a merge changes what it is made of
		both.merge(all[key].clone(), ample)
		out[i].seen = both
	}
	for i := range out {
		out[i].path = paths[out[i].path]
	}
	return out
}

// form is a path without the names of its parameters.
func form(path string) string {
	var b strings.Builder
	for {
		text, rest, ok := strings.Cut(path, "{")
		b.WriteString(text)
		if !ok {
			return b.String()
		}
		b.WriteString("{}")
		_, path, _ = strings.Cut(rest, "}")
	}
}

// common is a path of the form of both; a placeholder in which they differ is
// one for any id.
func common(a, b string) string {
	one, other := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range one {
		if one[i] != other[i] {
			one[i] = "{id}"
		}
	}
	return strings.Join(one, "/")
}

func (op *operation) answers(seen *Seen) {
	for _, key := range sorted(seen.Responses) {
		status, kind, _ := strings.Cut(key, " ")
		if _, err := strconv.Atoi(status); err != nil {
			continue
		}
		a := op.Responses[status]
		if a == nil {
			a = &answer{Description: "seen"}
			op.Responses[status] = a
		}
		if kind != "" {
			put(&a.Content, kind, media{seen.Responses[key].schema()})
		}
	}
	for status := range seen.Statuses {
		if _, err := strconv.Atoi(status); err == nil && op.Responses[status] == nil {
			op.Responses[status] = &answer{Description: "seen"}
		}
	}
	if len(op.Responses) == 0 {
		op.Responses["default"] = &answer{Description: "none was seen"}
	}
}

// named gives the placeholders of a noted path names after what stands before
// them: /users/{id}/posts/{id} becomes /users/{userId}/posts/{postId}.
func named(path string) (string, []parameter) {
	var params []parameter
	used := map[string]bool{}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") || !strings.HasSuffix(s, "}") {
			continue
		}
		kind := s[1 : len(s)-1]
		suffix := "Id"
		if kind != "id" && kind != "uuid" {
			suffix = strings.ToUpper(kind[:1]) + strings.ReplaceAll(kind[1:], "-", "")
		}
		base := ""
		if i > 0 && !strings.HasPrefix(segments[i-1], "{") {
			base = strings.TrimSuffix(word(segments[i-1]), "s")
		}
		name := base + suffix
		if base == "" {
			name = strings.ToLower(suffix[:1]) + suffix[1:]
		}
		for n := 2; used[name]; n++ {
			name = base + suffix + strconv.Itoa(n)
		}
		used[name] = true
		segments[i] = "{" + name + "}"
		p := parameter{Name: name, In: "path", Required: true, Schema: schema{Type: "string"}}
		switch kind {
		case "uuid", "date", "date-time", "email":
			p.Schema.Format = kind
		}
		params = append(params, p)
	}
	return strings.Join(segments, "/"), params
}

// word keeps the letters and digits of a segment.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// pathParameters are those of a declared template.
func pathParameters(template string) (params []parameter) {
	for rest := template; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return params
		}
		name, more, ok := strings.Cut(after, "}")
		if !ok {
			return params
		}
		params = append(params, parameter{Name: name, In: "path", Required: true, Schema: schema{Type: "string"}})
		rest = more
	}
}

// schema is the JSON Schema that all values seen fulfil. A member is required
// when every one of at least two objects had it.
func (s *Shape) schema() schema {
	var out schema
	var kinds []string
	for _, kind := range sorted(s.Types) {
		if kind == "integer" && s.Types["number"] > 0 {
			continue // each integer is a number
		}
		kinds = append(kinds, kind)
	}
	switch len(kinds) {
	case 0:
		return out
	case 1:
		out.Type = kinds[0]
	default:
		out.Type = kinds
	}
	if len(s.Formats) == 1 {
		out.Format = sorted(s.Formats)[0]
	}
	if s.Items != nil {
		items := s.Items.schema()
		if s.Types["array"] > 0 {
			out.Items = &items
		}
		if s.Open {
			out.Additional = &items
		}
	}
	for _, name := range sorted(s.Members) {
		m := s.Members[name]
		put(&out.Properties, name, m.schema())
		if objects := s.Types["object"]; objects > 1 && m.seen() == objects {
			out.Required = append(out.Required, name)
		}
	}
	return out
}

func (s *Shape) seen() (n int64) {
	for _, count := range s.Types {
		n += count
	}
	return n
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
