// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward"
	"durward/authn"
	"durward/config"
	"durward/replay"
	"durward/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const contractText = `openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /open:
    get: {operationId: open, responses: {"200": {description: ok}}}
  /notes:
    get: {operationId: list, responses: {"200": {description: ok}}}
    post:
      operationId: write
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [text], properties: {text: {type: string}}}}}}
      responses: {"200": {description: ok}}
`

const document = `listen: [{address: "127.0.0.1:0"}]
store: "memory:"
token: {issuer: "https://gate.example", directory: keys}
apis:
  notes:
    prefix: /v1
    contract: notes.yaml
    upstream: {targets: ["${UPSTREAM}"], credential: replace, upstream_credential: {authorization: "Bearer ${SECRET}"}}
    identity_token: {audience: notes}
    authenticate: [{api_key: {environments: [live]}}]
    rate_limit: {per_address: {rate: 1/h, burst: 1}}
    authorize:
      roles: {reader: [list], writer: [write, list]}
    operations: {open: {public: true}}
`

const canary = "canary-of-a-secret"

type fixture struct {
	*Explainer
	store *store.Store
	keys  map[string]string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"notes.yaml": contractText, "durward.yaml": document} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{"UPSTREAM": "http://127.0.0.1:9", "SECRET": canary}
	cfg, err := config.Load(filepath.Join(dir, "durward.yaml"), func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), "memory:", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	f := &fixture{store: st, keys: map[string]string{}}
	now := time.Now()
	for _, c := range []durward.Consumer{{ID: "anna", Roles: []string{"reader"}}, {ID: "ben", Roles: []string{"writer"}}, {ID: "gone", Roles: []string{"writer"}, Disabled: true}, {ID: "carl"}} {
		if err := st.CreateConsumer(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for name, k := range map[string]durward.Key{
		"anna": {Consumer: "anna"}, "ben": {Consumer: "ben", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		"old": {Consumer: "ben", Expires: now.Add(-time.Hour)}, "revoked": {Consumer: "ben", Revoked: now}, "test": {Consumer: "ben", Environment: "test"},
		"gone": {Consumer: "gone"}, "carl": {Consumer: "carl", Roles: []string{"writer"}, Expires: now.Add(time.Hour)},
	} {
		if k.Environment == "" {
			k.Environment = "live"
		}
		text, id, hash, err := authn.MintKey(st.Pepper(), k.Environment)
		if err != nil {
			t.Fatal(err)
		}
		k.ID, k.Hash, f.keys[name] = id, hash, text
		if err := st.CreateKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if f.Explainer, err = New(cfg, st); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if _, err := os.Stat(filepath.Join(dir, "keys")); err == nil {
		t.Error("a question made keys for the gateway")
	}
	return f
}

func TestAReportTellsEveryStageAndNoSecret(t *testing.T) {
	f := newFixture(t)
	key := durward.Header{{Name: "X-Api-Key", Value: f.keys["anna"]}}
	r := f.Explain(t.Context(), &Request{Method: "GET", Target: "/v1/notes?token=" + canary, Header: key})
	if r.Operation != "list" || r.Caller == nil || r.Caller.Subject != "anna" {
		t.Fatalf("%+v", r)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	whole, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), string(whole)} {
		for _, secret := range []string{canary, f.keys["anna"]} {
			if strings.Contains(out, secret) {
				t.Errorf("it tells a secret:\n%s", out)
			}
		}
	}
	for _, line := range []string{
		"durward.yaml:10  authenticate[0].api_key.environments: [live]", "durward.yaml:13  authorize.roles.reader: list\n",
		"upstream.targets[0].url: ${UPSTREAM}", "identity", "outgoing",
	} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("it does not tell %q:\n%s", line, text.String())
		}
	}
	if strings.Contains(text.String(), ": write\n") {
		t.Error("it tells rules of other operations")
	}
}

func TestTheVerdictIsThatOfTheGateway(t *testing.T) {
	f := newFixture(t)
	for name, row := range map[string]struct {
		q       Request
		key     string
		allowed bool
		code    durward.Code
		stage   string
	}{
		"public":                {Request{Method: "GET", Target: "/v1/open"}, "", true, "", ""},
		"no credential":         {Request{Method: "GET", Target: "/v1/notes"}, "", false, durward.CodeUnauthenticated, "authn"},
		"a reader reads":        {Request{Method: "GET", Target: "/v1/notes"}, "anna", true, "", ""},
		"a reader writes":       {Request{Method: "POST", Target: "/v1/notes", Body: []byte(`{"text":"x"}`)}, "anna", false, durward.CodeForbidden, "authz"},
		"from elsewhere":        {Request{Method: "GET", Target: "/v1/notes"}, "ben", false, durward.CodeForbidden, "authn"},
		"from the right place":  {Request{Method: "GET", Target: "/v1/notes", From: netip.MustParseAddr("192.0.2.9")}, "ben", true, "", ""},
		"content":               {Request{Method: "POST", Target: "http://h.example/v1/notes", Body: []byte(`{"text":7}`), From: netip.MustParseAddr("192.0.2.9")}, "ben", false, durward.CodeBodyInvalid, "contract"},
		"no content":            {Request{Method: "POST", Target: "/v1/notes", From: netip.MustParseAddr("192.0.2.9")}, "ben", false, durward.CodeBodyInvalid, "contract"},
		"another method":        {Request{Method: "PUT", Target: "/v1/notes"}, "anna", false, durward.CodeMethodNotAllowed, "route"},
		"another path":          {Request{Method: "GET", Target: "/v2"}, "anna", false, durward.CodeNoRoute, "route"},
		"a path that is two":    {Request{Method: "GET", Target: "/v1//notes"}, "anna", false, durward.CodePathAmbiguous, "canonical"},
		"no path, only a query": {Request{Method: "GET", Target: "http://h.example?x=1"}, "anna", false, durward.CodeNoRoute, "route"},
	} {
		t.Run(name, func(t *testing.T) {
			q := row.q
			if row.key != "" {
				q.Header = append(q.Header, durward.Field{Name: "X-Api-Key", Value: f.keys[row.key]})
			}
			if q.Body != nil {
				q.Header = append(q.Header, durward.Field{Name: "Content-Type", Value: "application/json"})
			}
			// A limit of one an hour is no matter for a question of its own.
			f.Explainer = again(t, f)
			v := f.Explain(context.Background(), &q).Verdict
			if v.Allowed != row.allowed || v.Code != string(row.code) && !row.allowed || v.Stage != row.stage {
				t.Errorf("%s", v.String())
			}
		})
	}
}

// again makes an explainer of the same configuration, with limits unspent.
func again(t *testing.T, f *fixture) *Explainer {
	t.Helper()
	e, err := New(f.cfg, f.store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestWhoCanListsThoseThatTheRulesLet(t *testing.T) {
	f := newFixture(t)
	names := func(method, target string) string {
		found, r, err := f.WhoCan(t.Context(), &Request{Method: method, Target: target, Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := WriteHolders(&out, r, found); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	got := names("POST", "/v1/notes")
	for _, want := range []string{"role      writer", "consumer  ben", " of ben", " of carl", "from 192.0.2.0/24", "until "} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not name %q:\n%s", want, got)
		}
	}
	for _, never := range []string{"reader", "anna", "gone", "consumer  carl"} {
		if strings.Contains(got, never) {
			t.Errorf("it names %s:\n%s", never, got)
		}
	}
	if n := strings.Count(got, "key "); n != 2 {
		t.Errorf("%d keys, want that of ben which is valid here, and carl's:\n%s", n, got)
	}
	if got := names("GET", "/v1/open"); !strings.Contains(got, "everybody") {
		t.Error(got)
	}
	if got := names("GET", "/v1/nothing"); !strings.HasPrefix(got, "nobody: GET /v1/nothing") {
		t.Error(got)
	}
}

func TestAReplayKeepsWhatNobodyCanJudgeAnyMore(t *testing.T) {
	f := newFixture(t)
	who := func(roles ...string) *replay.Who { return &replay.Who{Subject: "x", Method: "api_key", Roles: roles} }
	allowed := replay.Decision{Allowed: true}
	refusal := func(stage string, code durward.Code) replay.Decision {
		return replay.Decision{Stage: stage, Code: code, Reason: "then"}
	}
	for name, row := range map[string]struct {
		change func(*replay.Record)
		want   replay.Decision
	}{
		"allowed":                         {func(r *replay.Record) { r.Who = who("reader") }, allowed},
		"who may no longer":               {func(r *replay.Record) { r.Who = who("guest") }, refusal("authz", durward.CodeForbidden)},
		"a kind that is no longer taken":  {func(r *replay.Record) { r.Who = who("reader"); r.Who.Method = "jwt" }, refusal("authn", durward.CodeUnauthenticated)},
		"two kinds where one is taken":    {func(r *replay.Record) { r.Who = who("reader"); r.Who.Method = "api_key+jwt" }, refusal("authn", durward.CodeUnauthenticated)},
		"a consumer that is now disabled": {func(r *replay.Record) { r.Who = who("reader"); r.Who.Consumer = "gone" }, refusal("authn", durward.CodeUnauthenticated)},
		"a credential that was bad":       {func(r *replay.Record) { r.Presents, r.Decision = true, refusal("authn", durward.CodeUnauthenticated) }, refusal("authn", durward.CodeUnauthenticated)},
		"a limit that was reached": {func(r *replay.Record) {
			r.Who, r.Decision = who("reader"), refusal("ratelimit", durward.CodeRateLimited)
		}, refusal("ratelimit", durward.CodeRateLimited)},
		"a quota that there is not": {func(r *replay.Record) { r.Who, r.Decision = who("reader"), refusal("quota", durward.CodeRateLimited) }, allowed},
		"a crowd":                   {func(r *replay.Record) { r.Decision = refusal("canonical", durward.CodeOverloaded) }, refusal("canonical", durward.CodeOverloaded)},
		"what could not be read": {func(r *replay.Record) {
			r.Fault, r.Decision = durward.CodeMalformed, refusal("canonical", durward.CodeMalformed)
		}, refusal("canonical", durward.CodeMalformed)},
		"content that was kept": {func(r *replay.Record) {
			r.Who, r.Method, r.Body, r.Length = who("writer"), "POST", []byte(`{"text":7}`), 10
		}, refusal("contract", durward.CodeBodyInvalid)},
		"content that was not, and was bad": {func(r *replay.Record) {
			r.Who, r.Method, r.Length, r.Decision = who("writer"), "POST", 10, refusal("contract", durward.CodeBodyInvalid)
		}, refusal("contract", durward.CodeBodyInvalid)},
		"content that was not, and was good": {func(r *replay.Record) { r.Who, r.Method, r.Length = who("writer"), "POST", 10 }, allowed},
	} {
		t.Run(name, func(t *testing.T) {
			r := &replay.Record{
				Time: time.Now(), ID: "r", Method: "GET", Scheme: "http", Host: "h.example", Path: "/v1/notes", Proto: "HTTP/1.1",
				Header: durward.Header{{Name: "Host", Value: "h.example"}, {Name: "Content-Type", Value: "application/json"}},
				Peer:   netip.MustParseAddrPort("192.0.2.1:9"), Decision: allowed,
			}
			row.change(r)
			got := f.Replay(t.Context(), r)
			if got.Allowed != row.want.Allowed || got.Code != row.want.Code || got.Stage != row.want.Stage {
				t.Errorf("%s (%s), want %s", got.String(), got.Reason, row.want.String())
			}
		})
	}
}
