// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// This file has what looks like a flaw and is none. It is the same with and
// without flaws.

func (a *app) trapRoutes() []operation {
	return []operation{
		{"GET /calc", true, a.calc},
		{"GET /legacy", true, a.legacy},
		{"GET /digest", true, a.digest},
		{"GET /feed", true, a.feed},
		{"GET /assets", false, a.assets},
		{"GET /back", true, a.back},
		{"GET /label", true, a.label},
	}
}

// calc is there to evaluate: 7*7 is 49.
func (a *app) calc(w http.ResponseWriter, r *http.Request) {
	v, err := evaluate(r.URL.Query().Get("expr"))
	if err != nil {
		fail(w, http.StatusBadRequest, "syntax error")
		return
	}
	reply(w, http.StatusOK, object{"result": v})
}

// legacy is broken, whatever it is asked.
func (a *app) legacy(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusInternalServerError, "internal error")
}

// digest is slow, whatever it is asked.
func (a *app) digest(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	d := time.Duration(60+a.rand.IntN(80)) * time.Millisecond
	a.mu.Unlock()
	wait(r.Context(), d)
	reply(w, http.StatusOK, object{"digest": fmt.Sprintf("%x", len(r.URL.Query().Get("text")))})
}

// feed never says the same twice.
func (a *app) feed(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	order := a.rand.Perm(12)[:6+a.rand.IntN(3)]
	a.mu.Unlock()
	items := []object{}
	for _, n := range order {
		items = append(items, object{"headline": fmt.Sprintf("Story %d", n), "seen": time.Now().UnixNano()})
	}
	reply(w, http.StatusOK, object{"topic": r.URL.Query().Get("topic"), "items": items, "request_id": fmt.Sprintf("r-%x", time.Now().UnixNano())})
}

// assets has a filter language of its own, in which a text is in quotes; what is
// not in it is the caller's mistake and answered so.
func (a *app) assets(w http.ResponseWriter, r *http.Request) {
	filter := r.URL.Query().Get("filter")
	if strings.Count(filter, "'")%2 == 1 {
		fail(w, http.StatusBadRequest, `syntax error near "'": unterminated quoted string`)
		return
	}
	reply(w, http.StatusOK, object{"assets": []string{}, "filter": filter})
}

// back leads to a part of this very service.
func (a *app) back(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", "/"+url.PathEscape(r.URL.Query().Get("to")))
	w.WriteHeader(http.StatusFound)
}

// label gives a text back as plain text, which no browser takes for markup.
func (a *app) label(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "LABEL: %s\n", r.URL.Query().Get("text"))
}
