// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package property_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"durward/probe/check/checktest"
)

const profile = `
openapi: 3.0.3
info: {title: Profiles, version: "1"}
security: [{bearer: []}]
paths:
  /me:
    get: {operationId: getMe, responses: {"200": {description: me, content: {application/json: {schema: {$ref: '#/components/schemas/Me'}}}}}}
    patch:
      operationId: updateMe
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [nickname], properties: {nickname: {type: string}}}}}}
      responses: {"200": {description: me, content: {application/json: {schema: {$ref: '#/components/schemas/Me'}}}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Me: {type: object, properties: {username: {type: string}, nickname: {type: string}, role: {type: string}, balance: {type: number}}}
`

// person is a profile; take changes it by a body.
func profiles(take func(me, body map[string]any) (answer map[string]any, status int)) http.Handler {
	var mu sync.Mutex
	people := map[string]map[string]any{}
	me := func(user string) map[string]any {
		if people[user] == nil {
			people[user] = map[string]any{"username": user, "nickname": "none yet", "role": "user", "balance": 10}
		}
		return people[user]
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", checktest.Auth(func(w http.ResponseWriter, _ *http.Request, user string) {
		mu.Lock()
		defer mu.Unlock()
		checktest.Write(w, http.StatusOK, me(user))
	}))
	mux.HandleFunc("PATCH /me", checktest.Auth(func(w http.ResponseWriter, r *http.Request, user string) {
		mu.Lock()
		defer mu.Unlock()
		answer, status := take(me(user), checktest.Read(r))
		checktest.Write(w, status, answer)
	}))
	return mux
}

func TestMassAssignment(t *testing.T) {
	tests := []struct {
		name string
		take func(me, body map[string]any) (map[string]any, int)
		want []string
	}{
		{"other members are overlooked", func(me, body map[string]any) (map[string]any, int) {
			me["nickname"] = body["nickname"]
			return me, http.StatusOK
		}, nil},
		{"other members are refused", func(me, body map[string]any) (map[string]any, int) {
			if len(body) > 1 {
				return map[string]any{"error": "unknown member"}, http.StatusBadRequest
			}
			me["nickname"] = body["nickname"]
			return me, http.StatusOK
		}, nil},
		{"the answer repeats the request and nothing is kept", func(me, body map[string]any) (map[string]any, int) {
			me["nickname"] = body["nickname"]
			return body, http.StatusOK
		}, nil},
		{"it is refused with 200", func(me, body map[string]any) (map[string]any, int) {
			if len(body) > 1 {
				return map[string]any{"success": false}, http.StatusOK
			}
			me["nickname"] = body["nickname"]
			return me, http.StatusOK
		}, nil},

		{"the body is bound to the record", func(me, body map[string]any) (map[string]any, int) {
			for n, v := range body {
				me[n] = v
			}
			return me, http.StatusOK
		}, []string{"mass-assignment PATCH /me body#/balance", "mass-assignment PATCH /me body#/role"}},
		{"one member too many is bound", func(me, body map[string]any) (map[string]any, int) {
			me["nickname"] = body["nickname"]
			if v, ok := body["balance"]; ok {
				me["balance"] = v
			}
			return me, http.StatusOK
		}, []string{"mass-assignment PATCH /me body#/balance"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := checktest.Find(t, profile, profiles(tt.take), "mass-assignment")
			// What the service has no member for may be found as well when all
			// are bound.
			for _, w := range tt.want {
				if !contains(got, w) {
					t.Errorf("found %q, want %q among it", got, w)
				}
			}
			if len(tt.want) == 0 && len(got) > 0 {
				t.Errorf("found %q on a service that keeps nothing", got)
			}
		})
	}
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

const people = `
openapi: 3.0.3
info: {title: People, version: "1"}
security: [{bearer: []}]
paths:
  /people:
    get:
      operationId: listPeople
      responses:
        "200":
          description: all
          content: {application/json: {schema: {type: array, items: {type: object, properties: {name: {type: string}, contact: {type: string}}}}}}
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
`

func TestExposure(t *testing.T) {
	tests := []struct {
		name   string
		person map[string]any
		found  bool
	}{
		{"names only", map[string]any{"name": "Carol"}, false},
		{"a masked card", map[string]any{"name": "Carol", "card_number": "**** **** **** 4242"}, false},
		{"a mail address where the document has one", map[string]any{"name": "Carol", "contact": "carol@users.example"}, false},
		{"whether there is a password", map[string]any{"name": "Carol", "has_password": true, "password_changed_at": "2026-01-05"}, false},
		{"one's own mail address", map[string]any{"name": "alice", "email": "alice@users.example"}, false},

		{"a password", map[string]any{"name": "Carol", "password": "winter-2026"}, true},
		{"a password's hash under another name", map[string]any{"name": "Carol", "check": "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZDpQb8fGkZyA3Y1mM2tQe0tVbqS7Oi"}, true},
		{"a mail address that the document does not have", map[string]any{"name": "Carol", "email": "carol@users.example"}, true},
		{"a phone number under another name", map[string]any{"name": "Carol", "reach": "+44 1632 960013"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /people", checktest.Auth(func(w http.ResponseWriter, _ *http.Request, user string) {
				p := map[string]any{}
				for n, v := range tt.person {
					p[n] = v
				}
				if p["name"] == "alice" {
					p["name"], p["email"] = user, user+"@users.example"
				}
				checktest.Write(w, http.StatusOK, []any{p})
			}))
			got := checktest.Find(t, people, mux, "data-exposure")
			if (len(got) > 0) != tt.found {
				t.Errorf("found %q", got)
			}
		})
	}
}

const accounts = `
openapi: 3.0.3
info: {title: Accounts, version: "1"}
paths:
  /accounts:
    post:
      operationId: register
      security: []
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [username, password], properties: {username: {type: string}, password: {type: string, writeOnly: true}}}}}}
      responses: {"201": {description: made}}
`

func TestAPasswordThatComesBack(t *testing.T) {
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint(back), func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
				m := checktest.Read(r)
				if !back {
					delete(m, "password")
				}
				checktest.Write(w, http.StatusCreated, m)
			})
			var want []string
			if back {
				want = []string{"write-only-exposed POST /accounts response#password"}
			}
			checktest.Expect(t, accounts, mux, "data-exposure", want...)
		})
	}
}

const registration = `
openapi: 3.0.3
info: {title: Members, version: "1"}
paths:
  /me: {get: {operationId: me, security: [{bearer: []}], responses: {"200": {description: me}}}}
  /users: {get: {operationId: listUsers, responses: {"200": {description: all}}}}
  /users/register:
    post:
      operationId: register
      requestBody: {content: {application/json: {schema: {type: object, properties: {username: {type: string}, password: {type: string, example: password123}}}}}}
      responses: {"200": {description: made}}
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
`

func TestARegistrationThatMakesAdministrators(t *testing.T) {
	for name, bound := range map[string]bool{"other members are overlooked": false, "the body is bound to the record": true} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var all []map[string]any
			mux := http.NewServeMux()
			mux.HandleFunc("GET /me", checktest.Auth(func(w http.ResponseWriter, _ *http.Request, user string) {
				checktest.Write(w, http.StatusOK, map[string]any{"username": user, "admin": user == "root"})
			}))
			mux.HandleFunc("GET /users", func(w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				checktest.Write(w, http.StatusOK, map[string]any{"users": all})
			})
			mux.HandleFunc("POST /users/register", func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				m := checktest.Read(r)
				admin := bound && m["admin"] == true
				all = append(all, map[string]any{"username": m["username"], "admin": admin})
				checktest.Write(w, http.StatusOK, map[string]any{"status": "success"})
			})
			var want []string
			if bound {
				want = []string{"mass-assignment POST /users/register body#/admin"}
			}
			checktest.Expect(t, registration, mux, "mass-assignment", want...)
		})
	}
}
