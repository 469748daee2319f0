// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
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
	// Security lists alternatives, each the schemes that it needs together.
	// An empty alternative is access without a credential.
	Security    [][]Requirement
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

func (d *Document) readOperation(root cursor, f found) (*operation, error) {
	op := &operation{at: f.c, Operation: Operation{Method: f.method, Template: f.template, Extensions: map[string]any{}}}
	var err error
	if op.ID, err = f.c.get("operationId").text(); err != nil {
		return nil, err
	}
	if op.ID == "" {
		op.ID = f.method + " " + f.template
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
	if err := op.matchTemplate(f.names); err != nil {
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
		all := []Requirement{}
		for name, scopes := range alternative.members() {
			i := slices.IndexFunc(d.schemes, func(s SecurityScheme) bool { return s.Name == name })
			if i < 0 {
				return alternative.fail("the security scheme %q is not declared", name)
			}
			if s := &d.schemes[i]; s.Type == "apiKey" {
				op.keys = append(op.keys, keyParam{s.In, s.Parameter})
			}
			r := Requirement{Scheme: name}
			if err := scopes.array(); err != nil {
				return err
			}
			for _, scope := range scopes.items() {
				text, err := scope.text()
				if err != nil {
					return err
				}
				r.Scopes = append(r.Scopes, text)
			}
			all = append(all, r)
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

// MediaTypes are the media types of the content that an operation takes, in
// lower case; "*" stands in ranges. Empty where it takes none.
func (d *Document) MediaTypes(id string) []string {
	var out []string
	if op := d.find(id); op != nil && op.body != nil {
		for _, m := range op.body.media {
			out = append(out, m.base)
		}
	}
	return out
}
