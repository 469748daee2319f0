// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// answerFast answers every read with the same bytes: the requests of these
// tests come in one piece, and the target's own cost should not hide the
// client's.
func answerFast(raw string) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		buf, out := make([]byte, 4096), []byte(raw)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	}
}

var (
	typical = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n" +
		"Content-Type: application/json\r\nContent-Length: 100\r\nCache-Control: no-store\r\n" +
		"Vary: Accept-Encoding\r\nETag: \"abc\"\r\nX-Content-Type-Options: nosniff\r\n\r\n" + strings.Repeat("x", 100)
	browser = durward.Header{
		{Name: "Accept", Value: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
		{Name: "Accept-Language", Value: "en-GB,en;q=0.7,de;q=0.3"},
		{Name: "Cache-Control", Value: "no-cache"},
		{Name: "Cookie", Value: "session=0123456789abcdef0123456789abcdef; theme=dark"},
		{Name: "Referer", Value: "https://app.example/spaces/1/messages"},
		{Name: "Sec-Fetch-Dest", Value: "empty"},
		{Name: "Sec-Fetch-Mode", Value: "cors"},
		{Name: "Sec-Fetch-Site", Value: "same-origin"},
		{Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{Name: "X-Forwarded-For", Value: "192.0.2.7"},
		{Name: "X-Request-Id", Value: "01JABCDEFGHJKMNPQRSTVWXYZ0"},
	}
)

func fetch(t testing.TB, ctx context.Context, p *Pool, req *Request, buf []byte) {
	r, err := p.RoundTrip(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Body.Read(buf)
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	r.Body.Close()
}

func TestARoundTripAllocatesLittle(t *testing.T) {
	live, cancel := context.WithCancel(t.Context())
	defer cancel()
	up := listen(t, answerFast(typical))
	p := newPool(t, up.dial)
	req, buf := get("/"), make([]byte, 4096)
	req.Out.Header = browser
	for _, test := range []struct {
		name string
		ctx  context.Context
		most float64
	}{
		{"under a context that cannot end", context.Background(), 3},
		{"under a context that can", live, 8},
	} {
		// The target's own goroutine runs at the same time and does not allocate.
		if got := allocs.PerRun(500, func() { fetch(t, test.ctx, p, req, buf) }); got > test.most {
			t.Errorf("%s: %v allocations, want at most %v", test.name, got, test.most)
		}
	}
}

func TestAPostOfAKilobyteAllocatesNoMoreThanAGet(t *testing.T) {
	p := newPool(t, listen(t, answerFast(typical)).dial)
	buf, text := make([]byte, 4096), strings.Repeat("x", 1000)
	src := strings.NewReader(text)
	req := post(src, int64(len(text)))
	req.Out.Header = browser
	got := allocs.PerRun(500, func() {
		src.Reset(text)
		req.Body.Init(src, int64(len(text)))
		if err := req.Body.SetLimit(1 << 20); err != nil {
			t.Fatal(err)
		}
		fetch(t, context.Background(), p, req, buf)
	})
	if got > 3 {
		t.Errorf("%v allocations, want at most 3", got)
	}
}

func TestAnIdleConnectionHoldsNoBuffer(t *testing.T) {
	up := listen(t, echo)
	p := newPool(t, up.dial)
	want(t, p, get("/a"), 200, "/a")
	if c := p.idle[0]; c.own != nil || c.buf != nil || c.ctx != nil || c.unhook != nil {
		t.Error("an idle connection holds something of its last exchange")
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	up := listen(b, answerFast(typical))
	p := newPool(b, up.dial)
	req, buf := get("/"), make([]byte, 4096)
	req.Out.Header = browser
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		fetch(b, ctx, p, req, buf)
	}
}

// BenchmarkNetHTTP is the same exchange by the standard library's client.
func BenchmarkNetHTTP(b *testing.B) {
	up := listen(b, answerFast(typical))
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	header := make(http.Header)
	for _, f := range browser {
		header[f.Name] = []string{f.Value}
	}
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequest("GET", "http://"+up.addr+"/", nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header = header
		r, err := tr.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Body.Read(buf)
		}
		r.Body.Close()
	}
}

func BenchmarkParseHead(b *testing.B) {
	raw := typical[:strings.Index(typical, "\r\n\r\n")+4]
	var room [20]durward.Field
	b.ReportAllocs()
	for b.Loop() {
		h := head{fields: room[:0]}
		if err := h.parse(raw, 128); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendHead(b *testing.B) {
	req, buf := get("/"), make([]byte, 0, bufSize)
	req.Out.Header = browser
	b.ReportAllocs()
	for b.Loop() {
		if _, err := appendHead(buf, req, 0); err != nil {
			b.Fatal(err)
		}
	}
}
