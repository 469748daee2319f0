// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

type note struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	owner string
}

func (a *app) textRoutes() []operation {
	return []operation{
		{"POST /notes", false, a.addNote},
		{"GET /notes", false, a.listNotes},
		{"GET /notes/{id}", false, a.readNote},
		{"DELETE /notes/{id}", false, a.deleteNote},
		{"GET /language", true, a.language},
		{"GET /go", true, a.redirect},
	}
}

// addNote keeps a text as it is, and gives it back as it is: JSON is no place
// where markup or SQL means anything. Flaw json-takes-xml: the note may also be
// XML, by a parser that resolves entities.
func (a *app) addNote(w http.ResponseWriter, r *http.Request) {
	var in note
	if a.has["json-takes-xml"] && strings.Contains(r.Header.Get("Content-Type"), "xml") {
		members, err := a.readXML(r, true)
		if err != nil {
			fail(w, http.StatusBadRequest, "not a note")
			return
		}
		in.Title, in.Text = members["title"], members["text"]
	} else if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		fail(w, http.StatusUnsupportedMediaType, "JSON only")
		return
	} else if !a.body(w, r, &in) {
		return
	}
	if in.Title == "" {
		fail(w, http.StatusUnprocessableEntity, "a note has a title")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	in.ID, in.owner = a.id(), user(r)
	a.notes[in.ID] = in
	reply(w, http.StatusCreated, in)
}

func (a *app) listNotes(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	own := []note{}
	for _, n := range a.notes {
		if n.owner == user(r) {
			own = append(own, n)
		}
	}
	slices.SortFunc(own, func(x, y note) int { return strings.Compare(y.ID, x.ID) })
	reply(w, http.StatusOK, object{"notes": own[:min(len(own), 10)], "total": len(own)})
}

func (a *app) ownNote(w http.ResponseWriter, r *http.Request) (note, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, ok := a.notes[r.PathValue("id")]
	if !ok || n.owner != user(r) {
		fail(w, http.StatusNotFound, "not found")
		return n, false
	}
	return n, true
}

func (a *app) readNote(w http.ResponseWriter, r *http.Request) {
	if n, ok := a.ownNote(w, r); ok {
		reply(w, http.StatusOK, n)
	}
}

func (a *app) deleteNote(w http.ResponseWriter, r *http.Request) {
	if n, ok := a.ownNote(w, r); ok {
		a.mu.Lock()
		delete(a.notes, n.ID)
		a.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}
}

// language remembers a choice in a header field. Flaw header-lines: written by
// hand, with what was given.
func (a *app) language(w http.ResponseWriter, r *http.Request) {
	lang := r.URL.Query().Get("lang")
	if !a.has["header-lines"] {
		w.Header().Set("Content-Language", strings.NewReplacer("\r", "", "\n", "").Replace(lang))
		reply(w, http.StatusOK, object{"language": lang})
		return
	}
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.broken(w, err)
		return
	}
	defer c.Close()
	const body = `{"language":"set"}`
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"+
		"Content-Language: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", lang, len(body), body)
}

// redirect sends the browser on. Flaw open-redirect: to anywhere.
func (a *app) redirect(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if !a.has["open-redirect"] {
		u, err := url.Parse(next)
		if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n") || strings.HasPrefix(next, "//") {
			next = "/products"
		}
	}
	w.Header().Set("Location", strings.NewReplacer("\r", "", "\n", "").Replace(next))
	w.WriteHeader(http.StatusFound)
}
