// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const contractText = `openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /open:
    get: {operationId: open, responses: {"200": {description: ok}}}
    post:
      operationId: write
      requestBody: {content: {text/plain: {schema: {type: string}}}}
      responses: {"200": {description: ok}}
  /notes:
    get: {operationId: list, responses: {"200": {description: ok}}}
`

// document is the configuration of most tests.
const document = `listen: [{address: "${LISTEN}"}]
store: "memory:"
audit: {directory: audit, durability: buffered}
apis:
  notes:
    contract: notes.yaml
    upstream: {targets: ["${UPSTREAM}"], upgrades: [websocket]}
    authenticate: [{api_key: {}}]
    authorize: {authenticated: ["*"]}
    operations: {open: {public: true}, write: {public: true}}
`

// site is a folder with a configuration, and the upstream that it names.
type site struct {
	t        testing.TB
	dir      string
	listen   string
	upstream *httptest.Server
	log      *lines
}

func newSite(t testing.TB, doc string, upstream http.HandlerFunc) *site {
	t.Helper()
	if upstream == nil {
		upstream = func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "fine")
		}
	}
	s := &site{t: t, dir: t.TempDir(), listen: "127.0.0.1:0", upstream: httptest.NewServer(upstream), log: &lines{}}
	t.Cleanup(func() {
		s.upstream.CloseClientConnections()
		s.upstream.Close()
	})
	s.write("notes.yaml", contractText)
	s.write("durward.yaml", doc)
	return s
}

func (s *site) path() string { return filepath.Join(s.dir, "durward.yaml") }

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) lookup(name string) (string, bool) {
	switch name {
	case "UPSTREAM":
		return s.upstream.URL, true
	case "LISTEN":
		return s.listen, true
	}
	return "", false
}

func (s *site) options() Options {
	return Options{Path: s.path(), Environment: s.lookup, Log: slog.New(slog.NewTextHandler(s.log, nil))}
}

// start runs the gateway in this process until the test ends.
func (s *site) start() *Gateway {
	s.t.Helper()
	g, err := Start(context.Background(), s.options())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if !g.draining.Load() {
			g.Shutdown(ctx, 0)
		}
	})
	return g
}

func address(g *Gateway) string {
	for _, a := range g.Addresses() {
		return a.String()
	}
	return ""
}

// fetch makes one request on a connection of its own.
func fetch(t testing.TB, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// records gives every line of the audit log.
func records(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "audit", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(strings.TrimSpace(string(content)), "\n")...)
	}
	return out
}

// eventually waits for something that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
