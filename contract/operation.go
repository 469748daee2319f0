// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Operation is what the gateway needs to know of one operation to route it and
// to choose its stages.
type Operation struct {
	ID       string // operationId, or "METHOD template" where there is none
	Method   string
	Template string // path template: /spaces/{space}
	// Security lists alternatives, each the names of the schemes that it
	// needs together. An empty alternative is access without a credential.
	Security    [][]string
	HasSecurity bool // the operation or the document says something on security
	Deprecated  bool
	Streams     bool   // an answer may be text/event-stream
	Upgrade     string // "websocket" where the operation leaves HTTP, else ""
	// Extensions are the operation's x- members, as encoding/json would give
	// them with json.Number. They must not be changed.
	Extensions map[string]any
}

// operation is the declared form of an Operation.
type operation struct {
	Operation
	at     cursor
	params []*parameter
	body   *bodyForm
	keys   []keyParam
}

// keyParam is a parameter that only a security scheme declares.
type keyParam struct{ in, name string }

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

func (d *Document) readPaths(root cursor) error {
	paths := root.get("paths")
	if err := paths.object(); err != nil {
		return err
	}
	ids := map[string]bool{}
	shapes := map[string]bool{}
	for template, item := range paths.members() {
		if strings.HasPrefix(template, "x-") {
			continue
		}
		names, err := templateNames(item, template)
		if err != nil {
			return err
		}
		for method, op := range pathItem(item) {
			if op.err != nil {
				return op.err
			}
			shape := method + " " + templateShape(template)
			if shapes[shape] {
				return op.c.fail("another path has the same form, so that a request would fit both")
			}
			shapes[shape] = true
			one, err := d.readOperation(root, op, method, template, names)
			if err != nil {
				return err
			}
			if ids[one.ID] {
				return op.c.fail("operationId is used twice")
			}
			ids[one.ID] = true
			d.ops = append(d.ops, one)
		}
	}
	slices.SortFunc(d.ops, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.Template, b.Template), cmp.Compare(a.Method, b.Method))
	})
	return nil
}

// found is an operation and the path item that it stands in.
type found struct {
	item, c cursor
	err     error
}

// pathItem gives the operations of a path by method. What stands beside a
// reference has no defined meaning (OpenAPI 3.1.1, 4.8.9), so operations and
// parameters there are refused.
func pathItem(item cursor) map[string]found {
	fail := func(err error) map[string]found { return map[string]found{"": {err: err}} }
	if err := item.object(); err != nil {
		return fail(err)
	}
	if item.get("$ref").exists() {
		for _, name := range append([]string{"parameters"}, methods...) {
			if beside := item.get(name); beside.exists() {
				return fail(beside.fail("a path item that is a reference can have no %s of its own", name))
			}
		}
		var err error
		if item, err = item.follow(); err != nil {
			return fail(err)
		}
	}
	out := map[string]found{}
	for _, method := range methods {
		if c := item.get(method); c.exists() {
			out[strings.ToUpper(method)] = found{item: item, c: c, err: c.object()}
		}
	}
	return out
}

// templateNames gives the names of a path template's parameters.
func templateNames(c cursor, template string) ([]string, error) {
	if !strings.HasPrefix(template, "/") || strings.ContainsAny(template, "?#") {
		return nil, c.fail("a path must begin with / and have no query or fragment")
	}
	var names []string
	for rest := template; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return names, nil
		}
		end := strings.IndexByte(rest, '}')
		if rest[open] != '{' || end < open+2 || strings.ContainsAny(rest[open+1:end], "{/") {
			return nil, c.fail("the path's braces do not match")
		}
		name := rest[open+1 : end]
		if slices.Contains(names, name) {
			return nil, c.fail("the path names a parameter twice")
		}
		names, rest = append(names, name), rest[end+1:]
	}
}

// templateShape blots out the names, so that templates that differ only in
// them are the same.
func templateShape(template string) string {
	var b strings.Builder
	inside := false
	for _, r := range template {
		switch {
		case r == '{':
			inside = true
			b.WriteString("{")
		case r == '}':
			inside = false
			b.WriteString("}")
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (d *Document) readOperation(root cursor, f found, method, template string, names []string) (*operation, error) {
	op := &operation{at: f.c, Operation: Operation{Method: method, Template: template, Extensions: map[string]any{}}}
	var err error
	if op.ID, err = f.c.get("operationId").text(); err != nil {
		return nil, err
	}
	if op.ID == "" {
		op.ID = method + " " + template
	}
	if op.Deprecated, err = f.c.get("deprecated").flag(false); err != nil {
		return nil, err
	}
	for name, v := range f.c.v.(map[string]any) {
		if strings.HasPrefix(name, "x-") {
			op.Extensions[name] = v
		}
	}
	if err := op.readSecurity(d, root); err != nil {
		return nil, err
	}
	if err := op.readAnswers(); err != nil {
		return nil, err
	}
	if op.params, err = readParameters(f.item.get("parameters"), f.c.get("parameters")); err != nil {
		return nil, err
	}
	if err := op.matchTemplate(names); err != nil {
		return nil, err
	}
	op.body, err = readBody(f.c.get("requestBody"))
	return op, err
}

// matchTemplate refuses path parameters without a rule, and rules without a
// path parameter.
func (op *operation) matchTemplate(names []string) error {
	declared := map[string]bool{}
	for _, p := range op.params {
		if p.in != "path" {
			continue
		}
		if !slices.Contains(names, p.name) {
			return p.at.fail("the path %s has no parameter {%s}", op.Template, p.name)
		}
		declared[p.name] = true
	}
	for _, name := range names {
		if !declared[name] {
			return op.at.fail("the path parameter {%s} is not declared", name)
		}
	}
	return nil
}

func (op *operation) readSecurity(d *Document, root cursor) error {
	security := op.at.get("security")
	if !security.exists() {
		security = root.get("security")
	}
	if err := security.array(); err != nil {
		return err
	}
	op.HasSecurity = security.exists()
	for _, alternative := range security.items() {
		if err := alternative.object(); err != nil {
			return err
		}
		all := []string{}
		for name := range alternative.members() {
			i := slices.IndexFunc(d.schemes, func(s SecurityScheme) bool { return s.Name == name })
			if i < 0 {
				return alternative.fail("the security scheme %q is not declared", name)
			}
			if s := &d.schemes[i]; s.Type == "apiKey" {
				op.keys = append(op.keys, keyParam{s.In, s.Parameter})
			}
			all = append(all, name)
		}
		op.Security = append(op.Security, all)
	}
	return nil
}

// readAnswers learns from the responses how the operation leaves the pattern
// of one request and one answer.
func (op *operation) readAnswers() error {
	responses := op.at.get("responses")
	if err := responses.object(); err != nil {
		return err
	}
	if responses.get("101").exists() {
		op.Upgrade = "websocket"
	}
	for _, answer := range responses.members() {
		answer, err := answer.follow()
		if err != nil {
			return err
		}
		content, _ := answer.get("content").v.(map[string]any)
		for mediaType := range maps.Keys(content) {
			base, _, _ := strings.Cut(mediaType, ";")
			if strings.EqualFold(strings.TrimSpace(base), "text/event-stream") {
				op.Streams = true
			}
		}
	}
	upgrade := op.at.get("x-durward-upgrade")
	switch upgrade.v {
	case nil:
	case "websocket":
		op.Upgrade = "websocket"
	default:
		return upgrade.fail("x-durward-upgrade must be websocket")
	}
	return nil
}
