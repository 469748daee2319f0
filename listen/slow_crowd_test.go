// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/internal/again"
)

// crowd is how many slow clients come at once.
const crowd = 200

// drip sends a little now and then until the connection ends, and reads what
// comes back meanwhile.
func drip(c net.Conn, text string) {
	go io.Copy(io.Discard, c)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

// sip reads a few bytes now and then until the connection ends.
func sip(c net.Conn) {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for b := make([]byte, 16); ; <-tick.C {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

// slowCrowds are clients that hold a connection as long as they can. Each
// returns when the connection is closed, by either side.
var slowCrowds = map[string]func(c net.Conn){
	"heads that do not come":  func(c net.Conn) { io.Copy(io.Discard, c) },
	"heads that drip":         func(c net.Conn) { io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n"); drip(c, "X-A: b\r\n") },
	"request lines that drip": func(c net.Conn) { io.WriteString(c, "GET /"); drip(c, "a") },
	"content that does not come": func(c net.Conn) {
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n")
		io.Copy(io.Discard, c)
	},
	"content that drips": func(c net.Conn) {
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n")
		drip(c, "x")
	},
	"chunks that drip": func(c net.Conn) {
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		drip(c, "1\r\nx\r\n")
	},
	"readers that stop": func(c net.Conn) {
		io.WriteString(c, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
		c.Read(make([]byte, 1))
	},
	"readers that sip": func(c net.Conn) {
		io.WriteString(c, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
		sip(c)
	},
}

// 200 clients of each kind at once are all closed, and another client is served
// from the first of them to the last.
func TestCrowdsOfSlowClientsAreClosedWhileOthersAreServed(t *testing.T) {
	limits := Limits{
		HeaderTimeout: milliseconds(500), BodyTimeout: milliseconds(500), BodyMinRate: 1 << 20,
		WriteTimeout: milliseconds(500), IdleTimeout: milliseconds(60_000), ConnectionsPerAddress: 2 * crowd,
	}
	for name, slow := range slowCrowds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				s, address := start(t, serveFunc(endlessOrEcho), Config{Limits: limits})
				var clients sync.WaitGroup
				conns := make([]net.Conn, crowd)
				for i := range conns {
					c, err := net.Dial("tcp", address)
					if err != nil {
						t.Fatal(err)
					}
					c.(*net.TCPConn).SetReadBuffer(4 << 10)
					conns[i] = c
					clients.Go(func() { slow(c) })
				}
				defer clients.Wait()
				defer func() {
					for _, c := range conns {
						c.Close()
					}
				}()
				if served := serveUntil(t, s, address); served < 2 {
					t.Errorf("another client was served %d times", served)
				}
			})
		})
	}
}

// serveUntil makes requests on connections of their own, and on one that is
// kept, until no other connection is open. All that were dialled before have
// been taken in by then, for they are taken in turn.
func serveUntil(t testing.TB, s *Set, address string) (served int) {
	kept := dial(t, address)
	for late := time.After(time.Minute); ; {
		c := dial(t, address)
		for _, c := range []*client{c, kept} {
			c.SetDeadline(time.Now().Add(time.Minute))
			c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n")
			io.WriteString(c, "hi")
			if resp, body := c.answer("POST"); resp.StatusCode != 200 || body != "hi" {
				t.Fatalf("another client got %s %q", resp.Status, body)
			}
			served++
		}
		c.Close()
		if s.Stats().Open <= 2 {
			return served
		}
		select {
		case <-late:
			t.Fatalf("%d slow clients are still there", s.Stats().Open-2)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// endlessOrEcho answers /endless without end, and else with the content.
func endlessOrEcho(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	if strings.HasPrefix(x.In.RawPath, "/endless") {
		_, err := out.Respond(&durward.Response{Status: 200, Body: io.NopCloser(zeros{}), Length: -1}, nil)
		if err == nil {
			panic(errors.New("an answer without end has ended"))
		}
		return
	}
	echo(ctx, x, out)
}
