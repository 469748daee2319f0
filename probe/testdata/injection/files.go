// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func (a *app) fileRoutes() []operation {
	return []operation{
		{"GET /files", false, a.file},
		{"GET /manuals/{name}", false, a.manual},
	}
}

// files makes the folders that files are served from.
func (a *app) files() error {
	for name, text := range map[string]string{
		"files/prices.txt": "hammer 12.50\nsaw 19.00\n", "files/terms.txt": "Net 30 days.\n",
		"manuals/tent.txt": "Put the poles in first.\n", "private.txt": "not for anybody\n",
	} {
		path := filepath.Join(a.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// send answers with a file of a folder: honestly, or with whatever the joined
// path leads to.
func (a *app) send(w http.ResponseWriter, folder, name string, trusting bool) {
	var data []byte
	var err error
	if trusting {
		data, err = os.ReadFile(filepath.Join(a.dir, folder, name))
	} else {
		var root *os.Root
		if root, err = os.OpenRoot(filepath.Join(a.dir, folder)); err == nil {
			defer root.Close()
			data, err = root.ReadFile(name)
		}
	}
	if err != nil {
		fail(w, http.StatusNotFound, "no such file")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(data)
}

// file serves a file by a name in the query. Flaw file-name.
func (a *app) file(w http.ResponseWriter, r *http.Request) {
	a.send(w, "files", r.URL.Query().Get("name"), a.has["file-name"])
}

// manual serves a file by a name in the path. Flaw file-name-stripped: what leads
// upwards is taken out of the name once.
func (a *app) manual(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if a.has["file-name-stripped"] {
		name = strings.ReplaceAll(name, "../", "")
	}
	a.send(w, "manuals", name, a.has["file-name-stripped"])
}
