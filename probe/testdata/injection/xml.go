// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
)

func (a *app) xmlRoutes() []operation {
	return []operation{
		{"POST /invoices", false, a.invoice},
	}
}

// invoice takes an invoice as XML. Flaw xml-entities: the document may declare
// entities, and take them from files and addresses.
func (a *app) invoice(w http.ResponseWriter, r *http.Request) {
	members, err := a.readXML(r, a.has["xml-entities"])
	if err != nil {
		fail(w, http.StatusBadRequest, "not an invoice")
		return
	}
	reply(w, http.StatusCreated, object{"accepted": true, "customer": members["customer"], "total": members["total"]})
}

var errDoctype = errors.New("a DOCTYPE is not taken")

// readXML gives the texts of the elements below the root.
func (a *app) readXML(r *http.Request, entities bool) (map[string]string, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, 256<<10))
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Entity = map[string]string{}
	out, path := map[string]string{}, []string{}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(out) == 0 {
				return nil, errors.New("nothing in it")
			}
			return out, nil
		} else if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Directive:
			if !entities {
				return nil, errDoctype
			}
			declare(r.Context(), d.Entity, string(t))
		case xml.StartElement:
			path = append(path, t.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) == 2 {
				out[path[1]] += string(t)
			}
		}
	}
}

var declaration = regexp.MustCompile(`<!ENTITY\s+(\w+)\s+(SYSTEM\s+)?["']([^"']*)["']\s*>`)

// declare takes the entities of a DOCTYPE. One may use those before it.
func declare(ctx context.Context, into map[string]string, doctype string) {
	for _, m := range declaration.FindAllStringSubmatch(doctype, 50) {
		value := m[3]
		if m[2] != "" {
			value = external(ctx, value)
		} else {
			for name, v := range into {
				value = strings.ReplaceAll(value, "&"+name+";", v)
			}
		}
		if len(value) < 64<<10 {
			into[m[1]] = value
		}
	}
}

func external(ctx context.Context, address string) string {
	if path, ok := strings.CutPrefix(address, "file://"); ok {
		data, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		return string(data)
	}
	_, data, err := fetch(ctx, address)
	if err != nil {
		return ""
	}
	return string(data)
}
