// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"durward"
	"durward/examples/moot"
	"durward/internal/strictyaml"
)

// mootAPI makes an API of moot's contract, as who calls Compile must.
func mootAPI(t testing.TB) API {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(moot.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	api := API{Name: "moot"}
	for _, path := range doc.Paths.InMatchingOrder() {
		item := doc.Paths.Find(path)
		for method, o := range item.Operations() {
			op := Operation{ID: o.OperationID, Method: method, Tags: o.Tags, Public: o.OperationID == "health"}
			for _, ref := range slices.Concat(item.Parameters, o.Parameters) {
				p := Param{Name: ref.Value.Name, Type: scalarType(ref.Value.Schema.Value), Required: ref.Value.Required}
				switch ref.Value.In {
				case "path":
					op.Path = append(op.Path, p)
				case "query":
					op.Query = append(op.Query, p)
				case "header":
					op.Header = append(op.Header, p)
				}
			}
			slices.SortFunc(op.Path, func(a, b Param) int {
				return strings.Index(path, "{"+a.Name+"}") - strings.Index(path, "{"+b.Name+"}")
			})
			if o.RequestBody != nil {
				if media := o.RequestBody.Value.Content.Get("application/json"); media != nil {
					op.Body = bodyFields(media.Schema.Value)
				}
			}
			api.Operations = append(api.Operations, op)
		}
	}
	slices.SortFunc(api.Operations, func(a, b Operation) int { return strings.Compare(a.ID, b.ID) })
	return api
}

func scalarType(s *openapi3.Schema) Type {
	switch {
	case s.Type.Is("integer"):
		return LongType
	case s.Type.Is("boolean"):
		return BoolType
	}
	return StringType
}

func bodyFields(s *openapi3.Schema) []Field {
	var out []Field
	for _, name := range sortedKeys(s.Properties) {
		of := s.Properties[name].Value
		if !of.Type.Is("array") {
			out = append(out, Field{Name: name, Type: scalarType(of), Required: slices.Contains(s.Required, name)})
		}
	}
	return out
}

func mootRules(t testing.TB) *Compiled {
	t.Helper()
	name := "../examples/moot/policies/authorize.yaml"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var cfg Config
	if _, err := strictyaml.Decode(data, &cfg, strictyaml.Options{Name: name}); err != nil {
		t.Fatal(err)
	}
	c, err := Compile(&cfg, mootAPI(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// guard stands before moot as a gateway would, with policies and nothing else:
// no contract check, no addresses, no limits.
type guard struct {
	t     *testing.T
	rules *Compiled
	next  http.Handler
	mux   *http.ServeMux
	last  *durward.Exchange
}

func newGuard(t *testing.T, flaws ...string) *guard {
	t.Helper()
	api, err := moot.New(moot.Options{Flaws: flaws, Now: func() time.Time { return moot.SeedTime.Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	g := &guard{t: t, rules: mootRules(t), next: api.Handler(), mux: http.NewServeMux()}
	doc, err := openapi3.NewLoader().LoadFromData(moot.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	described := mootAPI(t)
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			i := slices.IndexFunc(described.Operations, func(op Operation) bool { return op.ID == o.OperationID })
			op := &described.Operations[i]
			g.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) { g.serve(op, w, r) })
		}
	}
	return g
}

func (g *guard) serve(op *Operation, w http.ResponseWriter, r *http.Request) {
	x := &durward.Exchange{Started: moot.SeedTime, Operation: &durward.Operation{ID: op.ID}}
	x.In.Method, x.In.RawQuery = r.Method, r.URL.RawQuery
	x.Client.Address = netip.MustParseAddr("192.0.2.1")
	for name, values := range r.Header {
		for _, v := range values {
			x.In.Header.Add(name, v)
		}
	}
	for _, p := range op.Path {
		x.Params = append(x.Params, durward.Param{Name: p.Name, Value: r.PathValue(p.Name)})
	}
	x.Principal = durward.Principal{Method: "jwt", Subject: r.Header.Get(moot.UserField), Roles: r.Header.Values(moot.RolesField)}
	if r.ContentLength > 0 {
		x.In.Body.Init(r.Body, r.ContentLength)
		if err := x.In.Body.SetLimit(1 << 20); err != nil {
			g.t.Fatal(err)
		}
	}
	g.last = x
	for _, stage := range []durward.Stage{g.rules.Stage(op.ID), g.rules.Content(op.ID)} {
		if stage == nil {
			continue
		}
		if d := stage.Request(context.Background(), x); d.Verdict != durward.Allow {
			w.WriteHeader(durward.Lookup(d.Code).Status)
			return
		}
	}
	if content, err := x.In.Body.Bytes(); err == nil && len(content) > 0 {
		r.Body = http.NoBody
		r = r.Clone(r.Context())
		r.Body = readCloser{strings.NewReader(string(content))}
	}
	g.next.ServeHTTP(w, r)
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func (g *guard) do(user, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	name, admin := strings.CutSuffix(user, "!")
	r.Header.Set(moot.UserField, name)
	if admin {
		r.Header.Set(moot.RolesField, "admin")
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	g.mux.ServeHTTP(w, r)
	return w
}

func TestPoliciesAloneCloseMootsObjectLevelFlaws(t *testing.T) {
	for _, tt := range []struct {
		name, flaw                 string
		user, method, target, body string
		status                     int
	}{
		{"an outsider reads a message of a private space", "bola-read-message", "dan", "GET", "/spaces/council/messages/m-000005", "", 403},
		{"an outsider reads it by the way of a public space", "bola-read-message", "dan", "GET", "/spaces/lobby/messages/m-000005", "", 403},
		{"a member reads it by the way of another space", "bola-read-message", "cy", "GET", "/spaces/lobby/messages/m-000005", "", 403},
		{"a member deletes another's file", "bola-delete-attachment", "cy", "DELETE", "/spaces/council/attachments/a-000002", "", 403},
		{"an outsider deletes a file of a private space", "bola-delete-attachment", "dan", "DELETE", "/spaces/lobby/attachments/a-000002", "", 403},
		{"an outsider edits a message by the way of a public space", "idor-edit-message", "dan", "PATCH", "/spaces/lobby/messages/m-000005", `{"text":"0"}`, 403},
		{"a member edits another's message", "idor-edit-message", "cy", "PATCH", "/spaces/council/messages/m-000005", `{"text":"0"}`, 403},
		{"a member gives themselves a role", "mass-assignment-member-role", "cy", "PUT", "/spaces/council/members/cy", `{"nickname":"Cy","role":"owner"}`, 403},
		{"a member hides the role behind an escape", "mass-assignment-member-role", "cy", "PUT", "/spaces/council/members/cy", `{"\u0072ole":"owner"}`, 403},
		{"a member sends the role twice", "mass-assignment-member-role", "cy", "PUT", "/spaces/council/members/cy", `{"role":null,"role":"owner"}`, 400},
		{"a moderator makes an owner", "mass-assignment-member-role", "bob", "PUT", "/spaces/council/members/cy", `{"role":"owner"}`, 403},
		{"a moderator changes the title", "mass-assignment-space-owner", "bob", "PATCH", "/spaces/council", `{"title":"Mine"}`, 403},
		{"a member resolves a report about themselves", "bfla-resolve-report", "cy", "POST", "/spaces/lobby/reports/r-000001/resolve", `{"action":"dismiss"}`, 403},
		{"a moderator of another space resolves it", "bfla-resolve-report", "dan", "POST", "/spaces/studio/reports/r-000001/resolve", `{"action":"dismiss"}`, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t, tt.flaw)
			if w := g.do(tt.user, tt.method, tt.target, tt.body); w.Code != tt.status {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

func TestTheSameRequestsSucceedWithoutThePolicies(t *testing.T) {
	for flaw, request := range map[string][4]string{
		"bola-read-message":           {"dan", "GET", "/spaces/council/messages/m-000005", ""},
		"bola-delete-attachment":      {"cy", "DELETE", "/spaces/council/attachments/a-000002", ""},
		"idor-edit-message":           {"dan", "PATCH", "/spaces/lobby/messages/m-000005", `{"text":"0"}`},
		"mass-assignment-member-role": {"cy", "PUT", "/spaces/council/members/cy", `{"role":"owner"}`},
		"bfla-resolve-report":         {"cy", "POST", "/spaces/lobby/reports/r-000001/resolve", `{"action":"dismiss"}`},
	} {
		g := newGuard(t, flaw)
		r := httptest.NewRequest(request[1], request[2], strings.NewReader(request[3]))
		r.Header.Set(moot.UserField, request[0])
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		g.next.ServeHTTP(w, r)
		if w.Code/100 != 2 {
			t.Errorf("%s: %d, so the flaw is not open and the test shows nothing", flaw, w.Code)
		}
	}
}

func TestMootsPoliciesLetThroughWhatMootAllows(t *testing.T) {
	for _, tt := range []struct {
		user, method, target, body, policy string
	}{
		{"dan", "GET", "/spaces/lobby/messages/m-000001", "", "readers-see-and-report-messages"},
		{"cy", "GET", "/spaces/council/messages/m-000005", "", "readers-see-and-report-messages"},
		{"cy", "PATCH", "/spaces/lobby/messages/m-000003", `{"text":"Hello"}`, "authors-edit"},
		{"bob", "DELETE", "/spaces/lobby/messages/m-000004", "", "authors-and-moderators-delete-messages"},
		{"bob", "DELETE", "/spaces/council/attachments/a-000002", "", "uploaders-and-moderators-delete-attachments"},
		{"cy", "PUT", "/spaces/council/members/cy", `{"nickname":"Cy"}`, "members-name-themselves"},
		{"bob", "PUT", "/spaces/council/members/dan", `{"role":"member"}`, "moderators-add-members"},
		{"ada", "PUT", "/spaces/council/members/cy", `{"role":"moderator"}`, "owners-set-any-role"},
		{"bob", "PATCH", "/spaces/council", `{"topic":"News"}`, "moderators-change-the-topic"},
		{"ada", "PATCH", "/spaces/council", `{"title":"News"}`, "owners-change-and-delete-a-space"},
		{"bob", "POST", "/spaces/lobby/reports/r-000001/resolve", `{"action":"dismiss"}`, "moderators-resolve-reports"},
		{"dan", "POST", "/spaces/lobby/messages/m-000004/reports", `{"reason":"spam"}`, "readers-see-and-report-messages"},
		{"dan", "GET", "/me", "", "everybody-may-begin"},
		{"dan!", "GET", "/spaces/council", "", "admins-act-as-owners"},
		{"cy", "POST", "/spaces/lobby/messages", `{"text":"Hi"}`, "members-say-something"},
	} {
		g := newGuard(t)
		w := g.do(tt.user, tt.method, tt.target, tt.body)
		if w.Code/100 != 2 {
			t.Errorf("%s %s %s: %d %s", tt.user, tt.method, tt.target, w.Code, w.Body)
		}
		if len(g.last.Policies) != 1 || !strings.HasPrefix(g.last.Policies[0], tt.policy+" (policies/moot.cedar:") {
			t.Errorf("%s %s %s: decided by %q, want %s", tt.user, tt.method, tt.target, g.last.Policies, tt.policy)
		}
	}
}
