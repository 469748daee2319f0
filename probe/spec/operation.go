// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"regexp"
	"slices"
	"strings"
)

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

var inTemplate = regexp.MustCompile(`\{([^{}]+)\}`)

func (l *loader) operations(api *API, top place) {
	root := l.security(api, top.get("security"))
	paths := top.get("paths")
	for _, template := range paths.members() {
		if strings.HasPrefix(template, "x-") {
			continue
		}
		item, _, ok := l.deref(paths.get(template))
		if !ok || item.node.kind != mapNode {
			l.warn(paths.get(template), "is no path item")
			continue
		}
		for _, method := range methods {
			p := item.get(method)
			if p.node == nil {
				continue
			}
			if p.node.kind != mapNode {
				l.warn(p, "is no operation")
				continue
			}
			op := l.operation(api, top, item, p, template, method)
			if op.Security == nil {
				op.Security = root
			}
			authorizationField(api, op)
			api.Operations = append(api.Operations, op)
		}
	}
	slices.SortStableFunc(api.Operations, func(a, b *Operation) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Method, b.Method)
	})
	l.uniqueIDs(api)
}

// uniqueIDs names operations that share an operationId after their place.
func (l *loader) uniqueIDs(api *API) {
	seen := map[string]bool{}
	for _, op := range api.Operations {
		if seen[op.ID] {
			l.warnings = append(l.warnings, "operationId "+op.ID+" occurs twice")
			op.ID = op.Method + " " + op.Path
		}
		seen[op.ID] = true
	}
}

func (l *loader) operation(api *API, top, item, p place, template, method string) *Operation {
	op := &Operation{
		ID: p.node.get("operationId").str(), Method: strings.ToUpper(method), Path: template,
		Tags: p.node.get("tags").strings(), Answers: map[string]*Answer{},
		Deprecated: p.node.get("deprecated").flag(),
		Summary:    p.node.get("summary").str(),
	}
	if !strings.HasPrefix(op.Path, "/") {
		op.Path = "/" + op.Path
	}
	op.Path, _, _ = strings.Cut(op.Path, "#") // by which some tell operations of one path apart
	if op.ID == "" {
		op.ID = op.Method + " " + op.Path
	}
	if short := strings.TrimSuffix(op.Path, "/"); short != "" && short != op.Path {
		op.Path, op.Slash = short, true
	}
	if op.Summary == "" {
		op.Summary = p.node.get("description").str()
	}
	op.Security = l.security(api, p.get("security"))
	op.Servers = l.servers(p.get("servers"))
	if op.Servers == nil {
		op.Servers = l.servers(item.get("servers"))
	}
	l.params(op, top, item, p)
	l.pathParams(op, p)
	if body := p.get("requestBody"); body.node != nil && !l.old {
		op.Body = l.body(body)
	}
	l.answers(op, top, p)
	return op
}

// params reads the path item's and the operation's own, which win.
func (l *loader) params(op *Operation, top, item, p place) {
	var form []*oldField
	var body place
	add := func(list []place) {
		for _, entry := range list {
			q, _, ok := l.deref(entry)
			if !ok {
				continue
			}
			in, name := strings.ToLower(q.node.get("in").str()), q.node.get("name").str()
			switch {
			case in == "body" && l.old:
				body = q
			case name == "":
				l.warn(q, "a parameter without a name")
			case in == "formdata" && l.old:
				form = append(form, l.oldField(q, name))
			case in == "path", in == "query", in == "header", in == "cookie":
				op.setParam(l.param(q, in, name))
			default:
				l.warn(q, "parameter %q is in an unknown place %q", name, in)
			}
		}
	}
	add(item.get("parameters").list())
	add(p.get("parameters").list())
	if l.old {
		op.Body = l.oldBody(top, p, body, form)
	}
}

func (op *Operation) setParam(p *Param) {
	for i, old := range op.Params {
		if old.Name == p.Name && old.In == p.In {
			op.Params[i] = p
			return
		}
	}
	op.Params = append(op.Params, p)
}

func (l *loader) param(p place, in, name string) *Param {
	n := p.node
	q := &Param{Name: name, In: in, Required: n.get("required").flag() || in == "path"}
	q.Examples = l.examples(p)
	if l.old {
		q.Schema = l.schema(p) // the parameter itself has the schema's words
		q.Style, q.Explode = oldStyle(in, n.get("collectionFormat").str())
		return q
	}
	q.Style = n.get("style").str()
	if q.Style == "" {
		q.Style = "simple"
		if in == "query" || in == "cookie" {
			q.Style = "form"
		}
	}
	q.Explode = q.Style == "form"
	if e := n.get("explode"); e != nil {
		q.Explode = e.flag()
	}
	schema := p.get("schema")
	if content := p.get("content"); schema.node == nil {
		for _, typ := range content.members() {
			media := content.get(typ)
			q.MediaType, schema = mediaType(typ), media.get("schema")
			q.Examples = append(q.Examples, l.examples(media)...)
			break
		}
	}
	q.Schema = l.schema(schema)
	return q
}

// pathParams makes the declared parameters those of the template.
func (l *loader) pathParams(op *Operation, p place) {
	var names []string
	for _, m := range inTemplate.FindAllStringSubmatch(op.Path, -1) {
		names = append(names, m[1])
	}
	op.Params = slices.DeleteFunc(op.Params, func(q *Param) bool {
		absent := q.In == "path" && !slices.Contains(names, q.Name)
		if absent {
			l.warn(p, "path parameter %q is not in %s", q.Name, op.Path)
		}
		return absent
	})
	for _, name := range names {
		if op.Param("path", name) == nil {
			l.warn(p, "path parameter %q is not declared", name)
			op.Params = append(op.Params, &Param{Name: name, In: "path", Required: true,
				Style: "simple", Schema: &Schema{Types: []string{"string"}}})
		}
	}
}

// Param finds a parameter, nil where there is none. Names of header fields are
// compared without regard to case.
func (op *Operation) Param(in, name string) *Param {
	for _, p := range op.Params {
		if p.In == in && (p.Name == name || in == "header" && strings.EqualFold(p.Name, name)) {
			return p
		}
	}
	return nil
}

// authorizationField takes out the header fields that OpenAPI says are none
// (Accept, Content-Type, Authorization). An Authorization that people declared
// so, for want of a security scheme, becomes one.
func authorizationField(api *API, op *Operation) {
	const name = "Authorization header"
	auth := op.Param("header", "Authorization")
	if auth != nil && op.Security == nil {
		api.Schemes[name] = &Scheme{Name: name, Type: "http", HTTPScheme: "bearer"}
		op.Security = [][]Requirement{{{Scheme: name}}}
		if !auth.Required {
			op.Security = append(op.Security, []Requirement{})
		}
	}
	op.Params = slices.DeleteFunc(op.Params, func(p *Param) bool {
		return p.In == "header" && (strings.EqualFold(p.Name, "Authorization") ||
			strings.EqualFold(p.Name, "Accept") || strings.EqualFold(p.Name, "Content-Type"))
	})
}
