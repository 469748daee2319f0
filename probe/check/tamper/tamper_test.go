// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package tamper_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe"
	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/tamper"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/report"
	"durward/probe/spec"
)

const document = `
openapi: 3.1.0
info: {title: stall, version: "1"}
paths:
  /orders:
    post:
      operationId: order
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
      responses: {"201": {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getOrder
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}
    put:
      operationId: putOrder
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
      responses: {"204": {description: ok}}
  /transfers:
    post:
      operationId: transfer
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [amount], properties: {amount: {type: integer, minimum: 1}}}}}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, properties: {balance: {type: integer}}}}}}}
components:
  schemas:
    Order:
      type: object
      required: [quantity, kind]
      properties:
        id: {type: integer, readOnly: true}
        quantity: {type: integer, minimum: 1, maximum: 10}
        kind: {type: string, enum: [tea, coffee]}
        note: {type: string, maxLength: 20}
`

// stall is a service with flaws by name; without any it checks its input.
type stall struct {
	flaws   []string
	mu      sync.Mutex
	orders  map[int]map[string]any
	last    int
	balance float64
}

func (s *stall) has(flaw string) bool { return slices.Contains(s.flaws, flaw) }

// valid is what an honest service asks.
func (s *stall) valid(o map[string]any) bool {
	q, number := o["quantity"].(float64)
	kind, text := o["kind"].(string)
	note, isNote := o["note"].(string)
	if _, there := o["note"]; there && (!isNote || len([]rune(note)) > 20) && !s.has("any-note") {
		return false
	}
	if s.has("convert") { // an honest one that makes what it can of input
		return true
	}
	return number && text && q == float64(int(q)) && (q >= 1 || s.has("negative")) && (q <= 10 || s.has("bounds")) && (kind == "tea" || kind == "coffee" || s.has("bounds"))
}

func (s *stall) order(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var o map[string]any
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o == nil {
		if s.has("crash") {
			http.Error(w, `{"error":"oops"}`, 500)
			return
		}
		http.Error(w, `{"error":"bad"}`, 400)
		return
	}
	if _, there := o["quantity"]; !there && s.has("crash") {
		http.Error(w, `{"error":"oops"}`, 500)
		return
	}
	if strings.Contains(fmt.Sprint(o["note"]), "\x00") && s.has("crash-on-nul") {
		http.Error(w, `{"error":"oops"}`, 500)
		return
	}
	if s.has("fail-with-200") && !s.valid(o) {
		answer(w, 200, map[string]any{"status": "fail", "quantity": "must be more than 0"})
		return
	}
	if !s.valid(o) {
		http.Error(w, `{"error":"bad"}`, http.StatusUnprocessableEntity)
		return
	}
	if s.has("convert") {
		q, _ := o["quantity"].(float64)
		o = map[string]any{"quantity": max(1, min(10, float64(int(q)))), "kind": "tea"}
	}
	id := s.last + 1
	status := 201
	if r.Method == "PUT" {
		status = 204
		id, _ = strconv.Atoi(r.PathValue("id"))
		if s.orders[id] == nil {
			http.Error(w, `{"error":"none"}`, 404)
			return
		}
	} else {
		s.last = id
	}
	o["id"] = float64(id)
	s.orders[id] = o
	answer(w, status, o)
}

func (s *stall) read(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil && s.has("crash") {
		http.Error(w, "oops", http.StatusBadGateway)
		return
	}
	if o := s.orders[id]; o != nil {
		answer(w, 200, o)
		return
	}
	http.Error(w, `{"error":"none"}`, 404)
}

func (s *stall) transfer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct{ Amount *float64 }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Amount == nil || *in.Amount < 1 && !s.has("negative") {
		http.Error(w, `{"error":"bad"}`, 400)
		return
	}
	s.last++
	s.balance -= *in.Amount
	answer(w, 200, map[string]any{"balance": s.balance, "id": s.last, "message": "done"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status != 204 {
		_ = json.NewEncoder(w).Encode(v)
	}
}

func test(t *testing.T, k check.Check, flaws ...string) *report.Run {
	t.Helper()
	s := &stall{flaws: flaws, orders: map[int]map[string]any{}, balance: 1000}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.order)
	mux.HandleFunc("PUT /orders/{id}", s.order)
	mux.HandleFunc("GET /orders/{id}", s.read)
	mux.HandleFunc("POST /transfers", s.transfer)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	api, err := spec.Parse("stall", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	run, err := probe.Run(context.Background(), probe.Config{URL: server.URL, API: api, Seed: 1, Checks: []check.Check{k}})
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range run.Operations {
		t.Logf("%+v", op)
	}
	return run
}

// told are the findings that count, and those of info.
func told(run *report.Run) []string {
	var all []string
	for _, f := range run.Findings {
		if f.Confidence == finding.Tentative {
			continue
		}
		s := f.Kind.ID + " " + f.Operation + " " + f.Where
		if f.Severity == finding.Info {
			s += " info"
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

func TestAnHonestServiceGivesNoFinding(t *testing.T) {
	for _, flaws := range [][]string{nil, {"convert"}, {"fail-with-200"}} {
		run := test(t, tamper.Check(), flaws...)
		if got := told(run); len(got) > 0 {
			t.Errorf("%v: %q", flaws, got)
		}
	}
}

func TestFlawsAreFound(t *testing.T) {
	for name, want := range map[string][]string{
		"negative":     {"negative-accepted order body#/quantity", "negative-accepted putOrder body#/quantity", "negative-accepted transfer body#/amount", "boundary-accepted order body#/quantity", "boundary-accepted putOrder body#/quantity"},
		"bounds":       {"boundary-accepted order body#/kind", "boundary-accepted order body#/quantity", "boundary-accepted putOrder body#/kind", "boundary-accepted putOrder body#/quantity"},
		"any-note":     {"invalid-input-accepted order body#/note info", "invalid-input-accepted putOrder body#/note info"},
		"crash":        {"unhandled-error getOrder path.id info", "unhandled-error order body# info", "unhandled-error putOrder body# info"},
		"crash-on-nul": {"unhandled-error order body#/note info", "unhandled-error putOrder body#/note info"},
	} {
		t.Run(name, func(t *testing.T) {
			run := test(t, tamper.Check(), name)
			slices.Sort(want)
			if d := cmp.Diff(want, told(run)); d != "" {
				t.Error(d)
			}
			for _, f := range run.Findings {
				if len(f.Steps) < 2 || f.Steps[0].Curl == "" || f.Detail == "" {
					t.Errorf("%s has no evidence: %+v", f.Kind.ID, f.Steps)
				}
			}
		})
	}
}

func TestTheSameSeedSendsTheSame(t *testing.T) {
	a, b := test(t, tamper.Check(), "negative", "crash"), test(t, tamper.Check(), "negative", "crash")
	if a.Requests != b.Requests || !slices.Equal(told(a), told(b)) {
		t.Errorf("%d and %d requests", a.Requests, b.Requests)
	}
}

func TestLoginsAreShielded(t *testing.T) {
	api, err := spec.Parse("login", []byte(`{"openapi":"3.1.0","paths":{"/users/v1/login":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"username":{"type":"string"},"email":{"type":"string"},"password":{"type":"string"}}}}}}}},
	"/users/register":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"password":{"type":"string"}}}}}}}},"/login":{"get":{}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range api.Operations {
		if want := op.Path == "/users/v1/login"; tamper.IsLogin(op) != want {
			t.Errorf("%s: %v", op.ID, !want)
		}
	}
	c := &call.Call{Op: api.Operations[2], MediaType: "application/json", HasBody: true, Body: map[string]any{"username": "alice", "email": "alice@corp.test", "password": "p"}}
	if c.Op.Path != "/users/v1/login" {
		t.Fatal(c.Op.Path)
	}
	got := tamper.Shield(c, call.Place{In: "body", Name: "/username"})
	if d := cmp.Diff(map[string]any{"username": "alice", "email": "nobody.probe@example.com", "password": "p"}, got.Body); d != "" {
		t.Error(d)
	}
	if c.Body.(map[string]any)["email"] != "alice@corp.test" {
		t.Error("the call itself was changed")
	}
}

func TestWhatAUserLogsInWithIsLeftAlone(t *testing.T) {
	for _, c := range []struct {
		method, path, name string
		want               bool
	}{
		{"PUT", "/me", "/email", true}, {"PATCH", "/users/{id}", "/password", true}, {"POST", "/users", "/email", false},
		{"POST", "/user/change-email", "/new_email", true}, {"PUT", "/orders/{id}", "/quantity", false},
	} {
		op := &call.Call{Op: &spec.Operation{Method: c.method, Path: c.path}}
		if got := tamper.Own(op, call.Place{In: "body", Name: c.name}); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
	if tamper.Own(&call.Call{Op: &spec.Operation{Method: "PUT"}}, call.Place{In: "query", Name: "email"}) {
		t.Error("a query changes no user")
	}
}

func TestRequestsThatAreExotic(t *testing.T) {
	for target, want := range map[string]bool{"/a?q=%00": true, "/a?n=99999999999": true, "/a?n=1234": false, "/a?q=%27": false, "/a/" + strings.Repeat("x", 3000): true} {
		if got := tamper.Exotic(&client.Request{Target: target}); got != want {
			t.Errorf("%.30s: %v", target, got)
		}
	}
}
