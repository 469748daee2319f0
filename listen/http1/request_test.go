// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strings"
	"testing"
)

// accepted are requests that are read, and what a stage then sees.
var accepted = []struct{ name, request, want string }{
	{"a target in origin form", "GET /a%2Fb?c=d?e HTTP/1.1\r\n~\r\n", "GET|x|/a%2Fb|c=d?e|HTTP/1.1|http|\n"},
	{"an empty query", "GET /? HTTP/1.1\r\n~\r\n", "GET|x|/||HTTP/1.1|http|\n"},
	{"a target in absolute form", "GET http://X/a?b HTTP/1.1\r\n~\r\n", "GET|X|/a|b|HTTP/1.1|http|\n"},
	{"absolute form without a path", "GET HTTP://x HTTP/1.1\r\n~\r\n", "GET|x|/||HTTP/1.1|http|\n"},
	{"absolute form with a query alone", "GET http://x?a/b HTTP/1.1\r\n~\r\n", "GET|x|/|a/b|HTTP/1.1|http|\n"},
	{"asterisk form", "OPTIONS * HTTP/1.1\r\n~\r\n", "OPTIONS|x|*||HTTP/1.1|http|\n"},
	{"TRACE, which is for the router", "TRACE / HTTP/1.1\r\n~\r\n", "TRACE|x|/||HTTP/1.1|http|\n"},
	{"a method that nobody knows", "M!$ / HTTP/1.1\r\n~\r\n", "M!$|x|/||HTTP/1.1|http|\n"},
	{"one empty line before the request", "\r\nGET / HTTP/1.1\r\n~\r\n", "GET|x|/||HTTP/1.1|http|\n"},
	{"HTTP/1.0 without a Host", "GET / HTTP/1.0\r\n\r\n", "GET||/||HTTP/1.0|http|\n"},
	{"an IPv6 host with a port", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET|[::1]:80|/||HTTP/1.1|http|\n"},
	{"fields in any case and order", "GET / HTTP/1.1\r\nx-b: 1\r\nhOST: x\r\nACCEPT: 2\r\nx-B: 3\r\ncontent_type: 4\r\n\r\n",
		"GET|x|/||HTTP/1.1|http|\nX-B=1\nAccept=2\nX-B=3\nContent_type=4\n"},
	{"white space around values", "GET / HTTP/1.1\r\n~A:b\r\nB: \t c d \t\r\nC:\r\nD: \t\r\n\r\n", "GET|x|/||HTTP/1.1|http|\nA=b\nB=c d\nC=\nD=\n"},
	{"bytes beyond ASCII in values", "GET / HTTP/1.1\r\n~A: \xc3\xa9\xff\r\n\r\n", "GET|x|/||HTTP/1.1|http|\nA=\xc3\xa9\xff\n"},
	{"a tab in a long value", "GET / HTTP/1.1\r\n~A: 0123456789\t0123456789\r\n\r\n", "GET|x|/||HTTP/1.1|http|\nA=0123456789\t0123456789\n"},
	{"content with a length", "POST / HTTP/1.1\r\n~Content-Length: 005\r\n\r\nhello", "POST|x|/||HTTP/1.1|http|\nContent-Length=005\n5:hello"},
	{"content of length 0", "POST / HTTP/1.1\r\n~Content-Length: 0\r\n\r\n", "POST|x|/||HTTP/1.1|http|\nContent-Length=0\n"},
	{"content with GET", "GET / HTTP/1.1\r\n~Content-Length: 2\r\n\r\n{}", "GET|x|/||HTTP/1.1|http|\nContent-Length=2\n2:{}"},
	{"chunked content", "POST / HTTP/1.1\r\n~Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n000\r\n\r\n",
		"POST|x|/||HTTP/1.1|http|\n13:abc0123456789"},
	{"chunk extensions, which are read over", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\n\r\n3;a;b=\"c d\"\r\nabc\r\n0;e\r\n\r\n",
		"POST|x|/||HTTP/1.1|http|\n3:abc"},
	{"chunk extensions with a quoted string", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d;\\\"e\";f\r\nabc\r\n0\r\n\r\n",
		"POST|x|/||HTTP/1.1|http|\n3:abc"},
	{"trailers that were announced", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\nX-Other: 2\r\n\r\n",
		"POST|x|/||HTTP/1.1|http|\n1:a[{X-Sum 1} {X-Other 2}]"},
	{"trailers that were not, which are dropped", "POST / HTTP/1.1\r\n~Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n",
		"POST|x|/||HTTP/1.1|http|\n1:a"},
	{"an upgrade", "GET / HTTP/1.1\r\n~Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
		"GET|x|/||HTTP/1.1|http|websocket\nConnection=keep-alive, Upgrade\nUpgrade=WebSocket\n"},
	{"an upgrade that Connection does not name", "GET / HTTP/1.1\r\n~Upgrade: websocket\r\n\r\n", "GET|x|/||HTTP/1.1|http|\nUpgrade=websocket\n"},
	{"two upgrades", "GET / HTTP/1.1\r\n~Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n",
		"GET|x|/||HTTP/1.1|http|\nConnection=upgrade\nUpgrade=a\nUpgrade=b\n"},
	{"an upgrade in HTTP/1.0", "GET / HTTP/1.0\r\n~Connection: upgrade, keep-alive\r\nUpgrade: a\r\n\r\n",
		"GET|x|/||HTTP/1.0|http|\nConnection=upgrade, keep-alive\nUpgrade=a\n"},
	{"an expectation in HTTP/1.0, which is ignored", "POST / HTTP/1.0\r\n~Connection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
		"POST|x|/||HTTP/1.0|http|\nConnection=keep-alive\nExpect=100-continue\nContent-Length=1\n1:a"},
	{"100 field lines", "GET / HTTP/1.1\r\n~" + strings.Repeat("A: b\r\n", 99) + "\r\n", "GET|x|/||HTTP/1.1|http|\n" + strings.Repeat("A=b\n", 99)},
	{"a head as large as allowed", "GET / HTTP/1.1\r\n~A: " + strings.Repeat("b", 32<<10-16-9-3-2-2) + "\r\n\r\n",
		"GET|x|/||HTTP/1.1|http|\nA=" + strings.Repeat("b", 32<<10-16-9-3-2-2) + "\n"},
	{"a target as long as allowed", "GET /" + strings.Repeat("a", 8<<10-1) + " HTTP/1.1\r\n~\r\n", "GET|x|/" + strings.Repeat("a", 8<<10-1) + "||HTTP/1.1|http|\n"},
}

func TestRequestsAreReadAsTheyWereSent(t *testing.T) {
	for _, c := range accepted {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, echo)
			for _, step := range []int{1, 2, 3, 7, 100, 1 << 20} {
				got := play(t, s, fillIn(c.request), step)
				if _, content, ok := strings.Cut(got, "\r\n\r\n"); !ok || content != c.want || !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
					t.Fatalf("read in pieces of %d bytes: got %.300q, want the content %.300q", step, got, c.want)
				}
			}
		})
	}
}

func TestContentThatCannotBeReadEndsTheConnection(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	const malformed, aborted = "request body is malformed", "client went away in the request body"
	for _, c := range []struct{ name, content, reason string }{
		{"an empty size line", "\r\nabc\r\n0\r\n\r\n", malformed},
		{"a size that is no number", "g\r\nabc\r\n0\r\n\r\n", malformed},
		{"a size with a prefix", "0x3\r\nabc\r\n0\r\n\r\n", malformed},
		{"a negative size", "-3\r\nabc\r\n0\r\n\r\n", malformed},
		{"a size with a sign", "+3\r\nabc\r\n0\r\n\r\n", malformed},
		{"a space before the size", " 3\r\nabc\r\n0\r\n\r\n", malformed},
		{"a space behind the size", "3 \r\nabc\r\n0\r\n\r\n", malformed},
		{"a space before the extension", "3 ;a\r\nabc\r\n0\r\n\r\n", malformed},
		{"a size of 16 digits", "8000000000000000\r\nabc\r\n0\r\n\r\n", malformed},
		{"a size that wraps", "10000000000000003\r\nabc\r\n0\r\n\r\n", malformed},
		{"a bare LF behind the size", "3\nabc\r\n0\r\n\r\n", malformed},
		{"a bare CR behind the size", "3\rabc\r\n0\r\n\r\n", malformed},
		{"a bare LF in an extension", "3;a\nabc\r\n0\r\n\r\n", malformed},
		{"a NUL in an extension", "3;a=\x00\r\nabc\r\n0\r\n\r\n", malformed},
		{"a bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension without a name", "3;\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension with a space before its name", "3; a\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension with a space behind its name", "3;a =b\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension with a space at its end", "3;a=b \r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension whose name is no token", "3;\xff\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension without its value", "3;a=\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension whose value is no token", "3;a=b/c\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension whose quotes are not closed", "3;a=\"b\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension whose last quote is escaped", "3;a=\"b\\\"\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension with more behind its quotes", "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n", malformed},
		{"an extension beyond its bound", "3;" + strings.Repeat("a", 300) + "\r\nabc\r\n0\r\n\r\n", malformed},
		{"a size line without an end", "3;" + strings.Repeat("a", 300), malformed},
		{"extensions beyond their bound together", strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\na\r\n", 21) + "0\r\n\r\n", malformed},
		{"a chunk that is longer than its size", "3\r\nabcd\r\n0\r\n\r\n", malformed},
		{"a chunk that is shorter than its size", "3\r\nab\r\n0\r\n\r\n", malformed},
		{"a chunk that ends with LF", "3\r\nabc\n0\r\n\r\n", malformed},
		{"a chunk that ends with CR", "3\r\nabc\r0\r\n\r\n", malformed},
		{"a trailer section that ends with LF", "0\r\n\n", malformed},
		{"a trailer field that frames", "0\r\nContent-Length: 5\r\n\r\n", malformed},
		{"a trailer field that frames, in other letters", "0\r\ntransfer_encoding: chunked\r\n\r\n", malformed},
		{"a trailer field that routes", "0\r\nHost: y\r\n\r\n", malformed},
		{"a trailer field that names the client", "0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n", malformed},
		{"a trailer field that authenticates", "0\r\nauthorization: Bearer a\r\n\r\n", malformed},
		{"a trailer field that is folded", "0\r\nA: b\r\n c\r\n\r\n", malformed},
		{"a trailer field without a colon", "0\r\nabc\r\n\r\n", malformed},
		{"a trailer field with a NUL", "0\r\nA: \x00\r\n\r\n", malformed},
		{"too many trailer fields", "0\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n", malformed},
		{"a trailer section that is too large", "0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 33) + "\r\n", malformed},
		{"a trailer field without an end", "0\r\nA: " + strings.Repeat("b", 9<<10), malformed},
		{"nothing behind the head", "", aborted},
		{"an end within the size", "3", aborted},
		{"an end within a chunk", "3\r\nab", aborted},
		{"an end behind a chunk", "3\r\nabc\r\n", aborted},
		{"an end before the last line", "0\r\n", aborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, echo)
			for _, step := range []int{1, 2, 3, 7, 1 << 20} {
				got := play(t, s, head+c.content, step)
				if !strings.HasSuffix(got, "!"+c.reason) || !strings.Contains(got, "\r\nConnection: close\r\n") || strings.Count(got, "HTTP/1.1 200") != 1 {
					t.Fatalf("read in pieces of %d bytes: got %q, want one answer with %q", step, got, c.reason)
				}
			}
			if c.reason == malformed {
				got := play(t, s, head+c.content+"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", 1<<20)
				if strings.Contains(got, "smuggled") {
					t.Fatalf("a request behind the content was served: %q", got)
				}
			}
		})
	}
	t.Run("content that is shorter than its length", func(t *testing.T) {
		s := newServer(t, echo)
		got := play(t, s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell", 1<<20)
		if !strings.HasSuffix(got, "!"+aborted) || !strings.Contains(got, "\r\nConnection: close\r\n") {
			t.Fatalf("got %q", got)
		}
	})
}
