// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package durwardtest has what tests of the gateway need again and again: an
// upstream that records what it was sent and answers as it is told, and one
// that speaks raw bytes for answers that no library would give.
package durwardtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Seen is one request as the upstream got it.
type Seen struct {
	Method string
	Target string // path and query as on the wire
	Host   string
	Header http.Header
	Body   []byte
}

// String writes the request with its fields sorted, for scripts to look at.
func (s Seen) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\nHost: %s\n", s.Method, s.Target, s.Host)
	for _, name := range slices.Sorted(mapKeys(s.Header)) {
		for _, v := range s.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	if len(s.Body) > 0 {
		fmt.Fprintf(&b, "\n%s\n", s.Body)
	}
	return b.String()
}

func mapKeys(h http.Header) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range h {
			if !yield(k) {
				return
			}
		}
	}
}

// Upstream records requests, and answers 200 with a short JSON text unless it
// is told otherwise. Safe for concurrent use.
type Upstream struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []Seen
	handler http.Handler
}

// NewUpstream starts one on a free port of the loopback interface.
func NewUpstream() *Upstream {
	u := &Upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(u.serve))
	return u
}

// Answer makes h give the answers from now on. The request's body has been read
// and can be read again.
func (u *Upstream) Answer(h http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handler = h
}

func (u *Upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	u.mu.Lock()
	if len(u.seen) < 10000 {
		u.seen = append(u.seen, Seen{r.Method, r.RequestURI, r.Host, r.Header.Clone(), body})
	}
	h := u.handler
	u.mu.Unlock()
	if h != nil {
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"from":"upstream"}`)
}

// Seen gives the requests since the last call.
func (u *Upstream) Seen() []Seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = nil
	return seen
}

// Raw listens on the loopback interface and hands each connection to serve, in
// a goroutine of its own. It ends with the test. It gives the address.
func Raw(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// Replay answers each request on a connection with the same bytes, and then
// closes it when last is true.
func Replay(answer string, last bool) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			if _, err := io.WriteString(c, answer); err != nil || last {
				return
			}
		}
	}
}
