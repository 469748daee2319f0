// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"durward"

	"github.com/google/go-cmp/cmp"
)

// once serves one raw answer to every request.
func once(t *testing.T, raw string) *Pool {
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string { return raw })
	})
	return newPool(t, up.dial)
}

func TestAnswersAreReadAsTheirFramingSays(t *testing.T) {
	tests := []struct {
		name, raw, method string
		status            int
		body              string
		length            int64
		stream            bool
		noBody            bool
	}{
		{name: "a length", raw: ok("hello"), status: 200, body: "hello", length: 5},
		{name: "a length of zero", raw: ok(""), status: 200, noBody: true},
		{name: "a length with leading zeros", raw: "HTTP/1.1 200 OK\r\nContent-Length: 0005\r\n\r\nhello", status: 200, body: "hello", length: 5},
		{name: "field names in lower case", raw: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", status: 200, body: "hello", length: 5},
		{name: "white space around a value", raw: "HTTP/1.1 200 OK\r\nContent-Length: \t 5 \t\r\n\r\nhello", status: 200, body: "hello", length: 5},
		{name: "no white space before a value", raw: "HTTP/1.1 200 OK\r\nContent-Length:5\r\n\r\nhello", status: 200, body: "hello", length: 5},
		{name: "no reason phrase", raw: "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello", length: 5},
		{name: "no reason phrase and no space", raw: "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello", length: 5},
		{name: "chunks", raw: chunkedHead + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", status: 200, body: "hello world", length: -1, stream: true},
		{name: "chunks with extensions and zeros", raw: chunkedHead + "0005;a=b\r\nhello\r\n000;x\r\n\r\n", status: 200, body: "hello", length: -1, stream: true},
		{name: "chunk sizes in both cases", raw: chunkedHead + "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", status: 200, body: "01234567890123456789", length: -1, stream: true},
		{name: "no chunk but the last", raw: chunkedHead + "0\r\n\r\n", status: 200, length: -1, stream: true},
		{name: "chunked in capitals", raw: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", status: 200, length: -1, stream: true},
		{name: "events with a length", raw: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello", length: 5, stream: true},
		{name: "HEAD with a length", raw: okLength(5), method: "HEAD", status: 200, length: 5, noBody: true},
		{name: "HEAD without one", raw: "HTTP/1.1 200 OK\r\n\r\n", method: "HEAD", status: 200, length: -1, noBody: true},
		{name: "HEAD in chunks", raw: chunkedHead, method: "HEAD", status: 200, length: -1, noBody: true},
		{name: "304 with a length", raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status: 304, length: 5, noBody: true},
		{name: "204", raw: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, noBody: true},
		{name: "204 with a length of zero", raw: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status: 204, noBody: true},
		{name: "an error with content", raw: "HTTP/1.1 503 Unavailable\r\nContent-Length: 2\r\n\r\nno", status: 503, body: "no", length: 2},
		{name: "a 100 before the answer", raw: "HTTP/1.1 100 Continue\r\n\r\n" + ok("hello"), status: 200, body: "hello", length: 5},
		{name: "a body larger than the buffers", raw: okLength(100000) + strings.Repeat("x", 100000), status: 200, body: strings.Repeat("x", 100000), length: 100000},
		{name: "a chunk larger than the buffers", raw: chunkedHead + "186a0\r\n" + strings.Repeat("x", 100000) + "\r\n0\r\n\r\n", status: 200, body: strings.Repeat("x", 100000), length: -1, stream: true},
		{name: "many small chunks", raw: chunkedHead + strings.Repeat("1\r\ny\r\n", 5000) + "0\r\n\r\n", status: 200, body: strings.Repeat("y", 5000), length: -1, stream: true},
		{name: "a head larger than the buffer", raw: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 20000) + "\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello", length: 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := once(t, test.raw)
			for range 2 { // the second time on the same connection
				req := get("/")
				if test.method != "" {
					req.Out.Method = test.method
				}
				r := want(t, p, req, test.status, test.body)
				if r.Length != test.length || r.Stream != test.stream || (r.Body == nil) != test.noBody {
					t.Errorf("length %d, stream %v, body %v", r.Length, r.Stream, r.Body)
				}
			}
			if s := p.Stats(); s.Open != 1 || s.Idle != 1 {
				t.Errorf("the connection was not kept: %+v", s)
			}
		})
	}
}

func TestHeaderIsOrderedCanonicalAndWithoutHopByHopFields(t *testing.T) {
	p := once(t, "HTTP/1.1 200 OK\r\nserver: x\r\nSET-COOKIE: a=1\r\nX-unKNOWN-name: \xe9\r\n"+
		"Connection: close, X-Hop , x-lower\r\nX-Hop: 1\r\nX-Lower: 2\r\nKeep-Alive: timeout=5\r\n"+
		"Proxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\n"+
		"Set-Cookie: b=2\r\nEmpty:\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nhi")
	r := want(t, p, get("/"), 200, "hi")
	fields := durward.Header{
		{Name: "Server", Value: "x"}, {Name: "Set-Cookie", Value: "a=1"}, {Name: "X-Unknown-Name", Value: "\xe9"},
		{Name: "Set-Cookie", Value: "b=2"}, {Name: "Empty"}, {Name: "Etag", Value: "\"1\""},
	}
	if d := cmp.Diff(fields, r.Header); d != "" {
		t.Error(d)
	}
}

func TestInternedNamesAreCanonical(t *testing.T) {
	for low, name := range names {
		if durward.CanonicalName(low) != name {
			t.Errorf("%s is interned as %s", low, name)
		}
	}
}

func TestTrailersComeAfterTheBodyWithoutForbiddenFields(t *testing.T) {
	p := once(t, "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"5\r\nhello\r\n0\r\nx-sum: 42\r\nContent-Length: 7\r\nSet-Cookie: a=1\r\nTransfer-Encoding: gzip\r\n"+
		"Proxy-Status: x\r\nGrpc-Status: 0\r\n\r\n")
	r, err := p.RoundTrip(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Trailer(); len(got) != 0 {
		t.Errorf("trailers before the end: %v", got)
	}
	if _, err := content(r); err != nil {
		t.Fatal(err)
	}
	trailer := durward.Header{{Name: "X-Sum", Value: "42"}, {Name: "Grpc-Status", Value: "0"}}
	if d := cmp.Diff(trailer, r.Trailer()); d != "" {
		t.Error(d)
	}
}

func TestInterimAnswersAreInformedBeforeTheFinalOne(t *testing.T) {
	p := once(t, "HTTP/1.1 100 Continue\r\n\r\n"+
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X\r\nX: 1\r\n\r\n"+
		"HTTP/1.1 102 Processing\r\n\r\n"+ok("hello"))
	req := get("/")
	type interim struct {
		Status int
		Header durward.Header
	}
	var got []interim
	req.Inform = func(status int, h durward.Header) error {
		got = append(got, interim{status, h})
		return nil
	}
	want(t, p, req, 200, "hello")
	d := cmp.Diff([]interim{{103, durward.Header{{Name: "Link", Value: "</a.css>"}}}, {102, nil}}, got)
	if d != "" {
		t.Error(d)
	}
}

func TestAnInformThatFailsEndsTheExchange(t *testing.T) {
	p := once(t, "HTTP/1.1 103 Early Hints\r\n\r\n"+ok("hello"))
	req := get("/")
	req.Inform = func(int, durward.Header) error { return io.ErrClosedPipe }
	if _, err := p.RoundTrip(t.Context(), req); kindOf(err) != Canceled {
		t.Errorf("got %v", err)
	}
	if s := p.Stats(); s.Open != 0 {
		t.Errorf("the connection is still open: %+v", s)
	}
}

func TestAResponseIsNotTouchedByTheNextOneOnItsConnection(t *testing.T) {
	n := 0
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string {
			n++
			return "HTTP/1.1 200 OK\r\nX-Number: " + itoa(n) + "\r\nContent-Length: 1\r\n\r\n" + itoa(n)
		})
	})
	p := newPool(t, up.dial)
	first := want(t, p, get("/"), 200, "1")
	want(t, p, get("/"), 200, "2")
	if err := first.Body.Close(); err != nil {
		t.Error(err)
	}
	if n, err := first.Body.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("read of an ended body: %d, %v", n, err)
	}
	if got := first.Header.Get("X-Number"); got != "1" {
		t.Errorf("the first answer's header now says %s", got)
	}
	if s := p.Stats(); s.Open != 1 || s.Idle != 1 {
		t.Errorf("closing an ended body changed the pool: %+v", s)
	}
}
