// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// raw answers each connection's requests with what say gives, and tells what
// was read of each head.
func raw(t *testing.T, say func(n int, head string) (answer string, hangUp bool)) (origin string, heads func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	n := 0
	serve := func(k net.Conn) {
		defer wg.Done()
		defer k.Close()
		in := bufio.NewReader(k)
		for {
			var head strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == "\r\n" {
					break
				}
				head.WriteString(line)
			}
			mu.Lock()
			got = append(got, head.String())
			i := n
			n++
			mu.Unlock()
			answer, hangUp := say(i, head.String())
			_, _ = io.WriteString(k, answer)
			if hangUp {
				return
			}
		}
	}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			k, err := l.Accept()
			if err != nil {
				return
			}
			wg.Add(1)
			go serve(k)
		}
	}()
	return "http://" + l.Addr().String(), func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), got...) }
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestRequestsAreSentAsTheyStand(t *testing.T) {
	origin, heads := raw(t, func(int, string) (string, bool) { return ok, false })
	c := newClient(t, Config{Origin: origin, Agent: "test"})
	host := strings.TrimPrefix(origin, "http://")
	for _, test := range []struct {
		name string
		r    Request
		want string
	}{
		{"an odd path", Request{Method: "GET", Target: "/..%2f/%zz?a b"}, "GET /..%2f/%zz?a b HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: test\r\nAccept: */*\r\n"},
		{"an odd method", Request{Method: "gEt-X", Target: "/"}, "gEt-X / HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: test\r\nAccept: */*\r\n"},
		{"fields twice, in their case, and a host of its own", Request{Method: "GET", Target: "/", Header: []Field{{"x-A", "1"}, {"X-a", "2"}, {"host", "other.example"}, {"User-Agent", "me"}, {"accept", "a/b"}}},
			"GET / HTTP/1.1\r\nx-A: 1\r\nX-a: 2\r\nhost: other.example\r\nUser-Agent: me\r\naccept: a/b\r\n"},
		{"an empty POST says so", Request{Method: "POST", Target: "/"}, "POST / HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: test\r\nAccept: */*\r\nContent-Length: 0\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := c.Do(t.Context(), &test.r)
			if err != nil || a.Status != 200 || string(a.Body) != "ok" {
				t.Fatal(a, err)
			}
			all := heads()
			if got := all[len(all)-1]; got != test.want {
				t.Errorf("sent\n%q, want\n%q", got, test.want)
			}
		})
	}
	if n := c.Stats().NewConns; n != 1 {
		t.Errorf("%d connections, want one that is kept", n)
	}
}

func TestNoOtherHostIsEverContacted(t *testing.T) {
	var foreign atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	defer other.Close()
	t.Setenv("HTTP_PROXY", other.URL)
	t.Setenv("http_proxy", other.URL)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", other.URL+"/stolen")
		w.Header().Set("Refresh", "0; url="+other.URL)
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
		w.WriteHeader(302)
		fmt.Fprintf(w, `{"next":%q}`, other.URL)
	}))
	defer s.Close()
	c := newClient(t, Config{Origin: s.URL})
	for _, target := range []string{"/", other.URL + "/absolute", "//" + strings.TrimPrefix(other.URL, "http://") + "/x"} {
		a, err := c.Do(t.Context(), &Request{Method: "GET", Target: target, Header: []Field{{"Host", strings.TrimPrefix(other.URL, "http://")}}})
		if err != nil {
			t.Fatal(err)
		}
		if target == "/" && a.Status != 302 {
			t.Errorf("a redirect was followed: %d", a.Status)
		}
	}
	if n := foreign.Load(); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

func TestCookiesAreNotKept(t *testing.T) {
	var had atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			had.Store(true)
		}
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
	}))
	defer s.Close()
	c := newClient(t, Config{Origin: s.URL})
	for range 2 {
		if _, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"}); err != nil {
			t.Fatal(err)
		}
	}
	if had.Load() {
		t.Error("a cookie was sent back")
	}
}

func TestLimitsAreKept(t *testing.T) {
	var served atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.Add(1) }))
	defer s.Close()
	get := &Request{Method: "GET", Target: "/"}
	t.Run("the budget", func(t *testing.T) {
		c := newClient(t, Config{Origin: s.URL, MaxRequests: 2})
		var last error
		for range 4 {
			_, last = c.Do(t.Context(), get)
		}
		if !errors.Is(last, ErrBudget) || c.Stats().Requests != 2 || c.Stats().RefusedByUs != 2 {
			t.Errorf("%v %+v", last, c.Stats())
		}
		c.Extend(1, time.Time{})
		if _, err := c.Do(t.Context(), get); err != nil {
			t.Error("nothing is left for cleaning up:", err)
		}
	})
	t.Run("the time", func(t *testing.T) {
		c := newClient(t, Config{Origin: s.URL, Deadline: time.Now().Add(-time.Second)})
		if _, err := c.Do(t.Context(), get); !errors.Is(err, ErrTime) {
			t.Error(err)
		}
	})
	t.Run("read-only", func(t *testing.T) {
		before := served.Load()
		c := newClient(t, Config{Origin: s.URL, ReadOnly: true})
		for _, m := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "FOO"} {
			if _, err := c.Do(t.Context(), &Request{Method: m, Target: "/"}); !errors.Is(err, ErrReadOnly) {
				t.Errorf("%s: %v", m, err)
			}
		}
		if served.Load() != before {
			t.Error("something was sent")
		}
		for _, m := range []string{"GET", "HEAD", "OPTIONS"} {
			if _, err := c.Do(t.Context(), &Request{Method: m, Target: "/"}); err != nil {
				t.Errorf("%s: %v", m, err)
			}
		}
	})
	t.Run("the rate", func(t *testing.T) {
		c := newClient(t, Config{Origin: s.URL, Rate: 100})
		start := time.Now()
		for range 4 {
			if _, err := c.Do(t.Context(), get); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 30*time.Millisecond {
			t.Errorf("four requests took %v at 100 in a second", took)
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	var now, most atomic.Int32
	gate := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		<-gate
		now.Add(-1)
	}))
	defer s.Close()
	c := newClient(t, Config{Origin: s.URL, Concurrency: 2})
	var wg sync.WaitGroup
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, _ = c.Do(t.Context(), &Request{Method: "GET", Target: "/"})
		}()
	}
	for range 6 {
		gate <- struct{}{}
	}
	wg.Wait()
	if most.Load() > 2 {
		t.Errorf("%d at a time", most.Load())
	}
}

func TestAnswersAreBounded(t *testing.T) {
	big := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name, answer string
		status, body int
		cut          bool
	}{
		{"a whole body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + big[:100], 200, 100, false},
		{"a body that is too long", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + big, 200, 1000, true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, 3, false},
		{"an interim answer first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, 0, false},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 101, 0, true},
		{"until the end of the connection", "HTTP/1.1 200 OK\r\n\r\nabc", 200, 3, false},
		{"a body that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 200, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			origin, _ := raw(t, func(int, string) (string, bool) { return test.answer, true })
			c := newClient(t, Config{Origin: origin, MaxAnswer: 1000})
			a, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"})
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != test.status || len(a.Body) != test.body || a.Cut != test.cut {
				t.Errorf("status %d, %d bytes, cut %v", a.Status, len(a.Body), a.Cut)
			}
		})
	}
	t.Run("an endless head", func(t *testing.T) {
		origin, _ := raw(t, func(int, string) (string, bool) {
			return "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxHead+10), true
		})
		c := newClient(t, Config{Origin: origin})
		if a, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"}); err == nil {
			t.Errorf("taken: %d", a.Status)
		}
	})
}

func TestAConnectionThatWasClosedMeanwhileIsNoFailure(t *testing.T) {
	var mu sync.Mutex
	closed := map[int]bool{}
	origin, heads := raw(t, func(n int, _ string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		closed[n] = true
		return ok, n == 0 // hangs up after the first answer, which said it would stay
	})
	c := newClient(t, Config{Origin: origin})
	for i := range 3 {
		if _, err := c.Do(t.Context(), &Request{Method: "POST", Target: fmt.Sprint("/", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(heads()); n != 3 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestAServerThatIsDownIsLeftAlone(t *testing.T) {
	origin, heads := raw(t, func(int, string) (string, bool) { return "", true })
	c := newClient(t, Config{Origin: origin, DownAfter: 3})
	for range 3 {
		_, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"})
		var e *Error
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
	}
	if _, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"}); !errors.Is(err, ErrDown) || !c.Down() {
		t.Error(err)
	}
	if n := len(heads()); n != 3 || c.Stats().Requests != 3 {
		t.Errorf("%d requests; %+v", n, c.Stats())
	}
}

func TestSlowServersAndInterruptionsAreToldApart(t *testing.T) {
	origin, _ := raw(t, func(int, string) (string, bool) { return "", false })
	c := newClient(t, Config{Origin: origin, Timeout: 20 * time.Millisecond})
	_, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"})
	var e *Error
	if !errors.As(err, &e) || !e.Timeout() {
		t.Errorf("a slow server gives %v", err)
	}
	slow := newClient(t, Config{Origin: origin})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	if _, err := slow.Do(ctx, &Request{Method: "GET", Target: "/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("an interruption gives %v", err)
	}
	if slow.failed.Load() != 0 {
		t.Error("an interruption counts as the server's failure")
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, origin := range []string{"", "localhost:80", "ftp://a.example", "http://", "http://user:pw@a.example", "http:// x"} {
		if _, err := New(Config{Origin: origin}); err == nil {
			t.Errorf("%q was taken", origin)
		} else if strings.Contains(err.Error(), "pw") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}

func TestTLSIsSpokenWithThatHostOnly(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") }))
	defer s.Close()
	s.Config.ErrorLog = nil
	strict := newClient(t, Config{Origin: s.URL})
	if _, err := strict.Do(t.Context(), &Request{Method: "GET", Target: "/"}); err == nil {
		t.Error("a certificate of nobody was taken")
	}
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig
	c := newClient(t, Config{Origin: s.URL, TLS: roots})
	a, err := c.Do(t.Context(), &Request{Method: "GET", Target: "/"})
	if err != nil || a.TLS == nil || string(a.Body) != "ok" {
		t.Error(a, err)
	}
}
