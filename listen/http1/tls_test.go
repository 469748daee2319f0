// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
)

// certificate gives the one of httptest, and a pool that trusts it.
func certificate(t testing.TB) (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	defer s.Close()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// listenTLS serves a loopback port over TLS until the test ends.
func listenTLS(t testing.TB, s *Server) (addr string, client *tls.Config) {
	config, client := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				c := tls.Server(plain{raw}, config)
				if c.Handshake() != nil {
					raw.Close()
					return
				}
				state := c.ConnectionState()
				info := infoOf(raw)
				info.TLS = &state
				s.ServeConn(context.Background(), c, info)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		wg.Wait()
	})
	return l.Addr().String(), client
}

func TestTLSConnectionsAreServedAlike(t *testing.T) {
	addr, config := listenTLS(t, newServer(t, echo))
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 3 {
		r, err := client.Post("https://"+addr+"/a", "text/plain", strings.NewReader(strings.Repeat("a", 40_000)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if want := "POST|" + addr + "|/a||HTTP/1.1|https|\n"; err != nil || !strings.HasPrefix(string(b), want) || !strings.HasSuffix(string(b), strings.Repeat("a", 40_000)) {
			t.Fatalf("got %.200q, %v", b, err)
		}
	}
}

func TestPipelinedRequestsInOneRecordAreAllAnswered(t *testing.T) {
	addr, config := listenTLS(t, newServer(t, counted()))
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, strings.Repeat(get, 300)+"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(b), "[301 /last]") || bytes.Count(b, []byte("HTTP/1.1 200 OK")) != 301 {
		t.Fatalf("got %d answers, %v", bytes.Count(b, []byte("HTTP/1.1 200 OK")), err)
	}
}

// An answer that was cut ends without close_notify, a whole one with it.
func TestACutAnswerEndsWithoutCloseNotify(t *testing.T) {
	addr, config := listenTLS(t, newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		b := &body{pieces: []string{"ab"}}
		if x.In.RawPath == "/cut" {
			b.err = io.ErrUnexpectedEOF
		}
		out.Respond(&durward.Response{Status: 200, Body: b, Length: -1}, nil)
	}))
	for path, cut := range map[string]bool{"/cut": true, "/whole": false} {
		raw := dial(t, addr)
		seen := &watchEnd{Conn: raw}
		c := tls.Client(seen, config)
		send(t, c, "GET "+path+" HTTP/1.0\r\n\r\n")
		_, err := io.ReadAll(c)
		if clean := err == nil && !seen.ended; clean == cut {
			t.Errorf("%s: read with %v; the end came before close_notify: %v", path, err, seen.ended)
		}
	}
}

// watchEnd notes that the end of the connection was reached below TLS.
type watchEnd struct {
	net.Conn
	ended bool
}

func (w *watchEnd) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.ended = w.ended || err != nil
	return n, err
}

func TestAnEarlyAnswerReachesAClientThatStillSendsOverTLS(t *testing.T) {
	addr, config := listenTLS(t, newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) { answer(out, 413, "too large") }))
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("a", 100_000))
	if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "too large") {
		t.Fatalf("got %q, %v", b, err)
	}
}

func TestAClientThatLeavesEndsTheContextOverTLS(t *testing.T) {
	if !canReceive {
		t.Skip("needs the descriptor")
	}
	began, ended := make(chan struct{}), make(chan struct{})
	addr, config := listenTLS(t, newServer(t, func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
		close(began)
		<-ctx.Done()
		close(ended)
		out.Abort()
	}, func(o *Options) { o.WatchAfter = 20 * time.Millisecond }))
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, get)
	<-began
	c.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the handler still waits")
	}
}

// A client that sends one byte in a record of its own does not get the idle
// timeout for the rest of its head.
func TestAHeadThatStallsBehindOneByteIsA408OverTLS(t *testing.T) {
	addr, config := listenTLS(t, newServer(t, echo, func(o *Options) { o.HeaderTimeout = 100 * time.Millisecond }))
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, "G")
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 408 ") {
		t.Fatalf("got %q, %v", b, err)
	}
}
