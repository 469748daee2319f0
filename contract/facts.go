// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

// Facts are what the document says of the values that an operation's requests
// have, for rules that read them. Only what has one scalar value is listed.
type Facts struct {
	Tags                []string
	Path, Query, Header []Value
	// Body are the members of the JSON object that the content is; nil when it
	// is none, or not always one.
	Body []Member
}

// Value is a parameter of type string, integer or boolean.
type Value struct {
	Name, Type string
	Required   bool
}

// Member is a declared member of JSON content. Type is string, integer,
// boolean, or object for one that has members itself.
type Member struct {
	Name, Type string
	Required   bool
	Members    []Member
}

const maxDepth = 5 // of members within members

// Facts gives what is declared of an operation; the zero Facts when there is no
// such operation.
func (d *Document) Facts(id string) Facts {
	op := d.find(id)
	if op == nil {
		return Facts{}
	}
	var f Facts
	for _, tag := range op.at.get("tags").items() {
		if name, err := tag.text(); err == nil && name != "" {
			f.Tags = append(f.Tags, name)
		}
	}
	for _, p := range op.params {
		kind := d.scalarType(p.schemaAt)
		if p.json || kind == "" && p.in != "path" {
			continue
		}
		v := Value{Name: p.name, Type: kind, Required: p.required}
		switch p.in {
		case "path":
			if v.Type == "" {
				v.Type = "string" // whatever it is, a path has it as text
			}
			f.Path = append(f.Path, v)
		case "query":
			f.Query = append(f.Query, v)
		case "header":
			f.Header = append(f.Header, v)
		}
	}
	if b := op.body; b != nil && len(b.media) == 1 && isJSONType(b.media[0].base) && b.media[0].hasSchema {
		f.Body = d.members(d.cursorAt(b.media[0].schemaAt), maxDepth)
		if !b.required {
			for i := range f.Body {
				f.Body[i].Required = false
			}
		}
	}
	return f
}

func (d *Document) cursorAt(at place) cursor {
	v, _ := lookup(d.src.files[at.file].root, at.pointer)
	return cursor{d.src, at, v}
}

func (d *Document) scalarType(at place) string {
	switch kind := schemaType(resolve(d.cursorAt(at))); kind {
	case "string", "integer", "boolean":
		return kind
	}
	return ""
}

// resolve follows a schema's references as long as nothing stands beside them
// that says the type.
func resolve(c cursor) cursor {
	for range maxReference {
		ref, ok := c.get("$ref").v.(string)
		if !ok || c.get("type").exists() {
			return c
		}
		to, err := c.s.target(c.at.file, ref)
		if err != nil {
			return c
		}
		v, ok := lookup(c.s.files[to.file].root, to.pointer)
		if !ok {
			return c
		}
		c = cursor{c.s, to, v}
	}
	return c
}

// schemaType is the one type that a schema allows, "" for several or none. A
// value that may also be null has no type here.
func schemaType(c cursor) string {
	if nullable, _ := c.get("nullable").v.(bool); nullable {
		return ""
	}
	t := c.get("type")
	if list, ok := t.v.([]any); ok {
		if len(list) != 1 {
			return ""
		}
		t.v = list[0]
	}
	kind, _ := t.v.(string)
	return kind
}

// members lists those of a schema that only objects satisfy, with those of the
// schemas that it is made of by allOf.
func (d *Document) members(c cursor, depth int) []Member {
	c = resolve(c)
	if depth == 0 || schemaType(c) != "object" && !c.get("allOf").exists() {
		return nil
	}
	var out []Member
	known := map[string]int{}
	add := func(m Member) {
		if i, again := known[m.Name]; again {
			if out[i].Type != m.Type {
				out[i].Type = "" // two that say different things
			}
			out[i].Required = out[i].Required || m.Required
			return
		}
		known[m.Name] = len(out)
		out = append(out, m)
	}
	for _, part := range c.get("allOf").items() {
		for _, m := range d.members(part, depth-1) {
			add(m)
		}
	}
	required := map[string]bool{}
	for _, name := range c.get("required").items() {
		if text, ok := name.v.(string); ok {
			required[text] = true
		}
	}
	for name, schema := range c.get("properties").members() {
		schema = resolve(schema)
		m := Member{Name: name, Type: schemaType(schema), Required: required[name]}
		switch m.Type {
		case "string", "integer", "boolean":
		case "object":
			if m.Members = d.members(schema, depth-1); m.Members == nil {
				continue
			}
		default:
			continue
		}
		add(m)
	}
	kept := out[:0]
	for _, m := range out {
		if m.Type != "" {
			kept = append(kept, m)
		}
	}
	return kept
}

// QueryNames gives the names of an operation's declared query parameters, those
// of credentials included. all is false when there may be others: the members
// of an object each have a name of their own in the style form.
func (d *Document) QueryNames(id string) (names []string, all bool) {
	op := d.find(id)
	if op == nil {
		return nil, true
	}
	all = true
	for _, p := range op.params {
		if p.in != "query" {
			continue
		}
		names = append(names, p.name)
		if !p.json && p.style == "form" && p.explode {
			kind := schemaType(resolve(d.cursorAt(p.schemaAt)))
			all = all && kind != "" && kind != "object"
		}
	}
	for _, k := range op.keys {
		if k.in == "query" {
			names = append(names, k.name)
		}
	}
	return names, all
}
