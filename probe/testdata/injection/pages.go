// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"fmt"
	"html"
	"net/http"
)

type page struct{ title, body string }

func (a *app) pageRoutes() []operation {
	return []operation{
		{"GET /hello", true, a.hello},
		{"POST /pages", false, a.addPage},
		{"GET /pages/{id}", false, a.readPage},
	}
}

func markup(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><meta charset=utf-8>"+format, args...)
}

// hello is a page with a name on it. Flaw reflected-html: as it was given.
func (a *app) hello(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if !a.has["reflected-html"] {
		name = html.EscapeString(name)
	}
	markup(w, "<p>Hello, %s!</p>", name)
}

func (a *app) addPage(w http.ResponseWriter, r *http.Request) {
	var in struct{ Title, Body string }
	if !a.body(w, r, &in) {
		return
	}
	a.mu.Lock()
	id := a.id()
	a.pages[id] = page{in.Title, in.Body}
	a.mu.Unlock()
	reply(w, http.StatusCreated, object{"id": id, "title": in.Title})
}

// readPage shows what somebody wrote. Flaw stored-html: as it was given.
func (a *app) readPage(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	p, ok := a.pages[r.PathValue("id")]
	a.mu.Unlock()
	if !ok {
		fail(w, http.StatusNotFound, "not found")
		return
	}
	if !a.has["stored-html"] {
		p.title, p.body = html.EscapeString(p.title), html.EscapeString(p.body)
	}
	markup(w, "<h1>%s</h1><p>%s</p>", p.title, p.body)
}
