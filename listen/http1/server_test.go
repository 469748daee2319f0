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
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

// ended waits for the server to close a connection, and gives what came.
func ended(t *testing.T, c net.Conn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// exchangeOn sends a request and reads the answer.
func exchangeOn(t *testing.T, c net.Conn) {
	t.Helper()
	send(t, c, get)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
}

func empty(_ context.Context, _ *durward.Exchange, out durward.Responder) {
	out.Respond(&durward.Response{Status: 204}, nil)
}

func TestShutdownEndsIdleConnectionsAndWaitsForBusyOnes(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if x.In.RawPath == "/slow" {
			close(began)
			<-goOn
		}
		answer(out, 200, "a")
	})
	addr := listen(t, s)
	fresh, idle, busy := dial(t, addr), dial(t, addr), dial(t, addr)
	exchangeOn(t, idle)
	send(t, busy, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	if got := ended(t, fresh) + ended(t, idle); got != "" {
		t.Errorf("got %q", got)
	}
	select {
	case <-done:
		t.Fatal("Shutdown did not wait")
	default:
	}
	close(goOn)
	if got := ended(t, busy); !strings.HasSuffix(got, "Connection: close\r\n\r\na") {
		t.Errorf("got %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if late, err := net.Dial("tcp", addr); err == nil {
		defer late.Close()
		if got := ended(t, late); got != "" {
			t.Errorf("a connection behind Shutdown got %q", got)
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
}

func TestShutdownCutsWhatIsLeftWhenItsTimeEnds(t *testing.T) {
	began, left := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
		close(began)
		<-ctx.Done()
		_, err := out.Respond(text(200, "a"), nil)
		if err == nil {
			t.Error("an answer was sent on a connection that was cut")
		}
		close(left)
	})
	c := dial(t, listen(t, s))
	send(t, c, get)
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-left
	if s.Open() != 0 {
		t.Errorf("%d connections are open", s.Open())
	}
}

func TestCloseIdleLeavesBusyConnections(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		if x.In.Method == "POST" {
			close(began)
			<-goOn
		}
		answer(out, 200, "a")
	})
	addr := listen(t, s)
	idle, busy := dial(t, addr), dial(t, addr)
	exchangeOn(t, idle)
	send(t, busy, "POST / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	// The client may have its answer a little before the server waits again.
	for s.Open() > 1 {
		s.CloseIdle()
		runtime.Gosched()
	}
	if got := ended(t, idle); got != "" {
		t.Errorf("got %q", got)
	}
	close(goOn)
	br := bufio.NewReader(busy)
	for range 2 {
		r, err := http.ReadResponse(br, nil)
		if err != nil || r.Close {
			t.Fatalf("got %v, close %v", err, r != nil && r.Close)
		}
		io.Copy(io.Discard, r.Body)
		send(t, busy, get)
	}
}

func TestEveryAnswerIsTheLastWhileDraining(t *testing.T) {
	var draining atomic.Bool
	s := newServer(t, empty, func(o *Options) { o.Draining = draining.Load })
	c := dial(t, listen(t, s))
	exchangeOn(t, c)
	draining.Store(true)
	send(t, c, get)
	if got := ended(t, c); !strings.Contains(got, "\r\nConnection: close\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestThePrefaceOfHTTP2IsHandedOn(t *testing.T) {
	for _, step := range []int{1, 10, 1000} {
		got := make(chan string, 1)
		s := newServer(t, echo, func(o *Options) {
			o.HTTP2 = func(c net.Conn, info Info) {
				b, _ := io.ReadAll(c)
				got <- string(b)
				c.Close()
			}
		})
		s.ServeConn(context.Background(), &tape{data: []byte(prefaceHTTP2 + "frames"), step: step}, Info{})
		if g := <-got; g != prefaceHTTP2+"frames" {
			t.Errorf("read in pieces of %d bytes: got %q", step, g)
		}
		for _, other := range []string{"PRI * HTTP/2.0\r\n\r\nXX", "PRI / HTTP/1.1\r\nHost: x\r\n\r\n", "P / HTTP/1.1\r\nHost: x\r\n\r\n", get + prefaceHTTP2} {
			if answer := play(t, s, other, step); !strings.HasPrefix(answer, "HTTP/1.1 ") {
				t.Errorf("%q was answered with %q", other, answer)
			}
		}
	}
}

func TestNetHTTPSpeaksHTTP2OnWhatIsHandedOn(t *testing.T) {
	given := make(chan net.Conn, 1)
	standard := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	})}
	standard.Protocols.SetUnencryptedHTTP2(true)
	l := &handed{conns: given, closed: make(chan struct{})}
	go standard.Serve(l)
	defer standard.Close()
	addr := listen(t, newServer(t, echo, func(o *Options) { o.HTTP2 = func(c net.Conn, _ Info) { given <- c } }))
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport}).Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "HTTP/2.0" {
		t.Errorf("got %q, %v", b, err)
	}
}

// handed is a listener of connections that somebody else accepted.
type handed struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *handed) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *handed) Close() error   { close(l.closed); return nil }
func (l *handed) Addr() net.Addr { return &net.TCPAddr{} }

// The bubble's clock stands still while anything can run, so the grace cannot
// end early, and every connection is known to be open when Shutdown begins.
func TestANewConnectionHasItsFirstRequestAnsweredDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		s := newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
			if x.In.RawPath == "/slow" {
				<-goOn
			}
			answer(out, 200, "a")
		})
		silent, fresh, busy := piped(s), piped(s), piped(s)
		send(t, busy, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(context.Background()) }()
		synctest.Wait()
		time.Sleep(newGrace / 2)
		send(t, fresh, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // it crossed with the shutdown
		if got := readAll(t, fresh); !strings.HasSuffix(got, "Connection: close\r\n\r\na") {
			t.Errorf("got %q", got)
		}
		within(t, newGrace/2, func() { // it never sends: it is not waited for long
			if got := readAll(t, silent); got != "" {
				t.Errorf("got %q", got)
			}
		})
		close(goOn)
		if got := readAll(t, busy); !strings.HasSuffix(got, "Connection: close\r\n\r\na") {
			t.Errorf("got %q", got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
