// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"durward"
	"durward/authn"
	"durward/config"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
	"durward/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const contractText = `openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /open:
    get: {operationId: open, responses: {"200": {description: ok}}}
  /me:
    get: {operationId: me, responses: {"200": {description: ok}}}
  /notes:
    get: {operationId: list, responses: {"200": {description: ok}}}
    post:
      operationId: write
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [text], properties: {text: {type: string}}}}}}
      responses: {"200": {description: ok}}
  /users/{user}:
    parameters: [{name: user, in: path, required: true, schema: {type: string}}]
    get: {operationId: profile, responses: {"200": {description: ok}}}
`

const api = `
    prefix: /v1
    contract: notes.yaml
    upstream: {targets: ["http://127.0.0.1:9"]}
    authenticate: [{api_key: {environments: [live]}}]
    rate_limit: {per_address: {rate: 1/h, burst: 1}}
    authorize:
      authenticated: [me, profile]
      roles: {reader: [list], writer: [write, list]}
      scopes: {notes.write: [write]}
      owner: [{operations: [profile], claim: sub, equals: path.user, except: [admin]}]
    operations: {open: {public: true}}
`

func load(t *testing.T, document string) (*config.Config, *store.Store) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"notes.yaml": contractText, "durward.yaml": document} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(filepath.Join(dir, "durward.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), "memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return cfg, st
}

const header = "listen: [{address: \"127.0.0.1:0\"}]\nstore: \"memory:\"\napis:\n"

func TestOnlyAnAPIThatIsThereIsTested(t *testing.T) {
	cfg, st := load(t, header+"  notes:"+api+"  other:"+strings.Replace(api, "/v1", "/v2", 1))
	for name, want := range map[string]string{"": "several APIs: name one of notes, other", "gone": `no API "gone"`, "other": ""} {
		p, err := New(cfg, st, name)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v", name, err)
		case err == nil:
			if p.Name() != name || p.Prefix() != "/v2" || filepath.Base(p.Document()) != "notes.yaml" {
				t.Error(p.Name(), p.Prefix(), p.Document())
			}
			p.Close()
		}
	}
}

func policyOf(t *testing.T, document string) (*Policy, *store.Store) {
	t.Helper()
	cfg, st := load(t, document)
	p, err := New(cfg, st, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, st
}

func TestRolesAndScopesOpenOperations(t *testing.T) {
	p, _ := policyOf(t, header+"  notes:"+api)
	reader, writer := &identity.Identity{Name: "anna", Roles: []string{"reader"}}, &identity.Identity{Name: "ben", Roles: []string{"writer"}, Scopes: []string{"notes.write"}}
	for _, tt := range []struct {
		op   string
		as   *identity.Identity
		want check.Verdict
	}{
		{"open", nil, check.Allow},
		{"list", nil, check.Deny},
		{"list", reader, check.Allow},
		{"write", reader, check.Deny},
		{"write", writer, check.Allow},
		{"write", &identity.Identity{Name: "x", Roles: []string{"writer"}, Scopes: []string{"other"}}, check.Deny},
		{"write", &identity.Identity{Name: "x", Roles: []string{"writer"}}, check.Unknown}, // its scopes are not known
		{"list", &identity.Identity{Name: "x"}, check.Unknown},
		{"me", &identity.Identity{Name: "x"}, check.Allow},
		{"profile", reader, check.Unknown}, // whose it is only a call tells
	} {
		if got := p.Operation(&spec.Operation{ID: tt.op}, tt.as); got != tt.want {
			t.Errorf("%s by %v: %v, want %v", tt.op, tt.as, got, tt.want)
		}
	}
}

func TestRequestsAreJudgedByTheirOwnCredentials(t *testing.T) {
	p, st := policyOf(t, header+"  notes:"+api)
	if err := st.CreateConsumer(t.Context(), durward.Consumer{ID: "anna", Roles: []string{"reader"}}); err != nil {
		t.Fatal(err)
	}
	text, id, hash, err := authn.MintKey(st.Pepper(), "live")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.CreateKey(t.Context(), durward.Key{ID: id, Hash: hash, Consumer: "anna", Environment: "live"}); err != nil {
		t.Fatal(err)
	}
	anna := &identity.Identity{Name: "anna"}
	key := []client.Field{{Name: "x-api-key", Value: text}}
	json := []client.Field{{Name: "X-API-Key", Value: text}, {Name: "Content-Type", Value: "application/json"}}
	for _, tt := range []struct {
		name string
		r    client.Request
		as   *identity.Identity
		want check.Verdict
	}{
		{"her role opens it", client.Request{Method: "GET", Target: "/v1/notes", Header: key}, anna, check.Allow},
		{"and not that", client.Request{Method: "POST", Target: "/v1/notes", Header: json, Body: []byte(`{"text":"x"}`)}, anna, check.Deny},
		{"her own profile", client.Request{Method: "GET", Target: "/v1/users/anna", Header: key}, anna, check.Allow},
		{"another's", client.Request{Method: "GET", Target: "/v1/users/ben", Header: key}, anna, check.Deny},
		{"nobody", client.Request{Method: "GET", Target: "/v1/notes"}, nil, check.Deny},
		{"nobody where everybody may", client.Request{Method: "GET", Target: "/v1/open"}, nil, check.Allow},
		{"no such path", client.Request{Method: "GET", Target: "/v1/gone", Header: key}, anna, check.Deny},
		{"a key of the running gateway alone, and roles are not known", client.Request{Method: "GET", Target: "/v1/notes", Header: []client.Field{{Name: "X-API-Key", Value: "dw_live_other"}}}, &identity.Identity{Name: "x"}, check.Unknown},
		{"roles stand for such a key", client.Request{Method: "GET", Target: "/v1/notes", Header: []client.Field{{Name: "X-API-Key", Value: "dw_live_other"}}}, &identity.Identity{Name: "x", Roles: []string{"reader"}}, check.Allow},
		{"and deny as well", client.Request{Method: "GET", Target: "/v1/notes", Header: []client.Field{{Name: "X-API-Key", Value: "dw_live_other"}}}, &identity.Identity{Name: "x", Roles: []string{"guest"}}, check.Deny},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // judging counts for no limit
				got, why := p.Request(t.Context(), &tt.r, tt.as)
				if got != tt.want || (got == check.Deny) != (why != "") && got != check.Unknown {
					t.Errorf("%v %q, want %v", got, why, tt.want)
				}
				if strings.Contains(why, text) {
					t.Error("a secret is in the reason")
				}
			}
		})
	}
}

func TestWithPoliciesRolesAloneTellNothing(t *testing.T) {
	p, _ := policyOf(t, header+"  notes:"+strings.Replace(api, "    authorize:\n", "    authorize:\n      policies: [{cedar: 'permit(principal, action, resource);'}]\n", 1))
	if got := p.Operation(&spec.Operation{ID: "write"}, &identity.Identity{Roles: []string{"reader"}}); got != check.Unknown {
		t.Error(got)
	}
}
