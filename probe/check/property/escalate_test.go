// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package property_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"durward/probe/check/checktest"
)

const groups = `
openapi: 3.0.3
info: {title: Groups, version: "1"}
security: [{bearer: []}]
paths:
  /groups:
    get: {operationId: listGroups, responses: {"200": {description: all, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Group'}}}}}}}
    post:
      operationId: createGroup
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: string}, topic: {type: string}}}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Group'}}}}}
  /groups/{group}:
    parameters: [{name: group, in: path, required: true, schema: {type: string}}]
    get: {operationId: getGroup, responses: {"200": {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Group'}}}}}}
    patch:
      operationId: updateGroup
      requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {topic: {type: string}}}}}}
      responses: {"200": {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Group'}}}}}
  /groups/{group}/members:
    parameters: [{name: group, in: path, required: true, schema: {type: string}}]
    get: {operationId: listMembers, responses: {"200": {description: all, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Member'}}}}}}}
    post:
      operationId: addMember
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [user], properties: {user: {type: string}, role: {$ref: '#/components/schemas/Role'}}}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}}
  /groups/{group}/members/{user}:
    parameters: [{name: group, in: path, required: true, schema: {type: string}}, {name: user, in: path, required: true, schema: {type: string}}]
    put:
      operationId: setMember
      requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {nickname: {type: string}, role: {$ref: '#/components/schemas/Role'}}}}}}
      responses: {"200": {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Role: {type: string, enum: [member, moderator, owner]}
    Group: {type: object, properties: {id: {type: string}, topic: {type: string}}}
    Member: {type: object, properties: {user: {type: string}, role: {$ref: '#/components/schemas/Role'}, nickname: {type: string}}}
`

// service is a service of groups. Its functions are what it may do wrong; nil
// ones do it right.
type service struct {
	mu     sync.Mutex
	groups []*room
	// upsert lets PUT add members; else POST does.
	upsert bool
	// rank gives the role after a PUT of a record; ok is false for a refusal.
	rank func(caller, now, want string, self bool) (role string, ok bool)
	// renamed is called after a PATCH of a group that was taken.
	renamed func(g *room, caller string, body map[string]any)
	// editors may change a group.
	editors []string
	// told is what the lists say of a member.
	told func(role string) string
}

type room struct {
	id, topic string
	users     []string
	roles     map[string]string
}

func (s *service) member(g *room, user string) map[string]any {
	role := g.roles[user]
	if s.told != nil {
		role = s.told(role)
	}
	return map[string]any{"user": user, "role": role}
}

// in runs fn for a member of a group, and answers what it gives.
func (s *service) in(fn func(g *room, caller string, r *http.Request) (any, int)) http.HandlerFunc {
	return checktest.Auth(func(w http.ResponseWriter, r *http.Request, caller string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, g := range s.groups {
			if g.id == r.PathValue("group") && g.roles[caller] != "" {
				v, status := fn(g, caller, r)
				checktest.Write(w, status, v)
				return
			}
		}
		checktest.Write(w, http.StatusNotFound, map[string]any{"error": "no such group"})
	})
}

var no = map[string]any{"error": "that is not for you"}

func (s *service) put(g *room, caller string, r *http.Request) (any, int) {
	user, body := r.PathValue("user"), checktest.Read(r)
	want, _ := body["role"].(string)
	now, there := g.roles[user]
	switch {
	case !there && (!s.upsert || g.roles[caller] != "owner"), there && user != caller && g.roles[caller] != "owner":
		return no, http.StatusForbidden
	case !there:
		g.users, now = append(g.users, user), "member"
	}
	if want == "" {
		want = now
	}
	role, ok := want, true
	if there && g.roles[caller] != "owner" {
		if role, ok = s.rank(g.roles[caller], now, want, user == caller); !ok {
			return no, http.StatusForbidden
		}
	}
	g.roles[user] = role
	answer := s.member(g, user)
	answer["role"] = want // as sent: the answer alone proves nothing
	return answer, http.StatusOK
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /groups", checktest.Auth(func(w http.ResponseWriter, _ *http.Request, caller string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		out := []any{}
		for _, g := range s.groups {
			if g.roles[caller] != "" {
				out = append(out, map[string]any{"id": g.id, "topic": g.topic})
			}
		}
		checktest.Write(w, http.StatusOK, out)
	}))
	mux.HandleFunc("POST /groups", checktest.Auth(func(w http.ResponseWriter, r *http.Request, caller string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id, _ := checktest.Read(r)["id"].(string)
		if id == "" || slices.ContainsFunc(s.groups, func(g *room) bool { return g.id == id }) {
			checktest.Write(w, http.StatusConflict, map[string]any{"error": "another id, please"})
			return
		}
		s.groups = append(s.groups, &room{id, "none", []string{caller}, map[string]string{caller: "owner"}})
		checktest.Write(w, http.StatusCreated, map[string]any{"id": id, "topic": "none"})
	}))
	mux.HandleFunc("GET /groups/{group}", s.in(func(g *room, _ string, _ *http.Request) (any, int) {
		return map[string]any{"id": g.id, "topic": g.topic}, http.StatusOK
	}))
	mux.HandleFunc("PATCH /groups/{group}", s.in(func(g *room, caller string, r *http.Request) (any, int) {
		body := checktest.Read(r)
		topic, ok := body["topic"].(string)
		if !ok || !slices.Contains(s.editors, g.roles[caller]) {
			return no, http.StatusForbidden
		}
		g.topic = topic
		if s.renamed != nil {
			s.renamed(g, caller, body)
		}
		return map[string]any{"id": g.id, "topic": g.topic}, http.StatusOK
	}))
	mux.HandleFunc("GET /groups/{group}/members", s.in(func(g *room, _ string, _ *http.Request) (any, int) {
		out := []any{}
		for _, u := range g.users {
			out = append(out, s.member(g, u))
		}
		return out, http.StatusOK
	}))
	mux.HandleFunc("POST /groups/{group}/members", s.in(func(g *room, caller string, r *http.Request) (any, int) {
		body := checktest.Read(r)
		user, _ := body["user"].(string)
		if s.upsert || g.roles[caller] != "owner" || user == "" || g.roles[user] != "" {
			return no, http.StatusForbidden
		}
		role, _ := body["role"].(string)
		g.users, g.roles[user] = append(g.users, user), role
		return s.member(g, user), http.StatusCreated
	}))
	mux.HandleFunc("PUT /groups/{group}/members/{user}", s.in(s.put))
	return mux
}

func TestAMemberWhoRaisesThemselves(t *testing.T) {
	type rank = func(caller, now, want string, self bool) (string, bool)
	refuse := rank(func(_, now, want string, self bool) (string, bool) { return now, self && want == now })
	overlook := rank(func(_, now, _ string, self bool) (string, bool) { return now, self })
	bind := rank(func(_, _, want string, self bool) (string, bool) { return want, self })
	const own, group = "mass-assignment PUT /groups/{group}/members/{user} body#/role", "mass-assignment PATCH /groups/{group} body#/owner"
	tests := []struct {
		name string
		s    service
		want []string
	}{
		{"another role is refused", service{rank: refuse}, nil},
		{"another role is overlooked, though the answer repeats it", service{rank: overlook}, nil},
		{"another role is overlooked where PUT adds members", service{rank: overlook, upsert: true}, nil},
		{"members may step down, not up", service{rank: func(_, now, want string, self bool) (string, bool) {
			return want, self && (want == now || want == "member")
		}}, nil},
		{"members may become moderators, as they like", service{rank: func(_, now, want string, self bool) (string, bool) {
			return want, self && (want == now || want == "moderator")
		}}, nil},
		{"all are equals who set what they like", service{rank: bind, told: func(string) string { return "member" }}, nil},
		{"moderators change the topic and nothing else", service{rank: refuse, editors: []string{"moderator", "owner"}}, nil},
		{"who changes the topic first becomes the owner, by rule", service{rank: refuse, editors: []string{"member", "moderator", "owner"},
			renamed: func(g *room, caller string, _ map[string]any) { g.roles[caller] = "owner" }}, nil},
		{"an owner in the body hands over only what is the caller's", service{rank: refuse, editors: []string{"moderator", "owner"},
			renamed: func(g *room, caller string, body map[string]any) {
				if to, ok := body["owner"].(string); ok && g.roles[caller] == "owner" && g.roles[to] != "" {
					g.roles[to] = "owner"
				}
			}}, nil},

		{"members set their own role, added by POST", service{rank: bind}, []string{own}},
		{"members set their own role, added by PUT", service{rank: bind, upsert: true}, []string{own}},
		{"a moderator names the owner in the body of the group", service{rank: refuse, editors: []string{"moderator", "owner"},
			renamed: func(g *room, _ string, body map[string]any) {
				if to, ok := body["owner"].(string); ok && g.roles[to] != "" {
					g.roles[to] = "owner"
				}
			}}, []string{group}},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			checktest.Expect(t, groups, tt.s.handler(), "mass-assignment", tt.want...)
		})
	}
}
