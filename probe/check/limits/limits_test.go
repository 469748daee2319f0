// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"durward/probe"
	"durward/probe/check/limits"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

const document = `openapi: 3.0.3
info: {title: Thing, version: "1"}
paths:
  /login:
    post:
      operationId: login
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [username, password], properties: {username: {type: string}, password: {type: string}}}}}}
      responses: {"200": {description: in, content: {application/json: {schema: {type: object, properties: {token: {type: string}}}}}}}
  /list:
    get:
      operationId: list
      parameters: [{name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}]
      responses: {"200": {description: done}}
  /batch:
    post:
      operationId: batch
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [note], properties: {note: {type: string, example: abc}}}}}}
      responses: {"200": {description: done}}
`

const users = `
auth:
  - name: alice
    loginEndpointAuth:
      endpoint: /login
      verb: POST
      contentType: application/json
      payloadUserPwd: {username: alice, password: right-Pass-1, usernameField: username, passwordField: password}
      token: {extractFrom: body, extractSelector: /token, sendIn: header, sendName: Authorization, sendTemplate: "Bearer {token}"}
`

// service is one without limits, but for those that a test gives it.
type service struct {
	mu     sync.Mutex
	failed map[string]int
	// refuse answers a failed login, told how often that name failed before.
	refuse func(w http.ResponseWriter, name string, before int)
	// open takes the right password however often a wrong one came.
	open bool
	// known forgets the failures of names that do not exist.
	known bool
	// page gives how many items an answer has.
	page func(limit int) int
	// inflate bounds what is unpacked.
	inflate int64
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("RateLimit", `"default";r=50;t=30`) // so that the burst is no finding
	switch r.URL.Path {
	case "/login":
		s.login(w, r)
	case "/list":
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil {
			limit = 10
		}
		items := make([]int, min(s.page(limit), 20000))
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
	case "/batch":
		var in io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(in)
			if err != nil {
				http.Error(w, `{}`, 400)
				return
			}
			in = z
		}
		data, err := io.ReadAll(io.LimitReader(in, s.inflate+1))
		if err != nil || int64(len(data)) > s.inflate {
			http.Error(w, `{"error":"too much"}`, http.StatusRequestEntityTooLarge)
			return
		}
		var v map[string]any
		if json.Unmarshal(data, &v) != nil {
			http.Error(w, `{"error":"bad request"}`, 400)
			return
		}
		fmt.Fprint(w, `{"ok":true}`)
	default:
		http.NotFound(w, r)
	}
}

func (s *service) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username, Password string }
	if json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in) != nil {
		http.Error(w, `{"error":"bad request"}`, 400)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.failed[in.Username]
	if in.Username == "alice" && in.Password == "right-Pass-1" && (before < 10 || s.refuse == nil || s.open) {
		fmt.Fprint(w, `{"token":"t-1"}`)
		return
	}
	if s.failed == nil {
		s.failed = map[string]int{}
	}
	if !s.known || in.Username == "alice" {
		s.failed[in.Username]++
	}
	if s.refuse == nil {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error":"wrong name or password"}`)
		return
	}
	s.refuse(w, in.Username, before)
}

// after answers 401 some times, and then something else.
func after(n, status int, body string) func(http.ResponseWriter, string, int) {
	return func(w http.ResponseWriter, _ string, before int) {
		if before < n {
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error":"wrong name or password"}`)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestWhatOneCallerMayUseUpIsSeen(t *testing.T) {
	atMost := func(most int) func(int) int { return func(n int) int { return min(n, most) } }
	any := func(n int) int { return n }
	for _, c := range []struct {
		name string
		make func() *service
		want []string
	}{
		{"bounded in all", func() *service { return &service{refuse: after(5, 429, `{}`), page: atMost(100), inflate: 1 << 20} }, nil},
		{"logins without a limit", func() *service { return &service{page: atMost(100), inflate: 1 << 20} }, []string{"login-without-limit"}},
		{"logins that fail with 200 and are locked in silence", func() *service {
			return &service{page: atMost(100), inflate: 1 << 20, refuse: func(w http.ResponseWriter, _ string, _ int) {
				fmt.Fprint(w, `{"status":"fail","message":"Password is not correct"}`)
			}}
		}, nil}, // the tenth failure locks: only the right password tells
		{"logins that fail with 200 without a limit or a lock", func() *service {
			return &service{open: true, page: atMost(100), inflate: 1 << 20, refuse: func(w http.ResponseWriter, _ string, _ int) {
				fmt.Fprint(w, `{"status":"fail","message":"Password is not correct"}`)
			}}
		}, []string{"login-without-limit"}},
		{"a lock that another status tells", func() *service { return &service{refuse: after(8, 423, `{}`), page: atMost(100), inflate: 1 << 20} }, nil},
		{"a lock that another sentence tells", func() *service {
			return &service{refuse: after(8, 401, `{"error":"account locked"}`), page: atMost(100), inflate: 1 << 20}
		}, nil},
		{"a lock of names that exist only", func() *service {
			return &service{known: true, refuse: after(8, 429, `{}`), page: atMost(100), inflate: 1 << 20}
		}, nil},
		{"a count of tries that are left", func() *service {
			return &service{page: atMost(100), inflate: 1 << 20, refuse: func(w http.ResponseWriter, _ string, before int) {
				w.WriteHeader(401)
				fmt.Fprintf(w, `{"error":"wrong","left":%d}`, max(0, 10-before))
			}}
		}, nil},
		{"other words for names that nobody has", func() *service {
			return &service{page: atMost(100), inflate: 1 << 20, refuse: func(w http.ResponseWriter, name string, before int) {
				words := "wrong password"
				if name != "alice" {
					words = "no such user"
				}
				w.WriteHeader(map[bool]int{true: 401, false: 429}[before < 6])
				fmt.Fprintf(w, `{"error":%q}`, words)
			}}
		}, []string{"user-enumeration"}},
		{"another status for names that nobody has", func() *service {
			return &service{page: atMost(100), inflate: 1 << 20, refuse: func(w http.ResponseWriter, name string, before int) {
				w.WriteHeader(map[bool]int{true: 401, false: 404}[name == "alice"])
				if before > 6 {
					fmt.Fprint(w, `locked`)
				}
			}}
		}, []string{"user-enumeration"}},
		{"answers that give the name back, and an id of their own", func() *service {
			n := 0
			return &service{page: atMost(100), inflate: 1 << 20, refuse: func(w http.ResponseWriter, name string, before int) {
				n++
				w.WriteHeader(map[bool]int{true: 401, false: 429}[before < 6])
				fmt.Fprintf(w, `{"error":"%s: wrong name or password","id":"r-%d"}`, name, n)
			}}
		}, nil},
		{"pages without a bound", func() *service { return &service{refuse: after(5, 429, `{}`), page: any, inflate: 1 << 20} }, []string{"page-size-unbounded"}},
		{"pages of twice the document's bound", func() *service {
			return &service{refuse: after(5, 429, `{}`), page: atMost(200), inflate: 1 << 20}
		}, []string{"page-size-unbounded"}},
		{"one size for all pages", func() *service {
			return &service{refuse: after(5, 429, `{}`), page: func(int) int { return 2000 }, inflate: 1 << 20}
		}, nil},
		{"few items in all", func() *service {
			return &service{refuse: after(5, 429, `{}`), page: atMost(30), inflate: 1 << 20}
		}, nil},
		{"content unpacked without a bound", func() *service {
			return &service{refuse: after(5, 429, `{}`), page: atMost(100), inflate: 1 << 30}
		}, []string{"decompression-unbounded"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.make())
			defer s.Close()
			if got := ids(probeIt(t, s.URL)); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func probeIt(t *testing.T, url string) []finding.Finding {
	t.Helper()
	api, err := spec.Parse("thing.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	file, err := identity.Parse("users.yaml", []byte(users), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	run, err := probe.Run(t.Context(), probe.Config{URL: url, API: api, Users: file, Seed: 1, Checks: limits.Checks(), Timeout: 30 * time.Second})
	if err != nil || run.Failed != "" || run.Stopped != "" {
		t.Fatalf("%v, failed %q, stopped %q", err, run.Failed, run.Stopped)
	}
	return slices.DeleteFunc(run.Findings, func(f finding.Finding) bool { return f.Confidence == finding.Tentative })
}

func ids(all []finding.Finding) []string {
	var out []string
	for _, f := range all {
		out = append(out, f.Kind.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestTheBurstIsToldOnceAndOnlyWhereNothingNamesALimit(t *testing.T) {
	inner := &service{refuse: after(5, 429, `{}`), page: func(n int) int { return min(n, 100) }, inflate: 1 << 20}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(silent{w}, r)
	}))
	defer s.Close()
	if got := ids(probeIt(t, s.URL)); !slices.Equal(got, []string{"no-rate-limit"}) {
		t.Errorf("found %v", got)
	}
}

// silent takes the field that names a limit away.
type silent struct{ http.ResponseWriter }

func (s silent) WriteHeader(status int) {
	s.Header().Del("RateLimit")
	s.ResponseWriter.WriteHeader(status)
}

func (s silent) Write(b []byte) (int, error) {
	s.Header().Del("RateLimit")
	return s.ResponseWriter.Write(b)
}
