// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
)

// object is a JSON object in an answer.
type object = map[string]any

// operation is one entry of the table of routes.
type operation struct {
	pattern string // as http.ServeMux takes it
	open    bool   // nobody needs to have logged in
	serve   http.HandlerFunc
}

func (a *app) routes() {
	a.mux = http.NewServeMux()
	var all []operation
	for _, part := range [][]operation{
		a.accountRoutes(), a.stockRoutes(), a.documentRoutes(), a.directoryRoutes(), a.toolRoutes(), a.fileRoutes(),
		a.fetchRoutes(), a.xmlRoutes(), a.textRoutes(), a.pageRoutes(), a.loadRoutes(), a.platformRoutes(), a.trapRoutes(),
	} {
		all = append(all, part...)
	}
	for _, o := range all {
		a.mux.Handle(o.pattern, a.guard(o))
	}
}

// ServeHTTP is what happens to every request.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.hesitate(r)
	a.headers(w, r)
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Method == http.MethodTrace && a.has["trace"] {
		w.Header().Set("Content-Type", "message/http")
		_ = r.Write(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<20)
	if over := r.Header.Get("X-HTTP-Method-Override"); over != "" && a.has["method-override"] {
		// The flaw: who may call was decided on by the method on the request's
		// line, and which code runs by the header.
		_, pattern := a.mux.Handler(r)
		a.overridden(w, r, strings.ToUpper(over), pattern)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// guard lets in who has logged in, where that is needed.
func (a *app) guard(o operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := a.session(r)
		if name == "" && !o.open && r.Context().Value(letIn{}) == nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "log in first")
			return
		}
		if name != "" {
			w.Header().Set("Cache-Control", "no-store")
		}
		o.serve(w, withUser(r, name))
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, why string) {
	reply(w, status, object{"error": why})
}

// broken answers to an error of the service's own.
func (a *app) broken(w http.ResponseWriter, err error) {
	if a.has["verbose-errors"] {
		reply(w, http.StatusInternalServerError, object{"error": fmt.Sprintf("%T: %v", err, err), "stack": string(debug.Stack())})
		return
	}
	fail(w, http.StatusInternalServerError, "internal error")
}

// body reads a JSON body, false when it was answered already.
func (a *app) body(w http.ResponseWriter, r *http.Request, into any) bool {
	data, err := io.ReadAll(io.LimitReader(r.Body, 256<<10))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err == nil {
		return true
	}
	if a.has["verbose-errors"] {
		a.broken(w, err)
		return false
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		fail(w, http.StatusUnprocessableEntity, "a member has the wrong type")
		return false
	}
	fail(w, http.StatusBadRequest, "syntax error in JSON body")
	return false
}
