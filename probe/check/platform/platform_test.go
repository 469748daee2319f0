// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/probe"
	"durward/probe/check/platform"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

const document = `openapi: 3.0.3
info: {title: Thing, version: "1"}
components: {securitySchemes: {b: {type: http, scheme: bearer}}}
security: [{b: []}]
paths:
  /thing:
    get: {operationId: readThing, responses: {"200": {description: done}}}
  /things:
    post:
      operationId: addThing
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string, example: abc}}}}}}
      responses: {"201": {description: done}}
  /live:
    get: {operationId: live, responses: {"101": {description: a WebSocket}}}
`

// service is one that does it right, but for what change does.
type service struct {
	// before may answer in place of all; it says whether it did.
	before func(w http.ResponseWriter, r *http.Request) bool
}

const token = "Bearer alice-token"

func (s service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	if s.before != nil && s.before(w, r) {
		return
	}
	s.honest(w, r)
}

func (s service) honest(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != token {
		http.Error(w, `{"error":"log in first"}`, http.StatusUnauthorized)
		return
	}
	s.inside(w, r)
}

// inside is behind the credential.
func (service) inside(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.Method + " " + r.URL.Path {
	case "GET /thing":
		fmt.Fprint(w, `{"secret":"of the house","n":7}`)
	case "POST /things":
		data, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if !strings.Contains(string(data), `"name":"`) {
			http.Error(w, `{"error":"bad request"}`, http.StatusBadRequest)
			return
		}
		w.WriteHeader(201)
		fmt.Fprint(w, `{"made":true,"id":12}`)
	case "GET /live":
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusUpgradeRequired)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func probeIt(t *testing.T, url string, change ...func(*probe.Config)) []finding.Finding {
	t.Helper()
	api, err := spec.Parse("thing.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	cfg := probe.Config{
		URL: url, API: api, Seed: 1, Checks: platform.Checks(), Timeout: 30 * time.Second, TLS: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test's own server
		Extra: []*identity.Identity{identity.Static("alice", identity.Bearer("alice-token"))},
	}
	for _, c := range change {
		c(&cfg)
	}
	run, err := probe.Run(t.Context(), cfg)
	if err != nil || run.Failed != "" || run.Stopped != "" {
		t.Fatalf("%v, failed %q, stopped %q", err, run.Failed, run.Stopped)
	}
	return run.Findings
}

func ids(all []finding.Finding) []string {
	var out []string
	for _, f := range all {
		out = append(out, f.Kind.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// header sets fields on every answer.
func header(pairs ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i < len(pairs); i += 2 {
			w.Header().Set(pairs[i], pairs[i+1])
		}
		return false
	}
}

// allow answers origins that a function takes.
func allow(credentials bool, ok func(string) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if o := r.Header.Get("Origin"); o != "" && ok(o) {
			w.Header().Set("Access-Control-Allow-Origin", o)
			if credentials {
				w.Header().Set("Access-Control-Allow-Credentials", "true")
			}
		}
		return false
	}
}

// upgrade answers a handshake by whoever has the credential.
func upgrade(origins func(string) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/live" || r.Header.Get("Authorization") != token || r.Header.Get("Upgrade") == "" {
			return false
		}
		if !origins(r.Header.Get("Origin")) {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			_ = c.Close()
		}
		return true
	}
}

func bad(method, path, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || r.URL.Path != path || r.Header.Get("Authorization") != token {
			return false
		}
		data, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if strings.Contains(string(data), `"name":"`) {
			w.WriteHeader(201)
			fmt.Fprint(w, `{"made":true,"id":12}`)
		} else {
			w.WriteHeader(500)
			fmt.Fprint(w, body)
		}
		return true
	}
}

var services = []struct {
	name   string
	before func(http.ResponseWriter, *http.Request) bool
	want   []string
}{
	{"honest", nil, nil},
	{"FOO is not asked for a credential", func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "FOO" {
			return false
		}
		r.Method = "GET"
		service{}.inside(w, r)
		return true
	}, []string{"method-bypass"}},
	{"HEAD is not asked for a credential", func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "HEAD" || r.URL.Path != "/thing" {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(`{"secret":"of the house","n":7}`)))
		return true
	}, []string{"method-bypass"}},
	{"HEAD says that there is something, and nothing of it", func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == "HEAD"
	}, nil},
	{"FOO gets a page for everybody", func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "FOO" {
			return false
		}
		fmt.Fprint(w, `{"welcome":true}`)
		return true
	}, nil},
	{"a field names the method and nobody asks who calls", func(w http.ResponseWriter, r *http.Request) bool {
		over := r.Header.Get("X-HTTP-Method-Override")
		if over == "" {
			return false
		}
		r.Method = over
		service{}.inside(w, r)
		return true
	}, []string{"method-override-bypass"}},
	{"the query names the method and nobody asks who calls", func(w http.ResponseWriter, r *http.Request) bool {
		over := r.URL.Query().Get("_method")
		if over == "" {
			return false
		}
		r.Method = over
		service{}.inside(w, r)
		return true
	}, []string{"method-override-bypass"}},
	{"a field names the method, and who calls is asked then", func(w http.ResponseWriter, r *http.Request) bool {
		if over := r.Header.Get("X-HTTP-Method-Override"); over != "" {
			r.Method = over
		}
		return false
	}, nil},
	{"whatever names a method is told that it was seen", func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-HTTP-Method-Override") == "" {
			return false
		}
		fmt.Fprint(w, `{"override":"ignored"}`)
		return true
	}, nil},
	{"TRACE gives the request back", func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "TRACE" {
			_ = r.Write(w)
		}
		return r.Method == "TRACE"
	}, []string{"trace-enabled"}},
	{"TRACE is answered with nothing of the request", func(w http.ResponseWriter, r *http.Request) bool { return r.Method == "TRACE" }, nil},
	{"any origin with credentials", allow(true, func(string) bool { return true }), []string{"cors-any-origin"}},
	{"any origin without credentials", allow(false, func(string) bool { return true }), []string{"cors-wildcard"}},
	{"null with credentials", allow(true, func(o string) bool { return o == "null" }), []string{"cors-null-origin"}},
	{"one origin with credentials", allow(true, func(o string) bool { return o == "https://app.own.test" }), nil},
	{"one origin whoever asks", header("Access-Control-Allow-Origin", "https://app.own.test", "Access-Control-Allow-Credentials", "true"), nil},
	{"a star", header("Access-Control-Allow-Origin", "*"), []string{"cors-wildcard"}},
	{"a WebSocket for any origin", upgrade(func(string) bool { return true }), []string{"websocket-any-origin"}},
	{"a WebSocket for its own origin", upgrade(func(o string) bool { return o == "" || o == "https://app.own.test" }), nil},
	{"the version in Server", header("Server", "Apache/2.4.49 (Unix)"), []string{"server-version-shown"}},
	{"a name without a version in Server", header("Server", "cloud"), nil},
	{"no nosniff", header("X-Content-Type-Options", ""), []string{"content-sniffing-allowed"}},
	{"public", header("Cache-Control", "public, max-age=60"), []string{"personal-answer-cacheable"}},
	{"a shared age", header("Cache-Control", "s-maxage=60"), []string{"personal-answer-cacheable"}},
	{"private", header("Cache-Control", "private, max-age=60"), nil},
	{"nothing about caches", header("Cache-Control", ""), nil},
	{"a stack trace for broken JSON", bad("POST", "/things", "Traceback (most recent call last):\n  File \"/srv/app.py\", line 3, in f"), []string{"verbose-error"}},
	{"a debugger for broken JSON", bad("POST", "/things", "<title>Werkzeug Debugger</title>"), []string{"verbose-error"}},
	{"a general sentence for broken JSON", bad("POST", "/things", `{"error":"internal error","id":"a-17"}`), nil},
	{"an error that names a line of the request", bad("POST", "/things", `{"error":"unexpected character at line 1 column 9"}`), nil},
}

func TestWhatAServiceIsBuiltOnIsSeen(t *testing.T) {
	for _, c := range services {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(service{c.before})
			defer s.Close()
			found := probeIt(t, s.URL)
			if got := ids(found); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
			for _, f := range found {
				if len(f.Steps) == 0 || f.Steps[0].Curl == "" || strings.Contains(f.Steps[0].Curl, "alice-token") {
					t.Errorf("%s has no steps to repeat it by, or tells the token: %+v", f.Kind.ID, f.Steps)
				}
			}
		})
	}
}

func TestOldProtocolsAreSeenAndNewOnesAreNotBlamed(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  *tls.Config
		want []string
	}{
		"TLS 1.2 and 1.3": {&tls.Config{MinVersion: tls.VersionTLS12}, nil},
		"from TLS 1.0": {&tls.Config{MinVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, []string{"tls-old-version"}},
		"without forward secrecy": {&tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, []string{"tls-weak-cipher"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(service{})
			s.TLS = c.cfg
			s.Config.ErrorLog = nil
			s.StartTLS()
			defer s.Close()
			got := slices.DeleteFunc(ids(probeIt(t, s.URL)), func(id string) bool { return id == "tls-certificate" }) // a test's is its own
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestAReadOnlyRunSendsNothingThatWrites(t *testing.T) {
	s := httptest.NewServer(service{before: func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != "GET" && r.Method != "HEAD" && r.Method != "OPTIONS" {
			t.Errorf("%s %s was sent", r.Method, r.URL.Path)
		}
		return false
	}})
	defer s.Close()
	probeIt(t, s.URL, func(c *probe.Config) { c.ReadOnly = true })
}
