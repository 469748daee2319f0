// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// endless is a connection that gives the same request again and again, one
// a read, and counts what is written.
type endless struct {
	tape
	request []byte
	left    int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if len(p) == 1 { // the wait for the first byte
		p[0] = e.request[0]
		return 1, nil
	}
	e.left--
	return copy(p, e.request[1:]), nil
}

func (e *endless) Write(p []byte) (int, error) { e.writes++; return len(p), nil }

// skipUnderRace: the race detector makes pools forget on purpose.
func skipUnderRace(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
}

func TestAKeepAliveRequestAllocatesNextToNothing(t *testing.T) {
	skipUnderRace(t)
	for _, c := range []struct {
		name, request string
		most          float64
	}{
		{"GET", bearer, 1},
		{"GET with names in lower case", bearer, 1},
		{"POST", strings.Replace(bearer, "\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}", 1), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := c.request
			if c.name == "GET with names in lower case" {
				request = strings.NewReplacer("Host", "host", "User-Agent", "user-agent", "Accept", "accept", "Authorization", "authorization", "X-Request-Id", "x-request-id").Replace(bearer)
			}
			s := New(newFixedHandler(), Options{})
			const count = 1000
			one := allocs.PerRun(5, func() { s.ServeConn(context.Background(), &endless{request: []byte(request), left: 1}, Info{}) })
			many := allocs.PerRun(5, func() {
				s.ServeConn(context.Background(), &endless{request: []byte(request), left: 1 + count}, Info{})
			})
			if each := (many - one) / count; each > c.most+0.5 { // the collector empties pools now and then
				t.Errorf("%.2f allocations a request, want at most %.0f", each, c.most)
			}
		})
	}
}

func TestAKeepAliveRequestOverTCPAllocatesNextToNothing(t *testing.T) {
	skipUnderRace(t)
	s := New(newFixedHandler(), Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			s.ServeConn(context.Background(), c, infoOf(c))
		}
	}()
	c := dial(t, l.Addr().String())
	request, buf := []byte(bearer), make([]byte, 4096)
	each := allocs.PerRun(2000, func() {
		c.Write(request)
		c.Read(buf)
	})
	c.Close()
	<-done
	if each > 2 { // one, and room for a pool that the collector has emptied
		t.Errorf("%.2f allocations a request", each)
	}
}

// No request costs more than a bounded multiple of its bytes in memory.
func TestMemoryIsBoundedByTheBytesOfARequest(t *testing.T) {
	limit := 32 << 10
	for name, request := range map[string]string{
		"many small fields":       "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A:\r\n", 99) + "\r\n",
		"many names in odd cases": "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("aBcDeF:\r\n", 99) + "\r\n",
		"a head that is too large": "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: "+strings.Repeat("b", 997)+"\r\n", limit/1000) +
			strings.Repeat("b", 100_000),
		"a line without an end": "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 200_000),
		"a huge length":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n\r\nabc",
		"a huge chunk":          "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffff\r\nabc",
		"tiny chunks":           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\na\r\n", 10_000) + "0\r\n\r\n",
		"trailer fields":        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("a: b\r\n", 99) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
				io.Copy(io.Discard, &x.In.Body)
				out.Respond(&durward.Response{Status: 204}, nil)
			})
			for _, step := range []int{1, 100, 1 << 20} {
				play(t, s, get, 1<<20) // fill the pools
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				c := &quiet{tape{data: []byte(request), step: step}}
				runtime.ReadMemStats(&before)
				s.ServeConn(context.Background(), c, Info{})
				runtime.ReadMemStats(&after)
				// A connection's own buffers may be new ones when the collector
				// has emptied the pools.
				bound := uint64(100*len(request) + 128<<10)
				if used := after.TotalAlloc - before.TotalAlloc; used > bound {
					t.Errorf("read in pieces of %d bytes: %d bytes of memory for %d bytes of request", step, used, len(request))
				}
			}
		})
	}
}

// quiet forgets what is written.
type quiet struct{ tape }

func (*quiet) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkExchange gives what a request costs without the network.
func BenchmarkExchange(b *testing.B) {
	for name, request := range map[string]string{
		"get":  bearer,
		"post": strings.Replace(bearer, "\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}", 1),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			s := New(newFixedHandler(), Options{})
			s.ServeConn(context.Background(), &endless{request: []byte(request), left: b.N}, Info{})
		})
	}
}
