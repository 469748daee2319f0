// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// server is an authorization server whose answers tests set.
type server struct {
	*httptest.Server
	asked   atomic.Int64
	mu      sync.Mutex
	answers map[string]string // by token
	handler http.HandlerFunc  // instead of answers, when set
	last    *http.Request     // with its form parsed
}

// tok is a token that no message may hold.
const tok = "tok-7f3a"

const active = `{"active":true,"sub":"alice","aud":"moot","client_id":"shop","scope":"read write"}`

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{answers: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	_ = r.ParseForm() // one that is not a form has no token
	s.mu.Lock()
	s.last = r
	handler, answer := s.handler, s.answers[r.PostForm.Get("token")]
	s.mu.Unlock()
	if handler != nil {
		handler(w, r)
		return
	}
	if answer == "" {
		answer = `{"active":false}`
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	fmt.Fprint(w, answer)
}

func (s *server) set(token, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[token] = answer
}

func (s *server) handle(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// form gives the last question.
func (s *server) form() (url.Values, http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last.PostForm, s.last.Header
}

// newClient makes a client of s; change adapts its configuration.
func newClient(t testing.TB, s *server, change func(*Config)) (*Client, *clock) {
	t.Helper()
	cfg := Config{URL: s.URL, ClientID: "gw", ClientSecret: "hunter2", Audiences: []string{"moot"}}
	if change != nil {
		change(&cfg)
	}
	c := &clock{t: start}
	client, err := New("corp", cfg, c.now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(client.Close)
	return client, c
}

// outcome of a check, in one word.
func outcome(err error) string {
	if u, ok := errors.AsType[*durward.Unavailable](err); ok {
		return string(u.Code)
	}
	if err != nil {
		return "rejected"
	}
	return "accepted"
}

// check lets the client decide on a token, and wants an outcome.
func check(t testing.TB, c *Client, token, want string) Result {
	t.Helper()
	r, err := c.Check(t.Context(), token)
	if got := outcome(err); got != want {
		t.Fatalf("%s: %s (%v), want %s", token, got, err, want)
	}
	if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "hunter2")) {
		t.Errorf("the error holds a secret: %v", err)
	}
	return r
}

// wantAsked checks how often the server was asked.
func (s *server) wantAsked(t testing.TB, want int64) {
	t.Helper()
	if got := s.asked.Load(); got != want {
		t.Errorf("the server was asked %d times, want %d", got, want)
	}
}
