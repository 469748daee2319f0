// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"durward"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upstream is a TCP server that runs a script for each connection, the first
// of which is number 0. It ends with the test.
type upstream struct {
	addr  string
	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

func listen(t testing.TB, script func(n int, c net.Conn)) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{addr: l.Addr().String()}
	u.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			u.mu.Lock()
			n := len(u.conns)
			u.conns = append(u.conns, c)
			u.mu.Unlock()
			u.wg.Go(func() {
				defer c.Close()
				script(n, c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		u.mu.Lock()
		for _, c := range u.conns {
			c.Close()
		}
		u.mu.Unlock()
		u.wg.Wait()
	})
	return u
}

func (u *upstream) accepted() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.conns)
}

func (u *upstream) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", u.addr)
}

// newPool makes a pool for u that ends with the test.
func newPool(t testing.TB, dial func(context.Context) (net.Conn, error), change ...func(*Options)) *Pool {
	o := Options{Dial: dial, HeadTimeout: 10 * time.Second, BodyIdleTimeout: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	p := New(o)
	t.Cleanup(p.Close)
	return p
}

// serve answers every request on c with what answer gives for it, until c
// ends. The request's body has been read.
func serve(c net.Conn, answer func(r *http.Request, body string) string) {
	br := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		raw := answer(r, string(body))
		if raw == "" {
			continue // an empty write would wake the other end of a pipe
		}
		if _, err := io.WriteString(c, raw); err != nil {
			return
		}
	}
}

func get(path string) *Request {
	return &Request{Host: "api.test", Out: &durward.Outgoing{Method: "GET", Path: path}}
}

// post makes a request with a body that was not read yet; a negative length
// is an unknown one.
func post(body io.Reader, length int64) *Request {
	r := &Request{Host: "api.test", Out: &durward.Outgoing{Method: "POST", Path: "/"}, Body: &durward.Body{}}
	r.Body.Init(body, length)
	if err := r.Body.SetLimit(1 << 30); err != nil {
		panic(err)
	}
	return r
}

// content reads a response's body to its end.
func content(r *durward.Response) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	b, err := io.ReadAll(r.Body)
	return string(b), errors.Join(err, r.Body.Close())
}

// want fetches and compares status and body.
func want(t testing.TB, p *Pool, req *Request, status int, body string) *durward.Response {
	t.Helper()
	r, err := p.RoundTrip(t.Context(), req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Out.Method, req.Out.Path, err)
	}
	got, err := content(r)
	if err != nil {
		t.Fatalf("%s %s: body: %v", req.Out.Method, req.Out.Path, err)
	}
	if r.Status != status || got != body {
		t.Fatalf("%s %s: got %d %.80q, want %d %.80q", req.Out.Method, req.Out.Path, r.Status, got, status, body)
	}
	return r
}

// kindOf is the Kind of an error, 0 when it is no *Error.
func kindOf(err error) Kind {
	var e *Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Kind
}

func ok(body string) string { return okLength(len(body)) + body }

func okLength(n int) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + itoa(n) + "\r\n\r\n"
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}
