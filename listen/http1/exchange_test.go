// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"durward"
)

// counted answers with how many requests came before, and reads the content
// when the path is /read.
func counted() func(context.Context, *durward.Exchange, durward.Responder) {
	n := 0
	return func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		n++
		read := ""
		if x.In.RawPath == "/read" {
			b, err := x.In.Body.Bytes()
			read = fmt.Sprintf(" %s %v", b, err)
		}
		answer(out, 200, fmt.Sprintf("[%d %s%s]", n, x.In.RawPath, read))
	}
}

// contents gives the contents of the answers, which stand in brackets, with a
// "!" for a Connection: close.
func contents(wire string) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(wire, "]") {
		if strings.Contains(line, "HTTP/1.1 100 Continue\r\n\r\n") {
			b.WriteString("(100)")
		}
		if strings.Contains(line, "Connection: close\r\n") {
			b.WriteString("!")
		}
		if i := strings.IndexByte(line, '['); i >= 0 {
			b.WriteString(line[i:])
		}
	}
	return b.String()
}

func TestConnectionsGoOnOrEndAsTheRequestsSay(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\n"
	const read = "POST /read HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct{ name, requests, want string }{
		{"pipelined requests are answered in order", strings.Repeat("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", 2),
			"[1 /a][2 /b][3 /a][4 /b]"},
		{"nothing is served behind Connection: close", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get, "![1 /a]"},
		{"nothing is served behind HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" + get, "![1 /a]"},
		{"HTTP/1.0 goes on when it asks to", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get, "[1 /a][2 /]"},
		{"close beats keep-alive", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n" + get, "![1 /a]"},
		{"content that was read", read + "Content-Length: 3\r\n\r\nabc" + get, "[1 /read abc <nil>][2 /]"},
		{"chunks that were read", read + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get, "[1 /read abc <nil>][2 /]"},
		{"an empty line behind content", read + "Content-Length: 3\r\n\r\nabc\r\n" + get, "[1 /read abc <nil>][2 /]"},
		{"small content that was not read is skipped", post + "Content-Length: 3\r\n\r\nabc" + get, "[1 /][2 /]"},
		{"small chunks that were not read are skipped", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get, "[1 /][2 /]"},
		{"large content that was not read ends the connection", post + "Content-Length: 20000\r\n\r\n" + strings.Repeat("a", 20000) + get, "![1 /]"},
		{"large chunks that were not read end the connection", post + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + strings.Repeat("a", 20000) + "\r\n0\r\n\r\n" + get, "![1 /]"},
		{"malformed chunks that were not read end the connection", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + get, "![1 /]"},
		{"chunks without an end that were not read end the connection", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "![1 /]"},
		{"a 100 before content that is read", read + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" + get, "[1 /read  <nil>][2 /]"},
		{"no 100 when the content is there already", read + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + get, "[1 /read abc <nil>][2 /]"},
		{"no 100 before a refusal, which ends the connection", post + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", "![1 /]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := contents(play(t, newServer(t, counted()), c.requests, 1<<20)); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestA100IsSentWithTheFirstReadOnly(t *testing.T) {
	addr := listen(t, newServer(t, counted()))
	c := dial(t, addr)
	send(t, c, "POST /read HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n")
	got := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q, %v", got, err)
	}
	send(t, c, "he")
	send(t, c, "lloGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	rest, err := io.ReadAll(c)
	if got := contents(string(rest)); err != nil || got != "[1 /read hello <nil>]![2 /]" {
		t.Fatalf("got %q, %v", got, err)
	}
}

// The outcome of a connection does not depend on where the network cuts it.
func TestTheCutsBetweenReadsChangeNothing(t *testing.T) {
	stream := "\r\nPOST /read?a=b HTTP/1.1\r\nHost: x\r\ncontent-length: 11\r\n\r\nhello world" +
		"GET http://x/a HTTP/1.1\r\nHOST: X\r\nX-A: b\r\n\r\n" +
		"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n" +
		"PUT /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
		"GET /bad HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
	serve := func(_ context.Context, x *durward.Exchange, out durward.Responder) { answer(out, 200, describe(x)) }
	want := play(t, newServer(t, serve), stream, 1<<20)
	if strings.Count(want, "HTTP/1.1 200 OK") != 4 || !strings.HasSuffix(want, errBoth.reason) {
		t.Fatalf("got %q", want)
	}
	for step := 1; step < 300; step++ {
		if got := play(t, newServer(t, serve), stream, step); got != want {
			t.Fatalf("read in pieces of %d bytes: got %q, want %q", step, got, want)
		}
	}
	for at := 1; at < len(stream); at++ {
		p := &cutTape{tape: tape{data: []byte(stream), step: 1 << 20}, at: at}
		newServer(t, serve).ServeConn(context.Background(), p, Info{})
		if got := dateLine.ReplaceAllString(p.wrote.String(), ""); got != want {
			t.Fatalf("cut at byte %d: got %q, want %q", at, got, want)
		}
	}
}

// cutTape is a tape whose first reads end at one place.
type cutTape struct {
	tape
	at int
}

func (p *cutTape) Read(b []byte) (int, error) {
	if p.at > 0 {
		b = b[:min(len(b), p.at)]
		n, err := p.tape.Read(b)
		p.at -= n
		return n, err
	}
	return p.tape.Read(b)
}

func TestAFaultLeavesWhatIsKnownOfTheRequest(t *testing.T) {
	var got string
	h := &faultHandler{see: func(x *durward.Exchange) {
		got = fmt.Sprintf("%s %v|%s", x.In.Fault, x.In.FaultErr, describe(x))
	}}
	s := New(h, Options{})
	for _, c := range []struct{ name, request, want string }{
		{"nothing when the request line cannot be read", "G(T /a HTTP/1.1\r\n~\r\n", "malformed-request " + errMethod.reason + "|||||" + "|http|\n"},
		{"the request line when a field cannot", "GET /a?b HTTP/1.1\r\n~A: b\nC: d\r\n\r\n", "malformed-request " + errLineEnd.reason + "|GET||/a|b|HTTP/1.1|http|\n"},
		{"no host that may hold a password", "GET /a HTTP/1.1\r\nHost: u:secret@x\r\n\r\n", "invalid-host " + errHostForm.reason + "|GET||/a||HTTP/1.1|http|\n"},
		{"no target that may", "GET http://u:secret@x/a HTTP/1.1\r\n~\r\n", "invalid-host " + errHostForm.reason + "|||||" + "|http|\n"},
		{"all fields when they do not fit together", "GET /a HTTP/1.1\r\n~Content-Length: 1\r\nTransfer-Encoding: chunked\r\nUser-Agent: u\r\n\r\n",
			"malformed-request " + errBoth.reason + "|GET||/a||HTTP/1.1|http|\nContent-Length=1\nUser-Agent=u\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.ServeConn(context.Background(), &tape{data: []byte(fillIn(c.request)), step: 1 << 20}, Info{})
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

type faultHandler struct{ see func(*durward.Exchange) }

func (h *faultHandler) Acquire() *durward.Exchange { return new(durward.Exchange) }

func (h *faultHandler) Serve(_ context.Context, x *durward.Exchange, out durward.Responder) {
	h.see(x)
	refuse(x, out)
}
