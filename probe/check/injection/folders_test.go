// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection_test

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/probe"
	"durward/probe/finding"
)

// drives is the document of folders with files; body is the upload's, and query
// its parameters.
func drives(body, query string) string {
	return `
openapi: 3.0.3
info: {title: Drives, version: "1"}
paths:
  /folders:
    get: {operationId: listFolders, responses: {"200": {description: all, content: {application/json: {schema: {type: array, items: {type: object, properties: {id: {type: string}}}}}}}}}
    post:
      operationId: createFolder
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [title], properties: {title: {type: string}}}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}}
  /folders/{folder}/files:
    parameters: [{name: folder, in: path, required: true, schema: {type: string}}]
    post:
      operationId: upload
      parameters: [` + query + `]
      requestBody: {required: true, content: ` + body + `}
      responses: {"201": {description: made, content: {application/json: {schema: {type: object, properties: {id: {type: string}, name: {type: string}}}}}}}
  /folders/{folder}/files/{file}:
    parameters: [{name: folder, in: path, required: true, schema: {type: string}}, {name: file, in: path, required: true, schema: {type: string}}]
    get: {operationId: download, responses: {"200": {description: one, content: {text/plain: {}}}}}
`
}

const (
	inParts = `{multipart/form-data: {schema: {type: object, required: [file], properties: {file: {type: string, format: binary}}}}}`
	inJSON  = `{application/json: {schema: {type: object, required: [name, content], properties: {name: {type: string, example: a.txt}, content: {type: string, example: hello}}}}}`
	inBody  = `{text/plain: {schema: {type: string, example: hello}}}`
	byQuery = `{name: filename, in: query, schema: {type: string}}`
)

// drive keeps files by the key that place makes of a folder and a name; ok is
// false for a name that is refused.
type drive struct {
	mu      sync.Mutex
	folders int
	files   map[string]string    // by key
	ids     map[string][2]string // folder and name as given
	place   func(folder, name string) (key string, ok bool)
}

// named reads the name and the content of an upload.
func named(r *http.Request) (name, content string) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var in struct{ Name, Content string }
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			return "", ""
		}
		return in.Name, in.Content
	case "multipart/form-data":
		parts, err := r.MultipartReader()
		if err != nil {
			return "", ""
		}
		part, err := parts.NextPart()
		if err != nil {
			return "", ""
		}
		_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		data, _ := io.ReadAll(part)
		return params["filename"], string(data)
	}
	data, _ := io.ReadAll(r.Body)
	return r.URL.Query().Get("filename"), string(data)
}

func (d *drive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	known := func(id string) bool {
		var n int
		_, err := fmt.Sscanf(id, "folder-%d", &n)
		return err == nil && n > 0 && n <= d.folders && id == fmt.Sprintf("folder-%d", n)
	}
	switch {
	case r.URL.Path == "/folders" && r.Method == http.MethodPost:
		d.folders++
		answer(http.StatusCreated, map[string]any{"id": fmt.Sprintf("folder-%d", d.folders)})
	case r.URL.Path == "/folders":
		all := []any{}
		for i := range d.folders {
			all = append(all, map[string]any{"id": fmt.Sprintf("folder-%d", i+1)})
		}
		answer(http.StatusOK, all)
	case len(segments) == 3 && r.Method == http.MethodPost && known(segments[1]):
		name, content := named(r)
		key, ok := d.place(segments[1], name)
		if name == "" || !ok {
			answer(http.StatusBadRequest, map[string]any{"error": "that is no file name"})
			return
		}
		id := fmt.Sprintf("file-%d", len(d.ids)+1)
		d.files[key], d.ids[id] = content, [2]string{segments[1], key}
		answer(http.StatusCreated, map[string]any{"id": id, "name": name})
	case len(segments) == 4 && d.ids[segments[3]][0] == segments[1]:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, d.files[d.ids[segments[3]][1]])
	default:
		answer(http.StatusNotFound, map[string]any{"error": "no such thing"})
	}
}

func TestAFileNameThatLeavesItsFolder(t *testing.T) {
	joined := func(folder, name string) (string, bool) { return path.Join("/", folder, name), true }
	climbs := func(name string) bool { return strings.ContainsAny(name, `/\`) }
	tests := []struct {
		name, document string
		place          func(folder, name string) (string, bool)
		where          string // of the finding; empty for none
	}{
		{"names with separators are refused", drives(inParts, ""), func(f, n string) (string, bool) { return path.Join("/", f, n), !climbs(n) }, ""},
		{"only the last part of a name is taken", drives(inParts, ""), func(f, n string) (string, bool) {
			return path.Join("/", f, path.Base(strings.ReplaceAll(n, `\`, "/"))), true
		}, ""},
		{"a name is no path", drives(inJSON, ""), func(f, n string) (string, bool) { return f + "\x00" + n, true }, ""},
		{"dots lead no further than the folder", drives(inParts, ""), func(f, n string) (string, bool) { return "/" + f + path.Join("/", n), true }, ""},
		{"names are one for all folders", drives(inParts, ""), func(_, n string) (string, bool) { return path.Base(n), true }, ""},
		{"every file has a new place", drives(inBody, byQuery), func() func(f, n string) (string, bool) {
			n := 0
			return func(f, _ string) (string, bool) { n++; return fmt.Sprint(f, n), true }
		}(), ""},

		{"a part's file name is a path", drives(inParts, ""), joined, "body#/file"},
		{"a member is a path", drives(inJSON, ""), joined, "body#/name"},
		{"a parameter is a path", drives(inBody, byQuery), joined, "query.filename"},
		{"dots are refused unless they are escaped", drives(inJSON, ""), func(f, n string) (string, bool) {
			clean, err := url.PathUnescape(n)
			return path.Join("/", f, clean), err == nil && !strings.Contains(n, "/")
		}, "body#/name"},
		{"dots are taken out once", drives(inParts, ""), func(f, n string) (string, bool) { return path.Join("/", f, strings.ReplaceAll(n, "../", "")), true }, "body#/file"},
		{"back slashes separate", drives(inJSON, ""), func(f, n string) (string, bool) {
			return path.Join("/", f, strings.ReplaceAll(n, `\`, "/")), !strings.Contains(n, "/")
		}, "body#/name"},
		{"files lie one folder deeper", drives(inParts, ""), func(f, n string) (string, bool) { return path.Join("/", f, "files", n), true }, "body#/file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &drive{files: map[string]string{}, ids: map[string][2]string{}, place: tt.place}
			var got []string
			for _, f := range probeIt(t, tt.document, d, func(c *probe.Config) { c.Timeout = 5 * time.Minute }) {
				if f.Kind.ID == "path-traversal" && f.Confidence == finding.Certain {
					got = append(got, f.Where)
				}
			}
			want := []string{tt.where}
			if tt.where == "" {
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("found at %q, want %q", got, want)
			}
		})
	}
}
