// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"bytes"
	"encoding/xml"
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// XML looks at the texts and attributes of XML content. Their names are the path
// of elements: xml.order.item, xml.order.@id. What follows a fault in it is not
// looked at.
func (f *Finder) XML(content []byte) {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	path := append(f.name[:0], "xml"...)
	var above []int // lengths of path at the elements that are open
	var text []byte // of the element at hand, whose parts may be apart
	end := func() {
		if what := look(bytes.TrimSpace(text)); what != 0 {
			f.expand(at{in: Body, name: path}, bytes.TrimSpace(text), what, "")
		}
		text = text[:0]
	}
	for !f.Over {
		token, err := d.RawToken()
		if err != nil {
			break
		}
		switch token := token.(type) {
		case xml.StartElement:
			end()
			if above = append(above, len(path)); len(path) < maxPath {
				path = append(append(path, '.'), short(token.Name.Local)...)
			}
			for _, a := range token.Attr {
				if what := look([]byte(a.Value)); what != 0 {
					f.expand(at{in: Body, whole: string(path) + ".@" + short(a.Name.Local)}, []byte(a.Value), what, "")
				}
			}
		case xml.EndElement:
			end()
			if n := len(above) - 1; n >= 0 {
				path, above = path[:above[n]], above[:n]
			}
		case xml.CharData:
			text = append(text, token...)
		}
	}
	end()
	f.name = path[:0]
}

// maxPath bounds the names that are made of deep XML: names of elements below
// are left out. maxStep bounds each of the names.
const (
	maxPath = 256
	maxStep = 64
)

func short(name string) string { return name[:min(len(name), maxStep)] }

// Multipart looks at the fields of multipart content, those of JSON and XML by
// their texts. Files are not looked at: no rule reads them either. What follows a
// fault is not looked at.
func (f *Finder) Multipart(contentType string, content []byte) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return
	}
	for r := multipart.NewReader(bytes.NewReader(content), params["boundary"]); !f.Over; {
		part, err := r.NextPart()
		if err != nil {
			return
		}
		if part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part) // no more than there is of content
		kind, _, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
		if strings.HasSuffix(strings.ToLower(strings.TrimSpace(kind)), "xml") {
			f.XML(value)
		} else {
			f.Bytes(Body, part.FormName(), value)
		}
		if err != nil {
			return
		}
	}
}
