// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package object_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"durward/probe/check/checktest"
)

// document has letters, each with an owner. %s is the noun, and what is said of
// the list.
const document = `
openapi: 3.0.3
info: {title: Things, version: "1"}
security: [{bearer: []}]
paths:
  /NOUN:
    get: {operationId: list, summary: "SAYS", responses: {"200": {description: all}}}
    post:
      operationId: create
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [title, text], properties: {title: {type: string}, text: {type: string}}}}}}
      responses: {"201": {description: made}}
  /NOUN/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: read, responses: {"200": {description: one}}}
    put:
      operationId: change
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [title, text], properties: {title: {type: string}, text: {type: string}}}}}}
      responses: {"200": {description: changed}}
    delete: {operationId: remove, responses: {"204": {description: gone}}}
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
`

type thing struct {
	ID          int
	Title, Text string
	Owner       string
	Visibility  string
}

// service is a collection of things with rules that a test sets.
type service struct {
	noun string
	// lists, reads, changes, deletes tell whether a user may, of somebody else's.
	lists, reads, changes, deletes bool
	// brief leaves the text out of lists.
	brief bool
	// deny answers a refusal.
	deny func(w http.ResponseWriter)
	// visibility is shown of each thing.
	visibility string

	mu     sync.Mutex
	things map[int]*thing
	next   int
}

func (s *service) show(x *thing, brief bool) map[string]any {
	m := map[string]any{"id": x.ID, "title": x.Title}
	if !brief {
		m["text"] = x.Text
	}
	if s.visibility != "" {
		m["visibility"] = s.visibility
	}
	return m
}

func (s *service) handler() http.Handler {
	s.things, s.next = map[int]*thing{}, 100
	mux := http.NewServeMux()
	on := func(pattern string, h func(w http.ResponseWriter, r *http.Request, user string)) {
		mux.HandleFunc(pattern, checktest.Auth(func(w http.ResponseWriter, r *http.Request, user string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			h(w, r, user)
		}))
	}
	one := func(r *http.Request, user string, others bool) *thing {
		id := 0
		_, _ = fmt.Sscan(r.PathValue("id"), &id)
		x := s.things[id]
		if x == nil || x.Owner != user && !others {
			return nil
		}
		return x
	}
	on("GET /"+s.noun, func(w http.ResponseWriter, _ *http.Request, user string) {
		out := []any{}
		for id := 101; id <= s.next; id++ {
			if x := s.things[id]; x != nil && (x.Owner == user || s.lists) {
				out = append(out, s.show(x, s.brief))
			}
		}
		checktest.Write(w, http.StatusOK, out)
	})
	on("POST /"+s.noun, func(w http.ResponseWriter, r *http.Request, user string) {
		m := checktest.Read(r)
		s.next++
		x := &thing{ID: s.next, Title: fmt.Sprint(m["title"]), Text: fmt.Sprint(m["text"]), Owner: user}
		s.things[x.ID] = x
		checktest.Write(w, http.StatusCreated, s.show(x, false))
	})
	on("GET /"+s.noun+"/{id}", func(w http.ResponseWriter, r *http.Request, user string) {
		if x := one(r, user, s.reads); x != nil {
			checktest.Write(w, http.StatusOK, s.show(x, false))
			return
		}
		s.deny(w)
	})
	on("PUT /"+s.noun+"/{id}", func(w http.ResponseWriter, r *http.Request, user string) {
		if x := one(r, user, s.changes); x != nil {
			m := checktest.Read(r)
			x.Title, x.Text = fmt.Sprint(m["title"]), fmt.Sprint(m["text"])
			checktest.Write(w, http.StatusOK, s.show(x, false))
			return
		}
		s.deny(w)
	})
	on("DELETE /"+s.noun+"/{id}", func(w http.ResponseWriter, r *http.Request, user string) {
		if x := one(r, user, s.deletes); x != nil {
			delete(s.things, x.ID)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.deny(w)
	})
	return mux
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { checktest.Write(w, code, map[string]any{"error": "no"}) }
}

func TestObjectsOfOthers(t *testing.T) {
	sorry := func(w http.ResponseWriter) {
		checktest.Write(w, http.StatusOK, map[string]any{"status": "fail", "message": "not yours"})
	}
	tests := []struct {
		name    string
		service service
		says    string
		want    []string
	}{
		{name: "others' letters do not exist", service: service{noun: "letters", deny: status(404)}},
		{name: "others' letters are forbidden", service: service{noun: "letters", deny: status(403)}},
		{name: "a refusal may come with 200", service: service{noun: "letters", deny: sorry}},
		{name: "a board shows everything to everybody", service: service{noun: "posts", lists: true, reads: true, deny: status(403)}},
		{name: "a board's list shows less than its page", service: service{noun: "posts", lists: true, reads: true, brief: true, deny: status(403)}},
		{name: "a thing may say that it is public", service: service{noun: "letters", reads: true, visibility: "public", deny: status(403)}},
		{name: "things of a team are listed to all of it", service: service{noun: "tickets", lists: true, reads: true, deny: status(403)}},

		{name: "reading asks for no owner", service: service{noun: "letters", reads: true, deny: status(404)},
			want: []string{"object-read-by-other GET /letters/{id} path.id"}},
		{name: "reading asks for no owner of what is private", service: service{noun: "letters", reads: true, visibility: "private", deny: status(404)},
			want: []string{"object-read-by-other GET /letters/{id} path.id"}},
		{name: "changing asks for no owner", service: service{noun: "letters", changes: true, deny: status(404)},
			want: []string{"object-changed-by-other PUT /letters/{id} path.id"}},
		{name: "deleting asks for no owner", service: service{noun: "letters", deletes: true, deny: status(404)},
			want: []string{"object-deleted-by-other DELETE /letters/{id} path.id"}},
		{name: "a list of what is private shows all", service: service{noun: "orders", lists: true, deny: status(404)},
			want: []string{"object-list-of-other GET /orders"}},
		{name: "a list that is said to be one's own shows all", service: service{noun: "letters", lists: true, deny: status(404)},
			says: "The letters of one's own account.", want: []string{"object-list-of-other GET /letters"}},
		{name: "a board's posts can be deleted by anybody", service: service{noun: "posts", lists: true, reads: true, deletes: true, deny: status(403)},
			want: []string{"object-deleted-by-other DELETE /posts/{id} path.id"}},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			doc := strings.NewReplacer("NOUN", tt.service.noun, "SAYS", tt.says).Replace(document)
			checktest.Expect(t, doc, tt.service.handler(), "object-access", tt.want...)
		})
	}
}
