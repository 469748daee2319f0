// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"durward/probe/check/checktest"
)

const votes = `
openapi: 3.0.3
info: {title: Ideas, version: "1"}
security: [{bearer: []}]
paths:
  /ideas:
    get: {operationId: listIdeas, responses: {"200": {description: all}}}
    post:
      operationId: createIdea
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [title], properties: {title: {type: string}}}}}}
      responses: {"201": {description: made}}
  /ideas/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: getIdea, responses: {"200": {description: one}}}
  /ideas/{id}/vote:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    post: {operationId: vote, responses: {"200": {description: counted}}}
components: {securitySchemes: {bearer: {type: http, scheme: bearer}}}
`

func TestWhatCountsOnce(t *testing.T) {
	type idea struct {
		votes  int
		voters map[string]bool
	}
	tests := []struct {
		name string
		// vote counts, and tells the status.
		vote  func(i *idea, user string) int
		found bool
	}{
		{"the second vote is refused", func(i *idea, user string) int {
			if i.voters[user] {
				return http.StatusConflict
			}
			i.votes++
			return http.StatusOK
		}, false},
		{"the second vote changes nothing", func(i *idea, user string) int {
			if !i.voters[user] {
				i.votes++
			}
			return http.StatusOK
		}, false},
		{"the second vote takes the first back", func(i *idea, user string) int {
			if i.voters[user] {
				i.votes--
			} else {
				i.votes++
			}
			return http.StatusOK
		}, false},
		{"each vote counts", func(i *idea, _ string) int { i.votes++; return http.StatusOK }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			ideas := map[int]*idea{}
			next := 0
			mux := http.NewServeMux()
			on := func(pattern string, h func(w http.ResponseWriter, r *http.Request, user string)) {
				mux.HandleFunc(pattern, checktest.Auth(func(w http.ResponseWriter, r *http.Request, user string) {
					mu.Lock()
					defer mu.Unlock()
					h(w, r, user)
				}))
			}
			show := func(id int) map[string]any { return map[string]any{"id": id, "votes": ideas[id].votes} }
			on("GET /ideas", func(w http.ResponseWriter, _ *http.Request, _ string) {
				out := []any{}
				for id := 1; id <= next; id++ {
					out = append(out, show(id))
				}
				checktest.Write(w, http.StatusOK, out)
			})
			on("POST /ideas", func(w http.ResponseWriter, _ *http.Request, _ string) {
				next++
				ideas[next] = &idea{voters: map[string]bool{}}
				checktest.Write(w, http.StatusCreated, show(next))
			})
			one := func(w http.ResponseWriter, r *http.Request) int {
				id, err := strconv.Atoi(r.PathValue("id"))
				if err != nil || ideas[id] == nil {
					checktest.Write(w, http.StatusNotFound, map[string]any{"error": "no"})
					return 0
				}
				return id
			}
			on("GET /ideas/{id}", func(w http.ResponseWriter, r *http.Request, _ string) {
				if id := one(w, r); id > 0 {
					checktest.Write(w, http.StatusOK, show(id))
				}
			})
			on("POST /ideas/{id}/vote", func(w http.ResponseWriter, r *http.Request, user string) {
				id := one(w, r)
				if id == 0 {
					return
				}
				status := tt.vote(ideas[id], user)
				ideas[id].voters[user] = !ideas[id].voters[user]
				checktest.Write(w, status, show(id))
			})
			var want []string
			if tt.found {
				want = []string{"flow-repeated POST /ideas/{id}/vote"}
			}
			checktest.Expect(t, votes, mux, "business-flow", want...)
		})
	}
}

const orders = `
openapi: 3.0.3
info: {title: Orders, version: "1"}
security: [{bearer: []}]
paths:
  /orders:
    post:
      operationId: createOrder
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [note], properties: {note: {type: string}}}}}}
      responses: {"201": {description: made}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: getOrder, responses: {"200": {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}}
  /orders/{id}/pay:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    post: {operationId: pay, responses: {"200": {description: paid}}}
  /orders/{id}/ship:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    post: {operationId: ship, responses: {"200": {description: shipped}}}
  /orders/{id}/confirm:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    post: {operationId: confirm, responses: {"200": {description: confirmed}}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas: {Order: {type: object, properties: {id: {type: integer}, status: {type: string, enum: [new, confirmed, paid, shipped]}}}}
`

func TestSteps(t *testing.T) {
	states := []string{"new", "confirmed", "paid", "shipped"}
	verbs := map[string]string{"confirm": "confirmed", "pay": "paid", "ship": "shipped"}
	tests := []struct {
		name string
		// may tells whether one state may follow another.
		may  func(from, to int) bool
		want []string
	}{
		{"one step after the other", func(from, to int) bool { return to == from+1 }, nil},
		{"a step may be done again", func(from, to int) bool { return to == from+1 || to == from }, nil},
		{"shipping does not ask for the payment", func(from, to int) bool { return to == from+1 || to == 3 },
			[]string{"flow-step-skipped POST /orders/{id}/ship"}},
		{"nothing asks for what was before", func(from, to int) bool { return to > from },
			[]string{"flow-step-skipped POST /orders/{id}/pay", "flow-step-skipped POST /orders/{id}/ship"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var all []int // states
			mux := http.NewServeMux()
			on := func(pattern string, h func(w http.ResponseWriter, r *http.Request, id int)) {
				mux.HandleFunc(pattern, checktest.Auth(func(w http.ResponseWriter, r *http.Request, _ string) {
					mu.Lock()
					defer mu.Unlock()
					id, err := strconv.Atoi(r.PathValue("id"))
					if r.PathValue("id") != "" && (err != nil || id < 1 || id > len(all)) {
						checktest.Write(w, http.StatusNotFound, map[string]any{"error": "no"})
						return
					}
					h(w, r, id)
				}))
			}
			show := func(w http.ResponseWriter, status, id int) {
				checktest.Write(w, status, map[string]any{"id": id, "status": states[all[id-1]]})
			}
			on("POST /orders", func(w http.ResponseWriter, _ *http.Request, _ int) {
				all = append(all, 0)
				show(w, http.StatusCreated, len(all))
			})
			on("GET /orders/{id}", func(w http.ResponseWriter, _ *http.Request, id int) { show(w, http.StatusOK, id) })
			for verb, state := range verbs {
				to := slices.Index(states, state)
				on("POST /orders/{id}/"+verb, func(w http.ResponseWriter, _ *http.Request, id int) {
					if !tt.may(all[id-1], to) {
						checktest.Write(w, http.StatusConflict, map[string]any{"error": "not now"})
						return
					}
					all[id-1] = to
					show(w, http.StatusOK, id)
				})
			}
			checktest.Expect(t, orders, mux, "business-flow", tt.want...)
		})
	}
}
