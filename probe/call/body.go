// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"mime/multipart"
	"net/textproto"
	"strings"

	"durward/probe/spec"
)

// body writes the body by its media type, and says what Content-Type goes with
// it.
func (c *Call) body() (data []byte, typ string, err error) {
	typ = c.MediaType
	plain, _, _ := strings.Cut(strings.ToLower(typ), ";")
	plain = strings.TrimSpace(plain)
	if raw, ok := c.Body.(Raw); ok {
		return []byte(raw), typ, nil
	}
	object, isObject := c.Body.(map[string]any)
	str, isString := c.Body.(string)
	switch {
	case plain == "" || plain == "application/json" || strings.HasSuffix(plain, "json"):
	case plain == "application/x-www-form-urlencoded" && isObject:
		return []byte(c.form(object)), typ, nil
	case strings.HasPrefix(plain, "multipart/") && isObject:
		return c.multipart(object, plain)
	case (plain == "application/xml" || plain == "text/xml" || strings.HasSuffix(plain, "+xml")) && !isString:
		return c.xml(), typ, nil
	case isString:
		return []byte(str), typ, nil
	}
	if file, ok := c.Body.(File); ok {
		return []byte(file.Data), typ, nil
	}
	return appendJSON(nil, c.Body), typ, nil
}

func (c *Call) encoding(name string) (spec.Encoding, bool) {
	if m := c.Media(); m != nil {
		e, ok := m.Encoding[name]
		return e, ok
	}
	return spec.Encoding{}, false
}

// form writes name=value pairs; arrays repeat the name, objects have the form
// name[member], where the document does not say otherwise. Spaces are %20,
// which every reader of forms takes.
func (c *Call) form(object map[string]any) string {
	var all []string
	for _, name := range sortedKeys(object) {
		p := &spec.Param{Style: "form", Explode: true}
		if e, ok := c.encoding(name); ok {
			p.Explode = e.Explode
			if e.Style != "" {
				p.Style = e.Style
			}
			if e.Type == "application/json" {
				p.MediaType = e.Type
			}
		}
		if _, nested := object[name].(map[string]any); nested && p.MediaType == "" {
			p.Style = "deepObject"
		}
		all = append(all, queryValue(p, name, object[name])...)
	}
	return strings.Join(all, "&")
}

// multipart writes one part for each member, or item of an array of files. The
// boundary is made of the content, so that the same call gives the same bytes.
func (c *Call) multipart(object map[string]any, typ string) ([]byte, string, error) {
	sum := sha256.Sum256(appendJSON(nil, object))
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if err := w.SetBoundary("part-" + hex.EncodeToString(sum[:12])); err != nil {
		return nil, "", err
	}
	declared, _ := Members(c.bodySchema())
	for _, name := range sortedKeys(object) {
		values := []any{object[name]}
		switch v := object[name].(type) {
		case []any:
			values = v
		case Twice:
			values = []any{v.First, v.Second}
		}
		for _, v := range values {
			head, data := c.part(name, v, declared[name].Schema)
			part, err := w.CreatePart(head)
			if err != nil {
				return nil, "", err
			}
			if _, err := part.Write([]byte(data)); err != nil {
				return nil, "", err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return out.Bytes(), typ + "; boundary=" + w.Boundary(), nil
}

var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ")

func (c *Call) part(name string, v any, s *spec.Schema) (textproto.MIMEHeader, string) {
	disposition := `form-data; name="` + quote.Replace(name) + `"`
	e, _ := c.encoding(name)
	typ, data := e.Type, text(v)
	file, isFile := v.(File)
	switch {
	case isFile:
	case binary(s):
		file = File{Name: "upload.bin", Data: data}
		isFile = true
	default:
		if _, object := v.(map[string]any); object && typ == "" {
			typ = "application/json"
		}
	}
	if isFile {
		disposition += `; filename="` + quote.Replace(file.Name) + `"`
		if file.Type != "" {
			typ = file.Type
		}
		if typ == "" || strings.ContainsAny(typ, "*,") {
			typ = "application/octet-stream"
		}
	}
	head := textproto.MIMEHeader{"Content-Disposition": {disposition}}
	if typ != "" {
		head.Set("Content-Type", typ)
	}
	return head, data
}

// binary tells that a schema is one of files, or of a list of them.
func binary(s *spec.Schema) bool {
	if s == nil {
		return false
	}
	s = s.Flat()
	if s.Items != nil {
		s = s.Items.Flat()
	}
	return s.Format == "binary"
}

// xml writes elements by the members' names, below one of the schema's name.
func (c *Call) xml() []byte {
	name := "root"
	if s := c.bodySchema(); s != nil && s.Flat().Name != "" {
		name = s.Flat().Name
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	element(&out, name, c.Body, 0)
	return out.Bytes()
}

func element(out *bytes.Buffer, name string, v any, depth int) {
	if list, ok := v.([]any); ok && depth < 64 {
		for _, item := range list {
			element(out, name, item, depth+1)
		}
		return
	}
	name = elementName(name)
	out.WriteString("<" + name + ">")
	if object, ok := v.(map[string]any); ok && depth < 64 {
		for _, k := range sortedKeys(object) {
			element(out, k, object[k], depth+1)
		}
	} else if raw, ok := v.(Raw); ok {
		out.WriteString(string(raw))
	} else {
		_ = xml.EscapeText(out, []byte(text(v))) // a buffer takes everything
	}
	out.WriteString("</" + name + ">")
}

// elementName leaves out what may not be in a name.
func elementName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
	if s == "" || !(s[0] == '_' || s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z') {
		return "_" + s
	}
	return s
}
