// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward/internal/loopback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a gateway that is as it is told.
type fake struct {
	ready, reload error
	reloads       int
	weaker        int
}

func (f *fake) Ready() error                 { return f.ready }
func (f *fake) Reload(context.Context) error { f.reloads++; return f.reload }

func (f *fake) ReloadWeaker(context.Context) error { f.weaker++; return f.reload }
func (f *fake) Status() Status                     { return Status{Version: "1.2.3", Fingerprint: "abc", InFlight: 7} }

var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "metrics") })

func ask(h http.Handler, method, target string, set ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = SocketHost
	for _, f := range set {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHealthTellsAliveFromReady(t *testing.T) {
	g := &fake{}
	h := Health(g, page)
	why := errors.New("the gateway is draining")
	for _, tc := range []struct {
		method, target string
		ready          error
		status         int
		says, hides    string
	}{
		{"GET", "/healthz", nil, 200, "ok", ""},
		{"GET", "/healthz", why, 200, "ok", ""},
		{"HEAD", "/healthz", nil, 200, "", ""},
		{"GET", "/readyz", nil, 200, "ready", ""},
		{"GET", "/readyz", why, 503, "not ready", "draining"},
		{"GET", "/readyz?verbose", why, 503, "draining", ""},
		{"GET", "/startupz", why, 503, "not ready", ""},
		{"GET", "/metrics", nil, 200, "metrics", ""},
		{"POST", "/readyz", nil, 405, "", ""},
		{"POST", "/v1/reload", nil, 404, "", ""},
		{"GET", "/v1/status", nil, 404, "", ""},
		{"GET", "/", nil, 404, "", ""},
	} {
		g.ready = tc.ready
		w := ask(h, tc.method, tc.target)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) || tc.hides != "" && strings.Contains(w.Body.String(), tc.hides) {
			t.Errorf("%s %s: %d %q", tc.method, tc.target, w.Code, w.Body)
		}
	}
	if g.reloads != 0 {
		t.Error("health has reloaded the gateway")
	}
}

func TestControlTakesOnlyTheSocketsOwnClients(t *testing.T) {
	g := &fake{}
	h := Control(g)
	host := func(s string) func(*http.Request) { return func(r *http.Request) { r.Host = s } }
	origin := func(r *http.Request) { r.Header.Set("Origin", "null") }
	for name, tc := range map[string]struct {
		method, target string
		set            []func(*http.Request)
		status         int
	}{
		"status":                  {"GET", "/v1/status", nil, 200},
		"a reload":                {"POST", "/v1/reload", nil, 200},
		"a reload by GET":         {"GET", "/v1/reload", nil, 405},
		"a browser's host":        {"POST", "/v1/reload", []func(*http.Request){host("localhost:9090")}, 403},
		"no host":                 {"POST", "/v1/reload", []func(*http.Request){host("")}, 403},
		"the host with a port":    {"POST", "/v1/reload", []func(*http.Request){host(SocketHost + ":80")}, 403},
		"a page of any origin":    {"POST", "/v1/reload", []func(*http.Request){origin}, 403},
		"what is not served here": {"GET", "/metrics", nil, 404},
	} {
		before := g.reloads
		if w := ask(h, tc.method, tc.target, tc.set...); w.Code != tc.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if reloaded := g.reloads != before; reloaded != (name == "a reload") {
			t.Errorf("%s: reloaded %v", name, reloaded)
		}
	}
}

func TestTheClientGetsTheGatewaysOwnWords(t *testing.T) {
	g := &fake{}
	path := filepath.Join(t.TempDir(), "c.sock")
	c, err := Start(Config{Socket: path}, g, page)
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(path)
	if s, err := client.Status(t.Context()); err != nil || s.Version != "1.2.3" || s.InFlight != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := client.Reload(t.Context()); err != nil || s.Fingerprint != "abc" || g.reloads != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := client.ReloadWeaker(t.Context()); err != nil || g.weaker != 1 || g.reloads != 1 {
		t.Errorf("a reload that may weaken: %v, asked for %d times, and for %d others", err, g.weaker, g.reloads)
	}
	g.reload = errors.New("durward.yaml:3:1: listen: \"x\"\ndurward.yaml:4:1: apis: y")
	if _, err := client.Reload(t.Context()); err == nil || err.Error() != g.reload.Error() {
		t.Errorf("%v", err)
	}
	if err := c.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
	if _, err := client.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
}

func TestTheSocketIsForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.sock")
	c, err := Start(Config{Socket: path}, &fake{}, page)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Shutdown(t.Context())
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestAStaleSocketIsReplacedAndALiveOneIsNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.sock")
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close() // as after a crash
	first, err := Start(Config{Socket: path}, &fake{}, page)
	if err != nil {
		t.Fatalf("a stale socket stops the start: %v", err)
	}
	defer first.Shutdown(t.Context())
	if _, err := Start(Config{Socket: path}, &fake{}, page); err == nil || !strings.Contains(err.Error(), "another gateway answers") {
		t.Errorf("%v", err)
	}
	if _, err := NewClient(path).Status(t.Context()); err != nil {
		t.Errorf("the live one was harmed: %v", err)
	}
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Config{Socket: file}, &fake{}, page); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("%v", err)
	}
	if got, _ := os.ReadFile(file); string(got) != "x" {
		t.Error("a file was removed")
	}
	if _, err := Start(Config{Socket: filepath.Join(dir, "none", "c.sock")}, &fake{}, page); err == nil {
		t.Error("a socket in no folder")
	}
}

func TestAConsoleThatCannotBeOpenedLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := Start(Config{Address: taken.Addr().String()}, &fake{}, page); err == nil || !strings.Contains(err.Error(), "admin.address") {
		t.Errorf("%v", err)
	}
	// The address can be bound, the socket not: the address is given back.
	free := loopback.Free(t)
	if _, err := Start(Config{Address: free, Socket: "/dev/null"}, &fake{}, page); err == nil || !strings.Contains(err.Error(), "admin.socket") {
		t.Errorf("%v", err)
	}
	again, err := net.Listen("tcp", free)
	if err != nil {
		t.Fatalf("the address is still held: %v", err)
	}
	again.Close()
	nothing, err := Start(Config{}, &fake{}, page)
	if err != nil || nothing.Address() != nil || nothing.Shutdown(t.Context()) != nil {
		t.Errorf("nothing to serve: %v", err)
	}
}

func TestAScraperThatHangsDoesNotHoldTheEnd(t *testing.T) {
	inside, release := make(chan bool, 1), make(chan bool)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside <- true
		<-release
	})
	c, err := Start(Config{Address: "127.0.0.1:0"}, &fake{}, slow)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", c.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
	<-inside
	began := time.Now()
	if err := c.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	close(release)
}
