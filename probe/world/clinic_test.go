// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"durward/probe/call"
	"durward/probe/world"
)

// clinic is an API in the manner of frameworks that end paths with a slash, take
// logins as forms, and let a registration name a role.
const clinicDocument = `
openapi: 3.1.0
info: {title: Clinic, version: "1"}
servers: [{url: /}]
components:
  securitySchemes: {OAuth2PasswordBearer: {type: oauth2, flows: {password: {scopes: {}, tokenUrl: token}}}}
  schemas:
    NewUser:
      type: object
      required: [email, password, password_confirmation, role]
      properties: {email: {type: string, format: email}, password: {type: string}, password_confirmation: {type: string}, role: {type: string, enum: [admin, patient, user]}, is_superuser: {type: boolean}}
paths:
  /users/:
    post:
      operationId: create_user_users__post
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/NewUser"}}}}
      responses: {"201": {description: ok}}
  /token:
    post:
      operationId: login_for_access_token
      requestBody: {required: true, content: {application/x-www-form-urlencoded: {schema: {type: object, required: [username, password], properties: {
        grant_type: {anyOf: [{type: string, pattern: "^password$"}, {type: "null"}]}, username: {type: string}, password: {type: string}, scope: {type: string, default: ""}}}}}}
      responses: {"200": {description: ok}}
  /users/me/:
    get: {operationId: me, security: [{OAuth2PasswordBearer: []}], responses: {"200": {description: ok}}}
  /users/{user_id}/:
    get:
      operationId: get_user
      security: [{OAuth2PasswordBearer: []}]
      parameters: [{name: user_id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: ok}}
  /visits/:
    post:
      operationId: add_visit
      security: [{OAuth2PasswordBearer: []}]
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [reason], properties: {reason: {type: string}, visibility: {type: string, enum: [public, private]}, shared: {type: boolean}}}}}}
      responses: {"201": {description: ok}}
  /visits/{visit_id}/:
    get:
      operationId: get_visit
      security: [{OAuth2PasswordBearer: []}]
      parameters: [{name: visit_id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
    delete:
      operationId: delete_visit
      security: [{OAuth2PasswordBearer: []}]
      parameters: [{name: visit_id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ok}}
`

type clinic struct {
	mu     sync.Mutex
	users  []map[string]any
	visits map[string]string
	wrong  []string
	n      int
}

func (c *clinic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path != "/token" && !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, r.URL.Path+"/", http.StatusTemporaryRedirect)
		return
	}
	var in map[string]any
	if r.URL.Path == "/users/" {
		_ = json.NewDecoder(r.Body).Decode(&in)
		if in["password"] != in["password_confirmation"] || in["password"] == nil {
			http.Error(w, `{"detail":"passwords differ"}`, http.StatusUnprocessableEntity)
			return
		}
		if in["role"] != "user" || in["is_superuser"] != nil {
			c.wrong = append(c.wrong, fmt.Sprint(in["role"], in["is_superuser"]))
		}
		c.users = append(c.users, in)
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id":%d,"email":%q}`, len(c.users)+100, in["email"])
		return
	}
	if r.URL.Path == "/token" {
		for i, u := range c.users {
			if u["email"] == r.PostFormValue("username") && u["password"] == r.PostFormValue("password") {
				fmt.Fprintf(w, `{"access_token":"bearer-of-%d","token_type":"bearer"}`, i+101)
				return
			}
		}
		http.Error(w, `{"detail":"Incorrect username or password"}`, http.StatusUnauthorized)
		return
	}
	me := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer bearer-of-")
	id := strings.Trim(r.URL.Path[strings.Index(r.URL.Path[1:], "/")+1:], "/")
	switch {
	case me == "":
		http.Error(w, `{"detail":"Not authenticated"}`, http.StatusUnauthorized)
	case r.URL.Path == "/users/me/" || r.URL.Path == "/users/"+me+"/":
		fmt.Fprintf(w, `{"id":%s,"email":"e"}`, me)
	case r.Method == "POST":
		_ = json.NewDecoder(r.Body).Decode(&in)
		if in["visibility"] != "private" || in["shared"] != false {
			c.wrong = append(c.wrong, fmt.Sprint(in))
		}
		c.n++
		c.visits[fmt.Sprintf("v%d", c.n)] = me
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"_id":{"$oid":"v%d"},"reason":"r"}`, c.n)
	case c.visits[id] != me:
		http.Error(w, `{"detail":"Not Found"}`, http.StatusNotFound)
	case r.Method == "DELETE":
		delete(c.visits, id)
		w.WriteHeader(204)
	default:
		fmt.Fprintf(w, `{"_id":{"$oid":%q}}`, id)
	}
}

func TestSlashesFormsAndRolesOfRegistrations(t *testing.T) {
	c := &clinic{visits: map[string]string{}}
	w := newWorld(t, clinicDocument, c)
	users, why, err := w.Discover(t.Context(), 2)
	if err != nil || len(users) != 2 {
		t.Fatalf("%d users: %s %v", len(users), why, err)
	}
	w.Users = users
	reach(t, w)
	for _, o := range w.API.Operations {
		if a := w.Account(o); !a.Reached {
			t.Errorf("%s %s: %s", o.Method, o.Path, a.Why)
		}
	}
	if len(c.wrong) > 0 {
		t.Errorf("users with more than they need, or things for all to see: %v", c.wrong)
	}
	if id, ok := users[1].Knows("id"); !ok || fmt.Sprint(id) != "102" {
		t.Errorf("the second user's id is said to be %v", id)
	}
	place := call.Place{In: "path", Name: "user_id"}
	if own := w.Owns(op(t, w, "get_user"), place, users[1]); len(own) == 0 || fmt.Sprint(own[0]) != "102" {
		t.Errorf("the second user's own: %v", own)
	}
	if left := w.Clean(t.Context()); len(c.visits) > 0 {
		t.Errorf("left: %v, %v", c.visits, left)
	}
}

func TestOperationsThatEndASessionAreLeftToUsersWhoCanComeBack(t *testing.T) {
	w := newWorld(t, strings.Replace(clinicDocument, "/users/me/:\n    get: {operationId: me,", "/users/logout:\n    post: {operationId: logout,", 1), &clinic{visits: map[string]string{}})
	ann := staticUser("ann")
	if _, err := w.Call(t.Context(), op(t, w, "logout"), ann); err == nil || !strings.Contains(err.Error(), world.ErrUnreached.Error()) {
		t.Errorf("a static token was risked: %v", err)
	}
}
