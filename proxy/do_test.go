// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
	"durward/internal/again"
)

func TestARequestGoesThroughAndItsAnswerComesBack(t *testing.T) {
	for _, protocol := range []string{"http1", "h2c"} {
		t.Run(protocol, func(t *testing.T) {
			h := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				w.Header().Add("X-Two", "1")
				w.Header().Add("X-Two", "2")
				w.WriteHeader(201)
				fmt.Fprintf(w, "%s %s %s %s|%s|%s|%s", r.Proto, r.Method, r.RequestURI, r.Host, b, r.Header.Get("Authorization"), r.Header.Get("X-Forwarded-For"))
			}
			url := ""
			if protocol == "h2c" {
				url = serveH2C(t, h).URL
			} else {
				url = serve(t, h).URL
			}
			u := newUpstream(t, Config{Targets: targets(url), Protocol: protocol, Host: "preserve"}, nil, "Authorization")
			x := withBody(newExchange("POST", "/a%2Fb//c;d=1"), strings.NewReader("hello"), 5)
			x.In.RawQuery = "q=%20&q=2"
			x.In.Header = fields("Authorization", "Bearer t", "Content-Type", "text/plain")
			mustAllow(t, call(t, u, x))
			got := content(t, x)
			proto := map[string]string{"http1": "HTTP/1.1", "h2c": "HTTP/2.0"}[protocol]
			if want := proto + " POST /a%2Fb//c;d=1?q=%20&q=2 api.example.com|hello||203.0.113.9"; got != want {
				t.Errorf("the upstream saw %q, want %q", got, want)
			}
			if x.Response.Status != 201 || x.Response.Header.Count("X-Two") != 2 {
				t.Errorf("answer %d %v", x.Response.Status, x.Response.Header)
			}
			if x.Upstream.Target != url || x.Upstream.Attempts != 1 || x.Upstream.Took <= 0 {
				t.Errorf("facts %+v", x.Upstream)
			}
			if got := u.Status()[0].InFlight; got != 0 {
				t.Errorf("%d requests in flight after the end", got)
			}
		})
	}
}

func TestTheTargetsOwnAuthorityIsTheDefaultHost(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	x := newExchange("GET", "/")
	mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(s.URL)}, nil), x))
	if got := content(t, x); "http://"+got != s.URL {
		t.Errorf("Host %q, want that of %s", got, s.URL)
	}
}

func TestARedirectIsPassedAndNotFollowed(t *testing.T) {
	for _, protocol := range []string{"http1", "h2c"} {
		var asked atomic.Int32
		h := func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			http.Redirect(w, r, "http://127.0.0.1:1/internal", http.StatusFound)
		}
		var url string
		if protocol == "h2c" {
			url = serveH2C(t, h).URL
		} else {
			url = serve(t, h).URL
		}
		x := newExchange("GET", "/")
		mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(url), Protocol: protocol}, nil), x))
		content(t, x)
		if x.Response.Status != 302 || x.Response.Header.Get("Location") != "http://127.0.0.1:1/internal" || asked.Load() != 1 {
			t.Errorf("%s: %d %v after %d requests", protocol, x.Response.Status, x.Response.Header, asked.Load())
		}
	}
}

func TestEveryFaultOfATargetIsACleanRefusal(t *testing.T) {
	hang := func(t testing.TB) func(net.Conn, string) {
		return func(c net.Conn, _ string) { _, _ = io.Copy(io.Discard, c) }
	}
	say := func(s string) func(testing.TB) func(net.Conn, string) {
		return func(testing.TB) func(net.Conn, string) {
			return func(c net.Conn, _ string) { _, _ = io.WriteString(c, s) }
		}
	}
	for _, tc := range []struct {
		name     string
		talk     func(testing.TB) func(net.Conn, string) // nil: nobody listens
		protocol string
		code     durward.Code
	}{
		{"refused", nil, "http1", durward.CodeUpstreamUnreachable},
		{"refused, HTTP/2", nil, "h2c", durward.CodeUpstreamUnreachable},
		{"closed before the head", say(""), "http1", durward.CodeUpstreamUnreachable},
		{"closed before the head, HTTP/2", say(""), "h2c", durward.CodeUpstreamUnreachable},
		{"closed in the head", say("HTTP/1.1 200 OK\r\nContent-"), "http1", durward.CodeUpstreamUnreachable},
		{"hangs", hang, "http1", durward.CodeUpstreamTimeout},
		{"hangs, HTTP/2", hang, "h2c", durward.CodeUpstreamTimeout},
		{"hangs in the head", func(t testing.TB) func(net.Conn, string) {
			return func(c net.Conn, h string) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"); hang(t)(c, h) }
		}, "http1", durward.CodeUpstreamTimeout},
		{"a malformed status line", say("HTTP/1.1 2000 OK\r\n\r\n"), "http1", durward.CodeUpstreamInvalid},
		{"two lengths", say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "http1", durward.CodeUpstreamInvalid},
		{"a header bomb", say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 100) + "\r\n"), "http1", durward.CodeUpstreamInvalid},
		{"a switch that nobody asked for", say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "http1", durward.CodeUpstreamInvalid},
		{"HTTP/1.1 where HTTP/2 is spoken", say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "h2c", durward.CodeUpstreamUnreachable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			again.Try(t, func(t testing.TB) {
				url := dead(t)
				if tc.talk != nil {
					url = raw(t, tc.talk(t))
				}
				u := newUpstream(t, Config{
					Targets: targets(url), Protocol: tc.protocol, Timeout: duration(80 * time.Millisecond), ConnectTimeout: duration(time.Second), Retries: number(0),
				}, nil)
				x := newExchange("GET", "/")
				began := time.Now()
				mustRefuse(t, x, call(t, u, x), tc.code)
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("took %v", took)
				}
				if x.Upstream.Target != url || x.Upstream.Attempts != 1 {
					t.Errorf("facts %+v", x.Upstream)
				}
				if got := u.Status()[0].InFlight; got != 0 {
					t.Errorf("%d in flight", got)
				}
			})
		})
	}
}

func TestAnAnswerThatBreaksOffIsNeverEndedCleanly(t *testing.T) {
	cut := raw(t, func(c net.Conn, _ string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
	})
	silent := raw(t, func(c net.Conn, _ string) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		_, _ = io.Copy(io.Discard, c)
	})
	abort := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "abc")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}).URL
	released := make(chan struct{})
	quiet := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "abc")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(released)
	}).URL
	for _, tc := range []struct{ name, url, protocol string }{
		{"closed", cut, "http1"}, {"silent", silent, "http1"}, {"reset", abort, "h2c"}, {"silent, HTTP/2", quiet, "h2c"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := newUpstream(t, Config{Targets: targets(tc.url), Protocol: tc.protocol, BodyIdleTimeout: duration(80 * time.Millisecond)}, nil)
			x := newExchange("GET", "/")
			mustAllow(t, call(t, u, x))
			b, err := io.ReadAll(x.Response.Body)
			if string(b) != "abc" || err == nil {
				t.Errorf("read %q, %v; want an error behind abc", b, err)
			}
			if _, again := x.Response.Body.Read(make([]byte, 1)); again == nil || errors.Is(again, io.EOF) {
				t.Errorf("a second read gave %v", again)
			}
			_ = x.Response.Body.Close()
			_ = x.Response.Body.Close() // may be closed twice
			if got := u.Status()[0].InFlight; got != 0 {
				t.Errorf("%d in flight", got)
			}
		})
	}
	<-released
}

// badBody is a client whose content ends with an error.
type badBody struct{ err error }

func (b badBody) Read([]byte) (int, error) { return 0, b.err }

func TestAFaultOfTheClientsContentIsTheClients(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }).URL
	h2 := serveH2C(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }).URL
	for err, code := range map[error]durward.Code{
		durward.ErrBodyTooLarge: durward.CodeBodyTooLarge, durward.ErrBodyTimeout: durward.CodeBodyTimeout,
		durward.ErrBodyMalformed: durward.CodeMalformed, durward.ErrBodyAborted: durward.CodeMalformed,
	} {
		for protocol, url := range map[string]string{"http1": plain, "h2c": h2} {
			u := newUpstream(t, Config{Targets: targets(url), Protocol: protocol, Health: Health{Passive: Passive{Failures: 1}}}, nil)
			x := withBody(newExchange("PUT", "/"), badBody{err}, -1)
			d := call(t, u, x)
			mustRefuse(t, x, d, code)
			if !errors.Is(d.Err, err) || x.Upstream.Attempts != 1 {
				t.Errorf("%s %v: %v after %d attempts", protocol, err, d.Err, x.Upstream.Attempts)
			}
			if s := u.Status()[0]; !s.Healthy || s.Reason != "" {
				t.Errorf("%s %v: the target is blamed: %+v", protocol, err, s)
			}
		}
	}
}

func TestAClientThatGoesAwayIsNoFaultOfTheTarget(t *testing.T) {
	for _, protocol := range []string{"http1", "h2c"} {
		arrived := make(chan struct{}, 1)
		h := func(w http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-r.Context().Done() }
		var url string
		if protocol == "h2c" {
			url = serveH2C(t, h).URL
		} else {
			url = serve(t, h).URL
		}
		u := newUpstream(t, Config{Targets: targets(url), Protocol: protocol, Health: Health{Passive: Passive{Failures: 1}}}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		x := newExchange("GET", "/")
		mustRefuse(t, x, callWith(ctx, t, u, x, nil), durward.CodeMalformed)
		if s := u.Status()[0]; !s.Healthy || s.InFlight != 0 || x.Upstream.Attempts != 1 {
			t.Errorf("%s: %+v after %d attempts", protocol, s, x.Upstream.Attempts)
		}
	}
}

func TestInterimAnswersArePassedOn(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.WriteHeader(200)
	}
	for protocol, url := range map[string]string{"http1": serve(t, h).URL, "h2c": serveH2C(t, h).URL} {
		u := newUpstream(t, Config{Targets: targets(url), Protocol: protocol}, nil)
		var got []string
		x := newExchange("GET", "/")
		mustAllow(t, callWith(t.Context(), t, u, x, func(status int, h durward.Header) error {
			got = append(got, fmt.Sprint(status, h.Get("Link")))
			return nil
		}))
		content(t, x)
		if len(got) != 1 || got[0] != "103</a.css>; rel=preload" || x.Response.Status != 200 {
			t.Errorf("%s: interim %q, then %d", protocol, got, x.Response.Status)
		}
	}
}

func TestAllConnectionsInUseIsOverloaded(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { close(busy); <-release })
	u := newUpstream(t, Config{Targets: targets(s.URL), MaxConnections: 1, MaxWait: duration(10 * time.Millisecond)}, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		x := newExchange("GET", "/")
		mustAllow(t, call(t, u, x))
		content(t, x)
	})
	<-busy
	x := newExchange("POST", "/")
	mustRefuse(t, x, call(t, u, x), durward.CodeOverloaded)
	if x.Extra.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if s := u.Status()[0]; !s.Healthy || s.InFlight != 1 {
		t.Errorf("%+v", s)
	}
	close(release)
	wg.Wait()
}
