// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/report"
	"durward/probe/spec"
)

const document = `
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://elsewhere.example/api"}]
paths:
  /pets:
    get: {operationId: listPets, responses: {"200": {description: ok}}}
    post: {operationId: addPet, requestBody: {content: {application/json: {schema: {type: object, properties: {name: {type: string}}}}}}, responses: {"201": {description: ok}}}
  /pets/{pet_id}:
    parameters: [{name: pet_id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: getPet, responses: {"200": {description: ok}}}
    delete: {operationId: deletePet, responses: {"204": {description: ok}}}
`

// pets is a service that remembers what it was asked.
type pets struct {
	mu    sync.Mutex
	names map[string]string
	n     int
	asked []string
	after func(n int) // called with the number of each request
}

func (p *pets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Method+" "+r.URL.String())
	if p.after != nil {
		p.after(len(p.asked))
	}
	id, item := strings.CutPrefix(r.URL.Path, "/api/pets/")
	switch {
	case r.Header.Get("Authorization") != "Bearer ann-s-token":
		w.WriteHeader(401)
	case r.Method == "POST":
		var in struct{ Name string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		p.n++
		p.names[fmt.Sprint(p.n)] = in.Name
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id":%d,"name":%q}`, p.n, in.Name)
	case r.URL.Path == "/api/pets":
		fmt.Fprint(w, `[]`)
	case item && p.names[id] != "" && r.Method == "GET":
		fmt.Fprintf(w, `{"id":%s,"name":%q,"token":"ann-s-token"}`, id, p.names[id])
	case item && p.names[id] != "":
		delete(p.names, id)
		w.WriteHeader(204)
	default:
		w.WriteHeader(404)
	}
}

func start(t *testing.T) (*pets, Config) {
	t.Helper()
	p := &pets{names: map[string]string{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	api, err := spec.Parse("pets.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return p, Config{URL: s.URL, API: api, Seed: 3, Extra: []*identity.Identity{identity.Static("ann", identity.Bearer("ann-s-token"))},
		Checks: []check.Check{reader()}}
}

var shows = finding.Kind{ID: "shows", Title: "It shows", Severity: finding.High}

// reader finds every operation whose good answer has a body.
func reader() check.Check {
	return check.Check{Name: "reader", Kinds: []finding.Kind{shows}, Operation: func(ctx context.Context, env *check.Env, op *spec.Operation) error {
		c, err := env.World.Call(ctx, op, env.Users[0])
		if err != nil {
			return err
		}
		e, err := env.World.Send(ctx, c, env.Users[0])
		if err != nil {
			return err
		}
		if e.Answer.OK() && len(e.Answer.Body) > 3 {
			f := finding.Finding{Kind: shows, Confidence: finding.Firm, Operation: op.ID, Method: op.Method, Path: op.Path,
				Detail: "it shows " + string(e.Answer.Body), Steps: []finding.Step{env.Step("it shows", e)}}
			env.Report(f)
			env.Report(f)
		}
		return nil
	}}
}

func tested(t *testing.T, cfg Config) *report.Run {
	t.Helper()
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARunReachesChecksReportsAndCleansUp(t *testing.T) {
	p, cfg := start(t)
	r := tested(t, cfg)
	if reached, all := r.Reached(); reached != 4 || all != 4 || r.Failed != "" || r.Stopped != "" {
		t.Errorf("%d of %d; %q %q", reached, all, r.Failed, r.Stopped)
	}
	if len(r.Findings) != 2 || r.Findings[0].Severity != finding.High || r.ExitCode(finding.Low, 1) != report.Found {
		t.Fatalf("%+v", r.Findings)
	}
	if len(p.names) != 0 {
		t.Errorf("left behind: %v", p.names)
	}
	for _, a := range p.asked {
		if !strings.Contains(a, " /api/") {
			t.Errorf("%s is not below the server's path", a)
		}
	}
	text, _ := json.Marshal(r)
	if strings.Contains(string(text), "ann-s-token") {
		t.Errorf("the report shows the token: %s", text)
	}
	if !strings.Contains(string(text), `\"$TOKEN_ANN\"`) {
		t.Errorf("no variable stands for the token: %s", text)
	}
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	var all [3]string
	for i, seed := range []uint64{3, 3, 4} {
		p, cfg := start(t)
		cfg.Seed = seed
		var lines []string
		cfg.Trace = func(l string) { lines = append(lines, strings.ReplaceAll(l, cfg.URL, "")) }
		tested(t, cfg)
		all[i] = strings.Join(lines, "\n")
		_ = p
	}
	if all[0] != all[1] {
		t.Errorf("two runs differ:\n%s\n\n%s", all[0], all[1])
	}
	if all[0] == all[2] {
		t.Error("another seed makes the same run")
	}
}

func TestAReadOnlyRunWritesNothing(t *testing.T) {
	p, cfg := start(t)
	cfg.ReadOnly = true
	writes := reader()
	writes.Name, writes.Writes = "writer", true
	cfg.Checks = append(cfg.Checks, writes)
	r := tested(t, cfg)
	for _, a := range p.asked {
		if !strings.HasPrefix(a, "GET ") {
			t.Error(a)
		}
	}
	if i := slices.IndexFunc(r.Operations, func(o report.Operation) bool { return o.ID == "addPet" }); r.Operations[i].Why != "the run is read-only" {
		t.Errorf("%+v", r.Operations[i])
	}
	if r.Checks[1].Skipped != "the run is read-only" {
		t.Errorf("%+v", r.Checks[1])
	}
}

func TestDestructiveChecksRunOnDemandOnly(t *testing.T) {
	for _, on := range []bool{false, true} {
		_, cfg := start(t)
		cfg.Checks[0].Destructive, cfg.Destructive = true, on
		if r := tested(t, cfg); (len(r.Findings) > 0) != on || (r.Checks[0].Skipped == "") != on {
			t.Errorf("destructive %v: %+v", on, r.Checks)
		}
	}
}

func TestAnInterruptedRunStillReportsAndCleansUp(t *testing.T) {
	p, cfg := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := reader()
	inner := c.Operation
	c.Operation = func(ctx context.Context, env *check.Env, op *spec.Operation) error {
		defer cancel()
		return inner(ctx, env, op)
	}
	cfg.Checks = []check.Check{c}
	r, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Stopped != "interrupted" || len(r.Operations) != 4 || r.Checks[0].Skipped == "" || len(p.names) != 0 {
		t.Errorf("%q, %+v, left %v", r.Stopped, r.Checks, p.names)
	}
}

func TestTheBudgetEndsARunThatStillCleansUp(t *testing.T) {
	p, cfg := start(t)
	cfg.MaxRequests = 6
	r := tested(t, cfg)
	if r.Stopped != "budget of requests" || r.ExitCode(finding.Low, 0) == report.Clean || len(p.names) != 0 {
		t.Errorf("%q, left %v", r.Stopped, p.names)
	}
}

func TestARunGoesOnFromItsState(t *testing.T) {
	p, cfg := start(t)
	cfg.State = filepath.Join(t.TempDir(), "state")
	var times atomic.Int32
	c := reader()
	inner := c.Operation
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Operation = func(ctx context.Context, env *check.Env, op *spec.Operation) error {
		if times.Add(1) == 3 {
			cancel()
		}
		return inner(ctx, env, op)
	}
	cfg.Checks = []check.Check{c}
	if r, err := Run(ctx, cfg); err != nil || r.Stopped != "interrupted" {
		t.Fatal(r, err)
	}
	r := tested(t, cfg)
	if n := times.Load(); n != 5 || len(r.Findings) != 2 || r.Checks[0].Operations != 4 {
		t.Errorf("%d parts ran, 2 of them were done; %d findings, %+v", n, len(r.Findings), r.Checks)
	}
	// Another run's state is refused; so is what is none.
	cfg.Seed++
	if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "another document, seed or target") {
		t.Error(err)
	}
	if err := os.WriteFile(cfg.State, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "no state of a run") {
		t.Error(err)
	}
	_ = p
}

func TestACheckThatBreaksEndsAlone(t *testing.T) {
	_, cfg := start(t)
	broken := check.Check{Name: "broken", Operation: func(context.Context, *check.Env, *spec.Operation) error { panic("oops") }}
	cfg.Checks = []check.Check{broken, cfg.Checks[0]}
	r := tested(t, cfg)
	if len(r.Findings) != 2 || !strings.Contains(r.Checks[0].Skipped, "the check broke: oops") || !strings.Contains(strings.Join(r.Notes, " "), "a fault of the check") {
		t.Errorf("%+v %v", r.Checks, r.Notes)
	}
}

func TestWhatCannotBeTestedIsNoCleanRun(t *testing.T) {
	t.Run("a user who cannot get in", func(t *testing.T) {
		_, cfg := start(t)
		cfg.Extra = []*identity.Identity{identity.Static("eve", identity.Bearer("wrong-token"))}
		r := tested(t, cfg)
		if r.ExitCode(finding.Low, 0) != report.Untested || r.Failed != "no operation was answered with success" {
			t.Errorf("%q", r.Failed)
		}
	})
	t.Run("a login that fails", func(t *testing.T) {
		_, cfg := start(t)
		cfg.Extra = nil
		f, err := identity.Parse("u", []byte("auth: [{name: eve, loginEndpointAuth: {endpoint: /login, payloadRaw: 'pass-w0rd'}}]"), nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Users = f
		r := tested(t, cfg)
		if r.Failed != "no user could log in: user eve cannot log in: the login was answered 401" || r.ExitCode(finding.Low, 0) != report.Untested {
			t.Errorf("%q", r.Failed)
		}
	})
	t.Run("no server", func(t *testing.T) {
		_, cfg := start(t)
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		defer s.Close()
		cfg.URL = s.URL
		r := tested(t, cfg)
		if !strings.HasPrefix(r.Failed, "cannot reach "+s.URL) {
			t.Errorf("%q", r.Failed)
		}
	})
	for name, change := range map[string]func(*Config){
		"is no address":       func(c *Config) { c.URL = "localhost" },
		"no query":            func(c *Config) { c.URL += "/?a=b" },
		"no check \"x\"":      func(c *Config) { c.Skip = []string{"x"} },
		"no operation":        func(c *Config) { c.Operations = []string{"/x*"} },
		"two users are named": func(c *Config) { c.Extra = append(c.Extra, c.Extra[0]) },
		"user or password":    func(c *Config) { c.URL = strings.Replace(c.URL, "//", "//a:b@", 1) },
	} {
		_, cfg := start(t)
		change(&cfg)
		if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, s string
		want       bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"/pets/*", "/pets/{id}", true}, {"GET *", "GET /x", true}, {"*y", "xy", true},
		{"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false}, {"*", "", true}, {"a*a", "a", false},
	} {
		if glob(test.pattern, test.s) != test.want {
			t.Errorf("%q on %q is not %v", test.pattern, test.s, test.want)
		}
	}
}

func TestAPathThatOnlyTheDocumentKnowsIsLeftOut(t *testing.T) {
	p, cfg := start(t)
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api") {
			w.WriteHeader(404)
			return
		}
		r.URL.Path = "/api" + r.URL.Path
		p.ServeHTTP(w, r)
	}))
	defer inner.Close()
	cfg.URL = inner.URL
	r := tested(t, cfg)
	if reached, all := r.Reached(); reached != all || !strings.Contains(strings.Join(r.Notes, " "), "nothing is served below /api") || r.Target != inner.URL {
		t.Errorf("%d of %d at %s; %v", reached, all, r.Target, r.Notes)
	}
}
