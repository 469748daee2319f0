// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

// oldField is one of Swagger's parameters in: formData.
type oldField struct {
	name     string
	required bool
	file     bool
	schema   *Schema
	multi    bool
}

func (l *loader) oldField(p place, name string) *oldField {
	return &oldField{
		name: name, required: p.node.get("required").flag(),
		file: p.node.get("type").str() == "file", schema: l.schema(p),
		multi: p.node.get("collectionFormat").str() == "multi",
	}
}

// oldStyle is the style of OpenAPI 3 for a collectionFormat. Tabs have none:
// tabDelimited is our own word.
func oldStyle(in, format string) (style string, explode bool) {
	style = "simple"
	if in == "query" || in == "cookie" {
		style = "form"
	}
	switch format {
	case "multi":
		return style, true
	case "ssv":
		style = "spaceDelimited"
	case "pipes":
		style = "pipeDelimited"
	case "tsv":
		style = "tabDelimited"
	}
	return style, false
}

// oldTypes are the media types of an operation: its own, or the document's.
func oldTypes(top, p place, key string) []string {
	types := p.node.get(key).strings()
	if len(types) == 0 {
		types = top.node.get(key).strings()
	}
	return types
}

// oldBody makes a body of Swagger's parameters in: body, or of the fields of a
// form.
func (l *loader) oldBody(top, p, body place, form []*oldField) *Body {
	consumes := oldTypes(top, p, "consumes")
	if body.node != nil {
		if len(consumes) == 0 {
			consumes = []string{"application/json"}
		}
		b := &Body{Required: body.node.get("required").flag()}
		schema, examples := l.schema(body.get("schema")), l.examples(body)
		for _, typ := range consumes {
			b.Content = append(b.Content, &Media{Type: mediaType(typ), Schema: schema, Examples: examples})
		}
		jsonFirst(b.Content)
		return b
	}
	if len(form) == 0 {
		return nil
	}
	b := &Body{}
	s := &Schema{Types: []string{"object"}, Properties: map[string]*Schema{}, Pointer: p.at + "/parameters"}
	typ := "application/x-www-form-urlencoded"
	encoding := map[string]Encoding{}
	for _, f := range form {
		if f.file {
			typ = "multipart/form-data"
		}
		if s.Properties[f.name] == nil {
			s.Order = append(s.Order, f.name)
		}
		s.Properties[f.name] = f.schema
		encoding[f.name] = Encoding{Style: "form", Explode: f.multi}
		if f.required {
			b.Required = true
			s.Required = append(s.Required, f.name)
		}
	}
	for _, t := range consumes {
		if t = mediaType(t); t == "multipart/form-data" || t == "application/x-www-form-urlencoded" && typ == t {
			typ = t
			break
		}
	}
	b.Content = []*Media{{Type: typ, Schema: s, Encoding: encoding}}
	return b
}

// oldContent is the content of one of Swagger's answers.
func (l *loader) oldContent(top, p, answer place) []*Media {
	schema := answer.get("schema")
	if schema.node == nil {
		return nil
	}
	produces := oldTypes(top, p, "produces")
	if len(produces) == 0 {
		produces = []string{"application/json"}
	}
	s, examples := l.schema(schema), answer.get("examples")
	var all []*Media
	for _, typ := range produces {
		m := &Media{Type: mediaType(typ), Schema: s}
		if n := examples.get(typ).node; n != nil {
			if v, ok := n.value(); ok {
				m.Examples = []any{v}
			}
		}
		all = append(all, m)
	}
	jsonFirst(all)
	return all
}
