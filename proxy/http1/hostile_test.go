// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// hostile are answers that must be refused. None of them may be served, in
// part or in whole, to the request that comes next.
var hostile = []struct {
	name   string
	raw    string
	method string // GET when empty
	kind   Kind   // Invalid when 0
	body   bool   // the head is fine: the fault comes with the body
}{
	{name: "nothing at all, then the end", raw: "", kind: Closed},
	{name: "a head that ends in the status line", raw: "HTTP/1.1 20", kind: Closed},
	{name: "a head that ends in a field", raw: "HTTP/1.1 200 OK\r\nContent-Le", kind: Closed},
	{name: "a head without its empty line", raw: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", kind: Closed},
	{name: "another protocol", raw: "SSH-2.0-OpenSSH_9.9\r\n"},
	{name: "a TLS alert", raw: "\x15\x03\x01\x00\x02\x02\x16"},
	{name: "an HTTP/2 preface", raw: "\x00\x00\x12\x04\x00\x00\x00\x00\x00"},
	{name: "an HTTP/0.9 body", raw: "<html>hello</html>"},
	{name: "an empty line before the status line", raw: "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{name: "a status line without a code", raw: "HTTP/1.1 \r\n\r\n"},
	{name: "a status code of two digits", raw: "HTTP/1.1 20 OK\r\n\r\n"},
	{name: "a status code of four digits", raw: "HTTP/1.1 2000 OK\r\n\r\n"},
	{name: "a status code with a sign", raw: "HTTP/1.1 +20 OK\r\n\r\n"},
	{name: "a status code below 100", raw: "HTTP/1.1 099 Odd\r\n\r\n"},
	{name: "a status code above 599", raw: "HTTP/1.1 600 Odd\r\n\r\n"},
	{name: "two spaces before the code", raw: "HTTP/1.1  200 OK\r\n\r\n"},
	{name: "a tab before the code", raw: "HTTP/1.1\t200 OK\r\n\r\n"},
	{name: "a control character in the reason", raw: "HTTP/1.1 200 O\x01K\r\n\r\n"},
	{name: "HTTP/1.2", raw: "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{name: "HTTP/2.0 as text", raw: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{name: "HTTP/1.10", raw: "HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{name: "a version in lower case", raw: "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{name: "lines that end in LF alone", raw: "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
	{name: "one line that ends in LF alone", raw: "HTTP/1.1 200 OK\r\nServer: x\nContent-Length: 0\r\n\r\n"},
	{name: "a CR within a value", raw: "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 5\r\n\r\n"},
	{name: "a NUL within a value", raw: "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n"},
	{name: "a DEL within a value", raw: "HTTP/1.1 200 OK\r\nX: a\x7fb\r\nContent-Length: 0\r\n\r\n"},
	{name: "an escape within a value", raw: "HTTP/1.1 200 OK\r\nX: \x1b[2J\r\nContent-Length: 0\r\n\r\n"},
	{name: "a NUL within a name", raw: "HTTP/1.1 200 OK\r\nX\x00Y: a\r\nContent-Length: 0\r\n\r\n"},
	{name: "a folded field", raw: "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"},
	{name: "a folded first field", raw: "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 0\r\n\r\n"},
	{name: "a space before the colon", raw: "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"},
	{name: "a field without a colon", raw: "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n"},
	{name: "a field without a name", raw: "HTTP/1.1 200 OK\r\n: 0\r\n\r\n"},
	{name: "a name outside ASCII", raw: "HTTP/1.1 200 OK\r\nX-\xc3\xa9: 0\r\n\r\n"},
	{name: "too many fields", raw: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 200) + "\r\n"},
	{name: "one endless field", raw: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 80<<10)},
	{name: "a head just over its bound", raw: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 32<<10) + "\r\n\r\n"},
	{name: "a length with a plus sign", raw: "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"},
	{name: "a negative length", raw: "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"},
	{name: "a hexadecimal length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello"},
	{name: "a length with a space in it", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nhello"},
	{name: "a length that overflows", raw: "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhello"},
	{name: "a length that wraps to five", raw: "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello"},
	{name: "an empty length", raw: "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello"},
	{name: "a list of lengths", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"},
	{name: "two lengths that differ", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello"},
	{name: "two lengths that are equal", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\nhello"},
	{name: "a length and chunks", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "chunks and a length", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
	{name: "an unknown coding", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello"},
	{name: "chunked that is not last", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
	{name: "two codings", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	{name: "chunked twice", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "an empty coding", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\nhello"},
	{name: "chunked with a vertical tab", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"},
	{name: "chunks in HTTP/1.0", raw: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "a 204 with a length", raw: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"},
	{name: "a 204 in chunks", raw: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{name: "more connection options than anyone needs", raw: "HTTP/1.1 200 OK\r\nConnection: " + strings.Repeat("a,", 100) + "a\r\nContent-Length: 0\r\n\r\n"},
	{name: "a 101 that nobody asked for", raw: "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
	{name: "endless interim answers", raw: strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000)},
	{name: "endless 100s", raw: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000)},
	{name: "an interim answer with a length", raw: "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + ok("x")},
	{name: "an interim answer in chunks", raw: "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ok("x")},
	{name: "an interim answer of HTTP/1.0", raw: "HTTP/1.0 100 Continue\r\n\r\n" + ok("x")},

	{name: "a body shorter than its length", raw: okLength(10) + "hello", kind: Closed, body: true},
	{name: "no body where a length was given", raw: okLength(10), kind: Closed, body: true},
	{name: "chunks without the last one", raw: chunkedHead + "5\r\nhello\r\n", kind: Closed, body: true},
	{name: "a chunk cut in its data", raw: chunkedHead + "5\r\nhel", kind: Closed, body: true},
	{name: "a chunk cut in its size", raw: chunkedHead + "5", kind: Closed, body: true},
	{name: "chunks cut before the empty line", raw: chunkedHead + "0\r\n", kind: Closed, body: true},
	{name: "a large chunk cut in its data", raw: chunkedHead + "ffff\r\n" + strings.Repeat("x", 30000), kind: Closed, body: true},
	{name: "a chunk size that is no number", raw: chunkedHead + "xyz\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size with a sign", raw: chunkedHead + "+5\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size with 0x", raw: chunkedHead + "0x5\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size behind a space", raw: chunkedHead + " 5\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size before a space", raw: chunkedHead + "5 \r\nhello\r\n0\r\n\r\n", body: true},
	{name: "an empty chunk size", raw: chunkedHead + "\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size that overflows", raw: chunkedHead + "10000000000000005\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size of minus one", raw: chunkedHead + "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk size line that ends in LF", raw: chunkedHead + "5\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk longer than its size", raw: chunkedHead + "5\r\nhello!\r\n0\r\n\r\n", body: true},
	{name: "a chunk shorter than its size", raw: chunkedHead + "6\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "a chunk that ends in LF", raw: chunkedHead + "5\r\nhello\n0\r\n\r\n", body: true},
	{name: "a chunk that ends in CR and more", raw: chunkedHead + "5\r\nhello\rX0\r\n\r\n", body: true},
	{name: "an extension that is too long", raw: chunkedHead + "5;" + strings.Repeat("x", 300) + "\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "an extension that never ends", raw: chunkedHead + "5;" + strings.Repeat("x", 20000), body: true},
	{name: "an extension with a CR in it", raw: chunkedHead + "5;a\rb\r\nhello\r\n0\r\n\r\n", body: true},
	{name: "extensions on every chunk", raw: chunkedHead + strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\ny\r\n", 200) + "0\r\n\r\n", body: true},
	{name: "a trailer that folds", raw: chunkedHead + "0\r\nX: a\r\n b\r\n\r\n", body: true},
	{name: "a trailer without a colon", raw: chunkedHead + "0\r\nhello\r\n\r\n", body: true},
	{name: "a trailer line that ends in LF", raw: chunkedHead + "0\r\nX: a\n\r\n", body: true},
	{name: "too many trailer fields", raw: chunkedHead + "0\r\n" + strings.Repeat("X: y\r\n", 200) + "\r\n", body: true},
	{name: "a trailer section that is too large", raw: chunkedHead + "0\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 60) + "\r\n", body: true},
}

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func TestHostileAnswersAreRefusedAndNeverReachTheNextRequest(t *testing.T) {
	for _, row := range hostile {
		t.Run(row.name, func(t *testing.T) {
			up := listen(t, func(n int, c net.Conn) {
				if n > 0 {
					serve(c, func(*http.Request, string) string { return ok("clean") })
					return
				}
				served := 0
				serve(c, func(*http.Request, string) string {
					if served++; served > 1 {
						return ok("leak")
					}
					if row.kind != Closed {
						return row.raw
					}
					_, _ = io.WriteString(c, row.raw)
					c.Close()
					return ""
				})
			})
			p := newPool(t, up.dial)
			req := get("/hostile")
			if row.method != "" {
				req.Out.Method = row.method
			}
			wantKind := row.kind
			if wantKind == 0 {
				wantKind = Invalid
			}
			r, err := p.RoundTrip(t.Context(), req)
			if row.body {
				if err != nil {
					t.Fatalf("head: %v", err)
				}
				_, err = content(r)
			}
			if kindOf(err) != wantKind {
				t.Fatalf("got %v, want kind %v", err, wantKind)
			}
			if e, _ := err.(*Error); !row.body && !e.Sent {
				t.Error("Sent is false, and the target may have acted")
			}
			for _, part := range []string{"hello", "yyyy", "OpenSSH", "Odd", "websocket"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("the error quotes the answer: %v", err)
				}
			}
			want(t, p, get("/next"), 200, "clean")
			if s := p.Stats(); s.Open != 1 || s.Idle != 1 {
				t.Errorf("after a fault and an answer the pool has %+v", s)
			}
		})
	}
}

// unusable are answers that are fine themselves but leave the connection
// unfit for another request.
var unusable = []struct {
	name, raw, method string
	status            int
	body              string
	close             bool // the target closes
}{
	{name: "two answers glued together", raw: ok("one") + ok("two"), status: 200, body: "one"},
	{name: "garbage behind the body", raw: ok("one") + "garbage", status: 200, body: "one"},
	{name: "one byte behind the body", raw: ok("one") + "\n", status: 200, body: "one"},
	{name: "garbage behind the chunks", raw: chunkedHead + "3\r\none\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", status: 200, body: "one"},
	{name: "a body for HEAD", raw: ok("one"), method: "HEAD", status: 200},
	{name: "a body of a 304", raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\none", status: 304},
	{name: "a body of a 204", raw: "HTTP/1.1 204 No Content\r\n\r\none", status: 204},
	{name: "a body longer than its length", raw: okLength(3) + "one and more", status: 200, body: "one"},
	{name: "an answer that closes", raw: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\none", status: 200, body: "one"},
	{name: "an answer that closes, among other options", raw: "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\none", status: 200, body: "one"},
	{name: "HTTP/1.0 with a length", raw: "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\none", status: 200, body: "one"},
	{name: "HTTP/1.0 that would stay", raw: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\none", status: 200, body: "one"},
	{name: "HTTP/1.0 until the end", raw: "HTTP/1.0 200 OK\r\n\r\none", status: 200, body: "one", close: true},
	{name: "HTTP/1.1 until the end", raw: "HTTP/1.1 200 OK\r\n\r\none", status: 200, body: "one", close: true},
}

func TestAConnectionWithMoreOnItIsNotUsedAgain(t *testing.T) {
	for _, row := range unusable {
		t.Run(row.name, func(t *testing.T) {
			up := listen(t, func(n int, c net.Conn) {
				serve(c, func(*http.Request, string) string {
					if n > 0 {
						return ok("clean")
					}
					if row.close {
						_, _ = io.WriteString(c, row.raw)
						c.Close()
						return ""
					}
					return row.raw
				})
			})
			p := newPool(t, up.dial)
			req := get("/")
			if row.method != "" {
				req.Out.Method = row.method
			}
			want(t, p, req, row.status, row.body)
			want(t, p, get("/next"), 200, "clean")
			if up.accepted() != 2 {
				t.Errorf("%d connections, want 2", up.accepted())
			}
		})
	}
}
