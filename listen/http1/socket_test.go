// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"durward"
)

// An early answer reaches a client that is still sending: closing at once
// would reset the connection and lose it.
func TestAnEarlyAnswerReachesAClientThatStillSends(t *testing.T) {
	addr := listen(t, newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) { answer(out, 413, "too large") }))
	c := dial(t, addr)
	send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
	send(t, c, strings.Repeat("a", 100_000))
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(got), "Connection: close\r\n\r\ntoo large") {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestTheEndOfAConnectionIsBounded(t *testing.T) {
	s := newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) { answer(out, 413, "too large") })
	addr := listen(t, s)
	for name, more := range map[string]func(c net.Conn){
		"in time": func(c net.Conn) {},
		"in bytes": func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("a", 64<<10)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, addr)
			send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
			more(c)
			for start := time.Now(); s.Open() > 0; runtime.Gosched() {
				if time.Since(start) > time.Minute {
					t.Fatal("the connection is still open")
				}
			}
		})
	}
}

// Content without framing ends with the connection, so one that breaks off
// must not end as one that is whole.
func TestContentThatEndsWithTheConnectionIsResetWhenItBreaksOff(t *testing.T) {
	if !canReceive {
		t.Skip("needs the descriptor")
	}
	addr := listen(t, newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
		out.Respond(&durward.Response{Status: 200, Body: &body{pieces: []string{"ab"}, err: io.ErrUnexpectedEOF}, Length: -1}, nil)
	}))
	c := dial(t, addr)
	send(t, c, "GET / HTTP/1.0\r\n\r\n")
	if got, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestAClientThatLeavesEndsTheContext(t *testing.T) {
	if !canReceive {
		t.Skip("needs the descriptor")
	}
	for name, leave := range map[string]func(c *net.TCPConn){
		"by closing":       func(c *net.TCPConn) { c.Close() },
		"by a reset":       func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		"with bytes ahead": func(c *net.TCPConn) { io.WriteString(c, get); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}), make(chan struct{})
			addr := listen(t, newServer(t, func(ctx context.Context, x *durward.Exchange, out durward.Responder) {
				if x.In.Method == "GET" {
					out.Abort()
					return
				}
				close(began)
				<-ctx.Done()
				close(ended)
				out.Abort()
			}, func(o *Options) { o.WatchAfter = 20 * time.Millisecond }))
			c := dial(t, addr)
			send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
			<-began
			leave(c.(*net.TCPConn))
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("the handler still waits")
			}
		})
	}
}

func TestAContextLivesWhileItsClientWaits(t *testing.T) {
	sweeps := make(chan struct{})
	addr := listen(t, newServer(t, func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
		<-sweeps
		if ctx.Err() != nil {
			t.Error("the context has ended")
		}
		answer(out, 200, "alive")
	}, func(o *Options) { o.WatchAfter = 10 * time.Millisecond }))
	c := dial(t, addr)
	send(t, c, get)
	time.AfterFunc(200*time.Millisecond, func() { close(sweeps) })
	buf := make([]byte, 1024)
	if n, err := c.Read(buf); err != nil || !strings.HasSuffix(string(buf[:n]), "alive") {
		t.Fatalf("got %q, %v", buf[:n], err)
	}
}

func TestManyRequestsOnOneConnectionNeedNoFurtherGoroutine(t *testing.T) {
	addr, stop := startOurs(t)
	defer stop()
	roundTrips(t, addr, bearer, 100)
	before := runtime.NumGoroutine()
	most := 0
	var wg sync.WaitGroup
	wg.Go(func() { roundTrips(t, addr, bearer, 10_000) })
	wg.Go(func() {
		for range 1000 {
			most = max(most, runtime.NumGoroutine())
			runtime.Gosched()
		}
	})
	wg.Wait()
	if most > before+4 { // the two of the test, the connection's, and one that ends
		t.Errorf("%d goroutines, with %d before", most, before)
	}
}

// An upstream client of HTTP/2 may read content when the exchange is over. It
// must get an error, and nothing of what comes next.
func TestContentIsOutOfReachBehindItsExchange(t *testing.T) {
	var kept durward.Body
	reading := make(chan error, 1)
	addr := listen(t, newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		kept = x.In.Body
		if x.In.RawPath == "/waits" {
			began := make(chan struct{})
			go func() {
				b := kept
				close(began)
				_, err := b.Read(make([]byte, 10))
				reading <- err
			}()
			<-began
		}
		answer(out, 200, "a")
	}))
	t.Run("small content", func(t *testing.T) {
		c := dial(t, addr)
		send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
		c.Read(make([]byte, 1024))
		if n, err := kept.Read(make([]byte, 10)); n != 0 || err != durward.ErrBodyAborted {
			t.Errorf("got %d bytes, %v", n, err)
		}
	})
	t.Run("content that is waited for", func(t *testing.T) {
		c := dial(t, addr)
		send(t, c, "POST /waits HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
		if err := <-reading; err != durward.ErrBodyAborted && err != durward.ErrBodyTimeout {
			t.Errorf("got %v", err)
		}
	})
}
