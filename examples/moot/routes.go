// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"net/http"
	"strings"
)

// operation answers one request of a known caller; its error becomes a problem.
type operation func(w http.ResponseWriter, r *http.Request, c caller) error

// table is every operation but health, by pattern.
func (a *API) table() map[string]operation {
	const space, message = "/spaces/{space}", "/spaces/{space}/messages/{message}"
	return map[string]operation{
		"GET /me":                  a.whoAmI,
		"GET /spaces":              a.listSpaces,
		"POST /spaces":             a.createSpace,
		"GET " + space:             a.getSpace,
		"PATCH " + space:           a.updateSpace,
		"DELETE " + space:          a.deleteSpace,
		"GET " + space + "/stream": a.streamMessages,
		"GET " + space + "/live":   a.liveMessages,

		"GET " + space + "/members":              a.listMembers,
		"PUT " + space + "/members/{user}":       a.setMember,
		"DELETE " + space + "/members/{user}":    a.removeMember,
		"POST " + space + "/members/{user}/mute": a.muteMember,

		"GET " + space + "/messages":   a.listMessages,
		"POST " + space + "/messages":  a.postMessage,
		"GET " + message:               a.getMessage,
		"PATCH " + message:             a.editMessage,
		"DELETE " + message:            a.deleteMessage,
		"POST " + message + "/reports": a.reportMessage,

		"POST " + space + "/attachments":                a.uploadAttachment,
		"GET " + space + "/attachments/{attachment}":    a.getAttachment,
		"DELETE " + space + "/attachments/{attachment}": a.deleteAttachment,

		"GET " + space + "/reports":                   a.listReports,
		"POST " + space + "/reports/{report}/resolve": a.resolveReport,
	}
}

func (a *API) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, "application/json", []byte(`{"status":"ok"}`))
	})
	for pattern, op := range a.table() {
		mux.HandleFunc(pattern, a.serve(op))
	}
	if a.flaws[unhandledVerb] {
		mux.HandleFunc("/spaces/{space}/messages/{message}", a.serve(a.purgeMessage))
	}
	if a.flaws[shadowUsers] {
		mux.HandleFunc("GET /internal/users", a.serve(a.dumpUsers))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.unknown(w, r, mux) })
	if !a.flaws[serverHeaderLeak] {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "moot/1.4.2 (Debian 11; go1.17)")
		w.Header().Set("X-Powered-By", "moot-internal-build-7f3a")
		mux.ServeHTTP(w, r)
	})
}

func (a *API) serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := a.identify(r)
		if err == nil {
			err = op(w, r, c)
		}
		if err != nil {
			a.fail(w, r, err)
		}
		a.options.Log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "user", c.id, "err", err)
	}
}

// unknown answers what no operation takes: 405 with the methods that the path
// has, else 404.
func (a *API) unknown(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	var allow []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(probe); pattern != "/" && pattern != "" {
			allow = append(allow, method)
		}
	}
	if len(allow) == 0 {
		a.fail(w, r, notFound)
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	a.fail(w, r, &fault{http.StatusMethodNotAllowed, "The Allow field lists the methods of this resource."})
}
