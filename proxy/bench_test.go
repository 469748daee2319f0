// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"io"
	"net"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// fixed is a target that gives the same small answer to every request on a
// connection, without allocating.
func fixed(tb testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf, answer := make([]byte, 8192), []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	}()
	tb.Cleanup(func() { _ = l.Close(); <-ended })
	return "http://" + l.Addr().String()
}

// rounds gives a function that makes one whole exchange.
func rounds(tb testing.TB) func() {
	p := NewPools(Options{})
	u, err := New(&Config{Targets: targets(fixed(tb))}, p, []string{"Authorization"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { u.Close(); p.Close() })
	x, buf, ctx := newExchange("GET", "/spaces/1"), make([]byte, 64), tb.Context()
	x.In.Header = fields("Accept", "*/*", "User-Agent", "test", "Authorization", "Bearer t", "Connection", "keep-alive")
	out := u.Outgoing()
	return func() {
		x.Out.Header, x.Response, x.Extra = x.Out.Header[:0], nil, x.Extra[:0]
		if out.Request(ctx, x).Verdict != durward.Allow || u.Do(ctx, x, nil).Verdict != durward.Allow {
			tb.Fatal("refused")
		}
		for {
			if _, err := x.Response.Body.Read(buf); err == io.EOF {
				break
			} else if err != nil {
				tb.Fatal(err)
			}
		}
		_ = x.Response.Body.Close()
	}
}

// The own share beside package http1: the Forwarded string, the tracked body
// and the client's Request.
func TestAnExchangeStaysBelowItsAllocationCeiling(t *testing.T) {
	round := rounds(t)
	round()
	if n := allocs.PerRun(200, round); n > 8 {
		t.Errorf("%v allocations an exchange, want at most 8", n)
	} else {
		t.Logf("%v allocations an exchange", n)
	}
}

func BenchmarkExchange(b *testing.B) {
	round := rounds(b)
	round()
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
}

func BenchmarkOutgoing(b *testing.B) {
	p := NewPools(Options{})
	defer p.Close()
	u, err := New(&Config{Targets: targets("http://127.0.0.1:1")}, p, []string{"Authorization"})
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	x, s, ctx := newExchange("GET", "/spaces/1"), u.Outgoing(), b.Context()
	x.In.Header = fields("Accept", "*/*", "Accept-Encoding", "gzip", "Accept-Language", "en", "User-Agent", "test", "Connection",
		"keep-alive", "Authorization", "Bearer t", "Cookie", "a=b", "Sec-Fetch-Mode", "cors", "Origin", "https://a.test",
		"Referer", "https://a.test/", "Cache-Control", "no-cache", "X-Custom", "1")
	b.ReportAllocs()
	for b.Loop() {
		x.Out.Header = x.Out.Header[:0]
		s.Request(ctx, x)
	}
}
