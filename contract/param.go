// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"

	"durward"
)

// parameter is the declared form of a path, query, header or cookie parameter.
type parameter struct {
	at         cursor
	in, name   string
	style      string
	explode    bool
	required   bool
	emptyValue bool // allowEmptyValue
	json       bool // its value is JSON (content)
	schemaAt   place
}

// stylesOf lists the styles that each kind of parameter may have, the default
// first (OpenAPI 3.1.1, 4.8.12.2.2).
var stylesOf = map[string][]string{
	"path":   {"simple", "label", "matrix"},
	"query":  {"form", "spaceDelimited", "pipeDelimited", "deepObject"},
	"header": {"simple"},
	"cookie": {"form"},
}

// readParameters reads a path's parameters and an operation's, which win.
func readParameters(ofPath, ofOperation cursor) ([]*parameter, error) {
	var out []*parameter
	for level, list := range []cursor{ofPath, ofOperation} {
		if err := list.array(); err != nil {
			return nil, err
		}
		var own []*parameter
		for _, c := range list.items() {
			p, err := readParameter(c)
			if err != nil {
				return nil, err
			}
			if p == nil {
				continue
			}
			same := func(q *parameter) bool { return q.in == p.in && q.name == p.name }
			if slices.ContainsFunc(own, same) {
				return nil, c.fail("the %s parameter %s is declared twice", p.in, p.name)
			}
			own = append(own, p)
			if level > 0 {
				out = slices.DeleteFunc(out, same)
			}
		}
		out = append(out, own...)
	}
	return out, nil
}

// readParameter gives nil for the header parameters that the document says by
// other means (OpenAPI 3.1.1, 4.8.12.2.1).
func readParameter(c cursor) (*parameter, error) {
	c, err := c.follow()
	if err != nil {
		return nil, err
	}
	p := &parameter{at: c}
	if p.name, err = c.get("name").text(); err != nil {
		return nil, err
	}
	if p.in, err = c.get("in").text(); err != nil {
		return nil, err
	}
	styles := stylesOf[p.in]
	if p.name == "" || styles == nil {
		return nil, c.fail("a parameter needs a name, and an in of path, query, header or cookie")
	}
	if p.in == "header" {
		switch p.name = durward.CanonicalName(p.name); p.name {
		case "Accept", "Content-Type", "Authorization":
			return nil, nil
		}
	}
	if p.required, err = c.get("required").flag(false); err != nil {
		return nil, err
	}
	if p.in == "path" && !p.required {
		return nil, c.fail("a path parameter must be required")
	}
	if p.emptyValue, err = c.get("allowEmptyValue").flag(false); err != nil {
		return nil, err
	}
	p.emptyValue = p.emptyValue && p.in == "query"
	if p.style, err = c.get("style").text(); err != nil {
		return nil, err
	}
	if p.style == "" {
		p.style = styles[0]
	}
	if !slices.Contains(styles, p.style) {
		return nil, c.get("style").fail("a %s parameter cannot have this style", p.in)
	}
	if p.explode, err = c.get("explode").flag(p.style == "form"); err != nil {
		return nil, err
	}
	return p, p.readSchema()
}

func (p *parameter) readSchema() error {
	schema, content := p.at.get("schema"), p.at.get("content")
	_, hasSchema := p.at.v.(map[string]any)["schema"]
	if hasSchema == content.exists() {
		return p.at.fail("a parameter needs either a schema or content")
	}
	if hasSchema {
		p.schemaAt = schema.at
		return nil
	}
	types, ok := content.v.(map[string]any)
	if !ok || len(types) != 1 {
		return content.fail("a parameter's content must have exactly one media type")
	}
	for name, media := range content.members() {
		if !isJSONType(strings.ToLower(name)) {
			return content.fail("a parameter's content must be JSON")
		}
		if _, ok := media.v.(map[string]any)["schema"]; !ok {
			return media.fail("a parameter's content needs a schema")
		}
		p.json, p.schemaAt = true, media.get("schema").at
	}
	return nil
}

// schemaPlaces lists where the operation's schemas stand.
func (op *operation) schemaPlaces() []place {
	var out []place
	for _, p := range op.params {
		out = append(out, p.schemaAt)
	}
	if op.body != nil {
		for _, m := range op.body.media {
			if m.hasSchema {
				out = append(out, m.schemaAt)
			}
		}
	}
	return out
}
