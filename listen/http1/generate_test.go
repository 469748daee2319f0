// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes connections' worth of requests that are nearly right: from
// the grammar first, then with what is known to part two parsers put in. The
// same seeds make the same bytes.
type generator struct{ *rand.Rand }

func generate(seed, n uint64) []byte {
	g := generator{rand.New(rand.NewPCG(seed, n))}
	var b []byte
	for range 1 + g.IntN(3) {
		b = append(b, g.request()...)
	}
	for range g.IntN(4) {
		b = g.mutate(b)
	}
	if g.IntN(2) == 0 { // shows where the last request ends
		b = append(b, "GET /behind HTTP/1.1\r\nHost: behind\r\n\r\n"...)
	}
	return b
}

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

// often gives the usual word in three of four cases.
func (g generator) often(usual string, of ...string) string {
	if g.IntN(4) > 0 {
		return usual
	}
	return g.one(of...)
}

var (
	targets = []string{"/", "/a/b?c=d", "/a?b?c", "/?", "/%41%2fb", "//x/y", "/a;b=c", "/[x]|^{}", "/a%", "/a%zz", "*",
		"http://x/a", "http://x", "http://x?q", "HTTP://X/", "http://x:80/", "/http://y/", "/\\", "/\"<>`", "x", "/%00", "/a:b@c"}
	others = []string{"Accept: */*", "accept:a", "A: ", "A:\t b \t", "A: b\tc", "x_y: 1", "X.Y: 2", "A: \xc3\xa9\xff", "Pragma: no-cache",
		"Connection: close", "Connection: keep-alive", "connection: Keep-Alive, x", "Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c, a",
		"Proxy-Connection: close", "Keep-Alive: 5", "TE: trailers", "Trailer: X-A", "trailer: x-b , X-A", "Expect: 100-continue", "Cookie: a=b; c",
		"!#$%&'*+-.^_`|~: z", "Content-Type: a/b", "Content_Length: 3", "Content-Length : 3", "Transfer_Encoding: chunked", "X: Transfer-Encoding: chunked",
		"HTTP2-Settings: AAM", "A: " + strings.Repeat("b", 300), "Host: x", "Content-Length: 0", "Content-Length: 3", "Transfer-Encoding: chunked",
		"Transfer-Encoding: identity", "Transfer-Encoding: , chunked", "transfer-encoding: Chunked", "Range: bytes=0-"}
	smuggled = []string{"GET /s HTTP/1.1\r\nHost: s\r\n\r\n", "\r\n0\r\n\r\n", "0\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n", "\r\nContent-Length: 5\r\n",
		"\r\n\r\n", ";a=b", ";a=\"\r\n\"", ", chunked", "chunked", " HTTP/1.1", " HTTP/1.0", "\r\n ", "0x", "00000000000000000"}
	odd = "\x00\t\n\v\f\r !\"#%'()*+,-./0:;<=>?@A[\\]^_`a{|}~\x7f\x80\x85\xa0\xff"
)

// request writes a request, most often one that every parser takes.
func (g generator) request() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.%s\r\n", g.often(g.one("GET", "POST"), "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "M-SEARCH", "PROPFIND", "get", "X!"),
		g.often("/a", targets...), g.often("1", "0", "1"))
	lines := []string{g.often("Host: x", "host:x", "Host: X:80", "Host: [::1]", "HOST:\tx ", "A: b")}
	for range g.IntN(5) {
		lines = append(lines, g.often("X-"+g.one("A", "b", "Cc")+": "+g.one("1", "two", "t h"), others...))
	}
	var body string
	switch g.IntN(4) {
	case 0:
		body = strings.Repeat(g.one("a", "\n", "\r\n", "GET / HTTP/1.1\r\n"), g.IntN(20))
		lines = append(lines, fmt.Sprintf("%s:%s%s%d", g.often("Content-Length", "content-length", "CONTENT-length"), g.often(g.one("", " "), "\t", "  "), g.often("", "0", "000"), len(body)))
	case 1:
		body = g.chunks()
		lines = append(lines, g.often("Transfer-Encoding", "transfer-encoding")+": "+g.often("chunked", "Chunked", "CHUNKED", "chunked "))
	}
	g.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	b.WriteString(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
	return b.Bytes()
}

// chunks writes chunked content.
func (g generator) chunks() string {
	var b strings.Builder
	extension := func() string {
		return g.often("", ";a", ";a=b", ";a=\"b\"", ";a=\"b;\\\"c\"", ";", ";;", "; a", ";a =b", ";a=", ";\xff", ";a=\"\xff\t\"", ";a=\"\\\xff\"", ";a=\"b", ";a=\"b\"c", ";a=\"\"", "\t;a", " ")
	}
	for range g.IntN(4) {
		data := strings.Repeat(g.one("d", "0\r\n\r\n", "\r\n"), 1+g.IntN(18))
		fmt.Fprintf(&b, g.one("%x", "%X", "0%x", "000%X")+"%s\r\n%s\r\n", len(data), extension(), data)
	}
	b.WriteString(g.often("0", "00", "000000") + extension() + "\r\n")
	for range g.IntN(8) / 5 {
		b.WriteString(g.one("X-A: b", "x-a:", "X-B: c d ", "Y: \xff", "Content-Length: 5", "Host: y") + "\r\n")
	}
	return b.String() + "\r\n"
}

// mutate changes one thing.
func (g generator) mutate(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := g.IntN(len(b))
	to := min(at+1+g.IntN(4), len(b))
	c := odd[g.IntN(len(odd)):][:1]
	switch g.IntN(12) {
	case 0:
		return splice(b, at, at, c)
	case 1:
		return splice(b, at, at+1, c)
	case 2:
		return splice(b, at, to, "")
	case 3:
		return splice(b, at, at, string(b[at:to]))
	case 4:
		return splice(b, at, at, g.one(smuggled...))
	case 5:
		return g.letters(b, at)
	case 6:
		return b[:at]
	case 7:
		return g.near(b, at, "\r\n", "\n", "\r", "\r\r\n", "\r\n ", "\r\n\t", "\n\r\n", "\r\n\r\n", "\v\r\n", " \r\n", "\x00\r\n", "\n\n")
	case 8:
		return g.near(b, at, ":", " :", "\t:", "::", ":\v", ":\xa0", "", ": \r\n ", ";")
	case 9:
		return g.near(b, at, "\r\n", "\r\n"+g.one(others...)+"\r\n")
	case 10:
		digit := fmt.Sprint(g.IntN(10))
		return g.near(b, at, digit, "0x"+digit, "+"+digit, "-"+digit, digit+"_0", digit+",", digit+", "+digit, digit+".0", digit+" ", "\xd9\xa1", digit+"L")
	}
	return g.lines(b)
}

func splice(b []byte, from, to int, with string) []byte {
	return append(append(bytes.Clone(b[:from]), with...), b[to:]...)
}

// near replaces the first old behind at, or else the first at all.
func (g generator) near(b []byte, at int, old string, with ...string) []byte {
	i := bytes.Index(b[at:], []byte(old))
	if i < 0 {
		at, i = 0, bytes.Index(b, []byte(old))
	}
	if i < 0 {
		return b
	}
	return splice(b, at+i, at+i+len(old), g.one(with...))
}

// letters changes the case of letters of a line.
func (g generator) letters(b []byte, at int) []byte {
	b = bytes.Clone(b)
	for i := at; i < len(b) && b[i] != '\n'; i++ {
		if c := b[i] | 0x20; 'a' <= c && c <= 'z' && g.IntN(3) > 0 {
			b[i] ^= 0x20
		}
	}
	return b
}

// lines doubles, removes or moves a line.
func (g generator) lines(b []byte) []byte {
	lines := strings.SplitAfter(string(b), "\r\n")
	i, j := g.IntN(len(lines)), g.IntN(len(lines))
	switch g.IntN(3) {
	case 0:
		lines[i] += lines[i]
	case 1:
		lines[i] = ""
	default:
		lines[i], lines[j] = lines[j], lines[i]
	}
	return []byte(strings.Join(lines, ""))
}
