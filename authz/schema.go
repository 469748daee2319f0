// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// API is what policies need to know of the contract. Who calls Compile fills it
// from the OpenAPI document.
type API struct {
	Name       string
	Operations []Operation
}

// Operation is one operation of the contract. Only what has one scalar value
// is listed: a parameter of type string, integer or boolean.
type Operation struct {
	ID     string
	Method string
	Tags   []string
	Public bool // needs no credential; no policy is asked
	// Path holds every path parameter, in the order of the template.
	Path          []Param
	Query, Header []Param
	// Body holds the members of the JSON object that the content is; nil when
	// it is none, or not always one.
	Body []Field
}

// Type is the type of a parameter or member.
type Type string

// The types, named as in Cedar.
const (
	StringType Type = "String"
	LongType   Type = "Long"
	BoolType   Type = "Bool"
	RecordType Type = "Record" // of a Field only
)

// Param is a declared parameter.
type Param struct {
	Name     string
	Type     Type
	Required bool
}

// Field is a declared member of JSON content.
type Field struct {
	Name     string
	Type     Type
	Required bool
	Fields   []Field // of a RecordType
}

var claimTypes = map[string]bool{"String": true, "Long": true, "Bool": true, "Set<String>": true}

const (
	methodGroup = "method:"
	tagGroup    = "tag:"
)

func actionUID(id string) types.EntityUID { return types.NewEntityUID("Action", types.String(id)) }

// groups are the actions that an operation's action is in.
func (op *Operation) groups() []string {
	out := []string{methodGroup + op.Method}
	for _, tag := range op.Tags {
		out = append(out, tagGroup+tag)
	}
	return out
}

// schemaText writes the Cedar schema of an API.
func schemaText(api *API, claims map[string]string, objects []*objectType) string {
	var b strings.Builder
	b.WriteString("entity Role;\nentity API;\n")
	b.WriteString("entity Caller in [Role] = {\n  subject: String,\n  method: String,\n  roles: Set<String>,\n  scopes: Set<String>,\n" +
		"  consumer?: String,\n  issuer?: String,\n  plan?: String,\n  bound?: String,\n  claims: {")
	for i, name := range sortedKeys(claims) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s?: %s", quote(name), claims[name])
	}
	b.WriteString("},\n};\n")
	for _, o := range objects {
		o.writeEntity(&b)
	}
	seen := map[string]bool{}
	for i := range api.Operations {
		for _, g := range api.Operations[i].groups() {
			if !seen[g] {
				seen[g] = true
				fmt.Fprintf(&b, "action %s;\n", quote(g))
			}
		}
	}
	for i := range api.Operations {
		if op := &api.Operations[i]; !op.Public {
			op.writeAction(&b, objects)
		}
	}
	return b.String()
}

func (o *objectType) writeEntity(b *strings.Builder) {
	b.WriteString("entity " + o.Name)
	var parents []string
	for _, f := range o.Fields {
		if f.Parent && !slices.Contains(parents, f.Of) {
			parents = append(parents, f.Of)
		}
	}
	if len(parents) > 0 {
		b.WriteString(" in [" + strings.Join(parents, ", ") + "]")
	}
	b.WriteString(" = {\n  id: String,\n")
	for _, f := range o.Fields {
		typ := f.Of
		switch f.Kind.String() {
		case "String", "Long", "Bool":
			typ = f.Kind.String()
		}
		optional := ""
		if f.Set {
			typ = "Set<" + typ + ">"
		} else if f.Optional {
			optional = "?"
		}
		fmt.Fprintf(b, "  %s%s: %s,\n", quote(f.Name), optional, typ)
	}
	b.WriteString("};\n")
}

func (op *Operation) writeAction(b *strings.Builder, objects []*objectType) {
	resource := "API"
	if o, _ := resourceOf(op, objects); o != nil {
		resource = o.Name
	}
	quoted := op.groups()
	for i := range quoted {
		quoted[i] = quote(quoted[i])
	}
	fmt.Fprintf(b, "action %s in [%s] appliesTo {\n  principal: [Caller],\n  resource: [%s],\n  context: {\n", quote(op.ID), strings.Join(quoted, ", "), resource)
	b.WriteString("    method: String,\n    address: ipaddr,\n    time: datetime,\n    authentication: {method: String, bound?: String},\n")
	for _, part := range []struct {
		name   string
		params []Param
	}{{"path", op.Path}, {"query", op.Query}, {"headers", op.Header}} {
		b.WriteString("    " + part.name + ": {")
		for i, p := range part.params {
			if i > 0 {
				b.WriteString(", ")
			}
			name := p.Name
			if part.name == "headers" {
				name = strings.ToLower(name)
			}
			fmt.Fprintf(b, "%s%s: %s", quote(name), mayBeMissing(p.Required || part.name == "path"), p.Type)
		}
		b.WriteString("},\n")
	}
	b.WriteString("    body: ")
	writeRecord(b, op.Body)
	b.WriteString(",\n  },\n};\n")
}

func writeRecord(b *strings.Builder, fields []Field) {
	b.WriteString("{")
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(f.Name) + mayBeMissing(f.Required) + ": ")
		if f.Type == RecordType {
			writeRecord(b, f.Fields)
		} else {
			b.WriteString(string(f.Type))
		}
	}
	b.WriteString("}")
}

func mayBeMissing(required bool) string {
	if required {
		return ""
	}
	return "?"
}

// quote writes a string of Cedar.
func quote(s string) string { return string(types.String(s).MarshalCedar()) }

// resolve reads the schema that was written.
func resolve(text string) (*resolved.Schema, error) {
	var s schema.Schema
	if err := s.UnmarshalCedar([]byte(text)); err != nil {
		return nil, fmt.Errorf("the schema of the contract cannot be read: %w", err)
	}
	r, err := s.Resolve()
	if err != nil {
		return nil, fmt.Errorf("the schema of the contract cannot be used: %w", err)
	}
	return r, nil
}

// check refuses what has no place in a schema.
func (api *API) check() error {
	var errs []error
	seen := map[string]bool{}
	for i := range api.Operations {
		op := &api.Operations[i]
		if seen[op.ID] {
			errs = append(errs, fmt.Errorf("the operation %q is there twice", op.ID))
		}
		seen[op.ID] = true
		for _, g := range op.groups() {
			if seen[g] && slices.ContainsFunc(api.Operations, func(o Operation) bool { return o.ID == g }) {
				errs = append(errs, fmt.Errorf("the operation %q has the name of a group of actions", g))
			}
		}
	}
	return errors.Join(errs...)
}
