// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"durward/probe"
	"durward/probe/identity"
	"durward/probe/spec"
)

const notesDocument = `openapi: 3.0.3
info: {title: Notes, version: "1"}
components: {securitySchemes: {b: {type: http, scheme: bearer}}}
security: [{b: []}]
paths:
  /notes:
    post:
      operationId: addNote
      requestBody: {content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}}
      responses: {"201": {description: made}}
  /notes/{note_id}:
    parameters: [{name: note_id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: readNote, responses: {"200": {description: read}}}
    delete: {operationId: deleteNote, responses: {"204": {description: gone}}}
`

// notes keeps notes by their owners. odd answers methods that nobody declared; it
// may delete the note.
func notes(odd func(method, owner, caller string) (status int, gone bool)) http.Handler {
	var mu sync.Mutex
	owners := map[string]string{}
	next := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		caller := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "-token")
		id, one := strings.CutPrefix(r.URL.Path, "/notes/")
		owner, there := owners[id]
		switch {
		case r.Method == "POST" && r.URL.Path == "/notes" && caller != "":
			next++
			owners[fmt.Sprint(next)] = caller
			w.WriteHeader(201)
			fmt.Fprintf(w, `{"id":%d}`, next)
		case !one || !there:
			w.WriteHeader(404)
		case r.Method != "GET" && r.Method != "DELETE":
			status, gone := odd(r.Method, owner, caller)
			if gone {
				delete(owners, id)
			}
			w.WriteHeader(status)
		case caller == "":
			w.WriteHeader(401)
		case caller != owner:
			w.WriteHeader(403)
		case r.Method == "DELETE":
			delete(owners, id)
			w.WriteHeader(204)
		default:
			fmt.Fprintf(w, `{"id":%s,"owner":%q}`, id, owner)
		}
	})
}

func TestMethodsThatDeleteWithoutAskingAreSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		odd  func(method, owner, caller string) (int, bool)
		want []string
	}{
		{"other methods are not allowed", func(string, string, string) (int, bool) { return 405, false }, nil},
		{"any method deletes", func(string, string, string) (int, bool) { return 204, true }, []string{"method-bypass"}},
		{"PURGE deletes in silence, with an error as its answer", func(m, _, _ string) (int, bool) { return 500, m == "PURGE" }, []string{"method-bypass"}},
		{"PURGE deletes for the owner", func(_, owner, caller string) (int, bool) {
			if owner != caller {
				return 403, false
			}
			return 204, true
		}, nil},
		{"any method is answered well and does nothing", func(string, string, string) (int, bool) { return 204, false }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(notes(c.odd))
			defer s.Close()
			got := ids(probeIt(t, s.URL, func(cfg *probe.Config) {
				api, err := spec.Parse("notes.yaml", []byte(notesDocument))
				if err != nil {
					t.Fatal(err)
				}
				cfg.API = api
				cfg.Extra = append(cfg.Extra, identity.Static("bob", identity.Bearer("bob-token")))
			}))
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}
