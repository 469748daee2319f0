// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"durward"
)

// settle waits until the pool's one idle connection is no longer quiet, or
// fails the test.
func settle(t *testing.T, p *Pool) {
	t.Helper()
	p.mu.Lock()
	c := p.idle[0]
	p.mu.Unlock()
	raw := c.peek.raw
	if err := raw.Read(func(uintptr) bool { return !c.quiet() }); err != nil {
		t.Fatal(err)
	}
}

func TestAConnectionThatEndedWhileIdleIsNotUsed(t *testing.T) {
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string {
			_, _ = io.WriteString(c, ok("hello"))
			c.Close()
			return ""
		})
	})
	p := newPool(t, up.dial)
	for i := range 3 {
		// A POST, for which there is no second attempt.
		want(t, p, post(strings.NewReader("x"), 1), 200, "hello")
		settle(t, p)
		if up.accepted() != i+1 {
			t.Errorf("%d connections, want %d", up.accepted(), i+1)
		}
	}
}

func TestAnAnswerThatComesWhileIdleIsNotTheNextOnes(t *testing.T) {
	late := make(chan struct{})
	up := listen(t, func(n int, c net.Conn) {
		serve(c, func(*http.Request, string) string {
			if n > 0 {
				return ok("clean")
			}
			_, _ = io.WriteString(c, ok("hello"))
			<-late
			return ok("leak")
		})
	})
	p := newPool(t, up.dial)
	want(t, p, get("/"), 200, "hello")
	close(late)
	settle(t, p)
	want(t, p, get("/"), 200, "clean")
}

func TestBytesBehindALargeBodyAreNotTheNextOnes(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	up := listen(t, func(n int, c net.Conn) {
		serve(c, func(*http.Request, string) string {
			if n > 0 {
				return ok("clean")
			}
			return ok(large) + ok("leak")
		})
	})
	p := newPool(t, up.dial)
	want(t, p, get("/"), 200, large)
	if s := p.Stats(); s.Idle > 0 { // the rest may have been read with the body
		settle(t, p)
	}
	want(t, p, get("/"), 200, "clean")
}

// blind hides the descriptor of a connection, so that it is used although it
// has ended.
type blind struct{ net.Conn }

func TestASafeRequestIsSentAgainOnceOnAFreshConnection(t *testing.T) {
	type attempt struct {
		name  string
		req   func() *Request
		again bool
	}
	with := func(method string) func() *Request {
		return func() *Request { r := get("/"); r.Out.Method = method; return r }
	}
	body := func() *Request { r := post(strings.NewReader("x"), 1); r.Out.Method = "GET"; return r }
	large := func() *Request {
		r := post(strings.NewReader(strings.Repeat("x", 100_000)), 100_000)
		r.Out.Method = "GET"
		return r
	}
	for _, test := range []attempt{
		{"GET", with("GET"), true},
		{"HEAD", with("HEAD"), true},
		{"OPTIONS", with("OPTIONS"), true},
		{"GET with a small body", body, true},
		{"GET with a large body", large, false},
		{"POST", with("POST"), false},
		{"PUT", with("PUT"), false},
		{"DELETE", with("DELETE"), false},
		{"TRACE", with("TRACE"), false},
		{"GET with NoRetry", func() *Request { r := get("/"); r.NoRetry = true; return r }, false},
		{"GET with an upgrade", func() *Request { r := get("/"); r.Out.Upgrade = "websocket"; return r }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			ended := make(chan struct{})
			up := listen(t, func(n int, c net.Conn) {
				if n > 0 {
					serve(c, func(*http.Request, string) string { return "HTTP/1.1 204 No Content\r\n\r\n" })
					return
				}
				served := false
				serve(c, func(*http.Request, string) string {
					if served {
						c.Close()
						return ""
					}
					served = true
					return ok("first")
				})
				close(ended)
			})
			p := newPool(t, func(ctx context.Context) (net.Conn, error) {
				c, err := up.dial(ctx)
				return blind{c}, err
			})
			want(t, p, get("/"), 200, "first")
			r, err := p.RoundTrip(t.Context(), test.req())
			if test.again {
				if err != nil || r.Status != 204 || up.accepted() != 2 {
					t.Fatalf("got %v, %d connections", err, up.accepted())
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Kind != Closed || !e.Sent || up.accepted() != 1 {
				t.Errorf("got %v, %d connections", err, up.accepted())
			}
			<-ended
			if s := p.Stats(); s.Open != 0 {
				t.Errorf("the pool has %+v", s)
			}
		})
	}
}

func TestThereIsNoThirdAttemptAndNoneAfterAnAnswersFirstByte(t *testing.T) {
	for name, raw := range map[string]string{
		"a fresh connection that fails too": "",
		"a byte of the answer":              "H",
	} {
		t.Run(name, func(t *testing.T) {
			up := listen(t, func(n int, c net.Conn) {
				served := false
				serve(c, func(*http.Request, string) string {
					if n == 0 && !served {
						served = true
						return ok("first")
					}
					_, _ = io.WriteString(c, raw)
					c.Close()
					return ""
				})
			})
			p := newPool(t, func(ctx context.Context) (net.Conn, error) {
				c, err := up.dial(ctx)
				return blind{c}, err
			})
			want(t, p, get("/"), 200, "first")
			_, err := p.RoundTrip(t.Context(), get("/"))
			attempts := 2
			if raw != "" {
				attempts = 1
			}
			if kindOf(err) != Closed || up.accepted() != attempts {
				t.Errorf("got %v, %d connections", err, up.accepted())
			}
			if s := p.Stats(); s.Open != 0 {
				t.Errorf("the pool has %+v", s)
			}
		})
	}
}

func TestAResetIsAClosedConnection(t *testing.T) {
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string {
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
			return ""
		})
	})
	p := newPool(t, up.dial)
	_, err := p.RoundTrip(t.Context(), get("/"))
	var e *Error
	if !errors.As(err, &e) || e.Kind != Closed || !e.Sent {
		t.Errorf("got %v", err)
	}
}

func TestTLSConnectionsAreUsedAgainAndACutOneIsNotAnEnd(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhello")
			c.(*tls.Conn).NetConn().Close() // without close_notify
			return
		}
		_, _ = io.WriteString(w, "secret")
	}))
	defer srv.Close()
	dialled := 0
	p := newPool(t, func(ctx context.Context) (net.Conn, error) {
		dialled++
		var d net.Dialer
		raw, err := d.DialContext(ctx, "tcp", srv.Listener.Addr().String())
		if err != nil {
			return nil, err
		}
		config := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName = "example.com" // the test certificate's
		c := tls.Client(UnderTLS(raw), config)
		return c, c.HandshakeContext(ctx)
	})
	for range 3 {
		want(t, p, get("/"), 200, "secret")
	}
	r, err := p.RoundTrip(t.Context(), get("/cut"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := content(r); kindOf(err) != Closed || !errors.Is(err, io.ErrUnexpectedEOF) || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if dialled != 1 {
		t.Errorf("%d connections, want 1", dialled)
	}
	want(t, p, get("/"), 200, "secret")
	srv.CloseClientConnections()
	settle(t, p)
	if _, err := p.RoundTrip(t.Context(), &Request{Host: "h", Out: &durward.Outgoing{Method: "POST", Path: "/"}}); err != nil {
		t.Errorf("after the target closed: %v", err)
	}
}
