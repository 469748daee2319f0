// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"durward"
)

// body is content that is read as its pieces come.
type body struct {
	pieces []string
	err    error // behind the pieces; nil is io.EOF
}

func (b *body) Close() error { return nil }

func (b *body) Read(p []byte) (int, error) {
	if len(b.pieces) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		return 0, io.EOF
	}
	n := copy(p, b.pieces[0])
	if b.pieces[0] = b.pieces[0][n:]; b.pieces[0] == "" {
		b.pieces = b.pieces[1:]
	}
	return n, nil
}

// readyBody tells that its pieces are there.
type readyBody struct{ body }

func (b *readyBody) Ready() bool { return true }

// size is how much content a body has.
func size(r io.ReadCloser) (n int64) {
	switch b := r.(type) {
	case *body:
		for _, p := range b.pieces {
			n += int64(len(p))
		}
	case *readyBody:
		return size(&b.body)
	}
	return n
}

func pieces(all ...string) io.ReadCloser { return &body{pieces: all} }

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestAnswersAreFramedAsTheyMustBe(t *testing.T) {
	header := durward.Header{{Name: "X-A", Value: "1"}}
	trailer := func() durward.Header {
		return durward.Header{{Name: "X-Sum", Value: "9"}, {Name: "Content-Length", Value: "3"}, {Name: "Host", Value: "y"}}
	}
	for _, c := range []struct {
		name, request string
		response      durward.Response
		want          string
	}{
		{"a known length", get, durward.Response{Status: 200, Header: header, Body: pieces("hel", "lo"), Length: 5},
			"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-Extra: 2\r\nContent-Length: 5\r\n\r\nhello"},
		{"a length of 0", get, durward.Response{Status: 200, Body: pieces(), Length: 0}, "HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 0\r\n\r\n"},
		{"no content", get, durward.Response{Status: 404, Length: -1}, "HTTP/1.1 404 Not Found\r\nX-Extra: 2\r\nContent-Length: 0\r\n\r\n"},
		{"an unknown length in chunks", get, durward.Response{Status: 200, Body: pieces("hello", " world, again"), Length: -1},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nd\r\n world, again\r\n0\r\n\r\n"},
		{"chunks that are there with the head", get, durward.Response{Status: 200, Body: &readyBody{body{pieces: []string{"a", strings.Repeat("b", 300)}}}, Length: -1},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n12c\r\n" + strings.Repeat("b", 300) + "\r\n0\r\n\r\n"},
		{"a trailer section, of what may be there", get, durward.Response{Status: 200, Header: durward.Header{{Name: "Trailer", Value: "X-Sum"}}, Body: pieces("a"), Length: -1, Trailer: trailer},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 9\r\n\r\n"},
		{"a trailer section with a length, which has no place", get, durward.Response{Status: 200, Header: durward.Header{{Name: "Trailer", Value: "X-Sum"}}, Body: pieces("a"), Length: 1, Trailer: trailer},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 1\r\n\r\na"},
		{"a stream of known length", get, durward.Response{Status: 200, Body: pieces("a", "b"), Length: 2, Stream: true},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 2\r\n\r\nab"},
		{"HEAD with a length", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", durward.Response{Status: 200, Length: 7}, "HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 7\r\n\r\n"},
		{"HEAD with content, which is not sent", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", durward.Response{Status: 200, Body: pieces("a"), Length: 1}, "HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 1\r\n\r\n"},
		{"HEAD without a length", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", durward.Response{Status: 200, Length: -1}, "HTTP/1.1 200 OK\r\nX-Extra: 2\r\n\r\n"},
		{"204", get, durward.Response{Status: 204, Length: 0}, "HTTP/1.1 204 No Content\r\nX-Extra: 2\r\n\r\n"},
		{"204 with content, which is not sent", get, durward.Response{Status: 204, Body: pieces("a"), Length: 1}, "HTTP/1.1 204 No Content\r\nX-Extra: 2\r\n\r\n"},
		{"304", get, durward.Response{Status: 304, Length: 5}, "HTTP/1.1 304 Not Modified\r\nX-Extra: 2\r\n\r\n"},
		{"a status without a name", get, durward.Response{Status: 299, Length: 0}, "HTTP/1.1 299 \r\nX-Extra: 2\r\nContent-Length: 0\r\n\r\n"},
		{"a client of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", durward.Response{Status: 200, Body: pieces("a"), Length: 1},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 1\r\nConnection: close\r\n\r\na"},
		{"a client of HTTP/1.0 that goes on", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", durward.Response{Status: 200, Body: pieces("a"), Length: 1},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na"},
		{"an unknown length to a client of HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", durward.Response{Status: 200, Body: pieces("a", "b"), Length: -1},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nConnection: close\r\n\r\nab"},
		{"fields about the connection, which are this package's to write", get, durward.Response{Status: 200, Header: durward.Header{{Name: "Connection", Value: "close"}, {Name: "Content-Length", Value: "9"},
			{Name: "Transfer-Encoding", Value: "gzip"}, {Name: "Keep-Alive", Value: "timeout=5"}, {Name: "Upgrade", Value: "h2c"}}, Length: 0},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 0\r\n\r\n"},
		{"the Date of the upstream", get, durward.Response{Status: 200, Header: durward.Header{{Name: "Date", Value: "then"}}, Length: 0},
			"HTTP/1.1 200 OK\r\nDate: then\r\nX-Extra: 2\r\nContent-Length: 0\r\n\r\n"},
		{"a close that the client asked for", "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n", durward.Response{Status: 200, Length: 0},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"large content of known length", get, durward.Response{Status: 200, Body: pieces(strings.Repeat("a", 100_000)), Length: 100_000},
			"HTTP/1.1 200 OK\r\nX-Extra: 2\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", 100_000)},
		{"a head that is larger than a buffer", get, durward.Response{Status: 200, Header: durward.Header{{Name: "X-B", Value: strings.Repeat("b", 50_000)}}, Body: pieces("a"), Length: 1},
			"HTTP/1.1 200 OK\r\nX-B: " + strings.Repeat("b", 50_000) + "\r\nX-Extra: 2\r\nContent-Length: 1\r\n\r\na"},
		{"a large head and chunks", get, durward.Response{Status: 200, Header: durward.Header{{Name: "X-B", Value: strings.Repeat("b", 50_000)}}, Body: pieces("a"), Length: -1},
			"HTTP/1.1 200 OK\r\nX-B: " + strings.Repeat("b", 50_000) + "\r\nX-Extra: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := int64(0)
			if !strings.HasPrefix(c.request, "HEAD") && c.response.Status != 204 {
				content = size(c.response.Body)
			}
			sent, failed := int64(0), error(nil)
			s := newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
				sent, failed = out.Respond(&c.response, durward.Header{{Name: "X-Extra", Value: "2"}})
			})
			got := play(t, s, c.request, 1<<20)
			if got != c.want || failed != nil {
				t.Fatalf("got %.300q, %v, want %.300q", got, failed, c.want)
			}
			if sent != content {
				t.Errorf("%d bytes of content were counted, want %d", sent, content)
			}
		})
	}
}

func TestAnswersTakeAsFewWritesAsTheyCan(t *testing.T) {
	for _, c := range []struct {
		name     string
		response durward.Response
		writes   int
	}{
		{"small content of known length", durward.Response{Status: 200, Body: pieces("hel", "lo"), Length: 5}, 1},
		{"content that fills the buffer", durward.Response{Status: 200, Body: pieces(strings.Repeat("a", 7<<10)), Length: 7 << 10}, 1},
		{"the start of large content", durward.Response{Status: 200, Body: pieces(strings.Repeat("a", 30_000)), Length: 30_000}, 1},
		{"large content", durward.Response{Status: 200, Body: pieces(strings.Repeat("a", 64<<10)), Length: 64 << 10}, 3},
		{"chunks that may be long in coming", durward.Response{Status: 200, Body: pieces("a", "b"), Length: -1}, 4},
		{"chunks of which the first is there", durward.Response{Status: 200, Body: &readyBody{body{pieces: []string{"a"}}}, Length: -1}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) { out.Respond(&c.response, nil) })
			p := &tape{data: []byte(get), step: 1 << 20}
			s.ServeConn(context.Background(), p, Info{})
			if p.writes != c.writes {
				t.Errorf("%d writes, want %d", p.writes, c.writes)
			}
		})
	}
}

func TestAnswersThatCannotBeSentCutTheConnection(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name     string
		response durward.Response
		want     string // what may have gone out
	}{
		{"a line end in a value", durward.Response{Status: 200, Header: durward.Header{{Name: "A", Value: "b\r\nSet-Cookie: c"}}}, ""},
		{"a bare LF in a value", durward.Response{Status: 200, Header: durward.Header{{Name: "A", Value: "b\nc"}}}, ""},
		{"a bare CR in a value", durward.Response{Status: 200, Header: durward.Header{{Name: "A", Value: "b\rc"}}}, ""},
		{"a NUL in a value", durward.Response{Status: 200, Header: durward.Header{{Name: "A", Value: "b\x00c"}}}, ""},
		{"a line end in a name", durward.Response{Status: 200, Header: durward.Header{{Name: "A\r\nB", Value: "c"}}}, ""},
		{"an interim status", durward.Response{Status: 101}, ""},
		{"a status that is none", durward.Response{Status: 1000}, ""},
		{"a length without content", durward.Response{Status: 200, Length: 3}, ""},
		{"content that is shorter than its length", durward.Response{Status: 200, Body: pieces("ab"), Length: 3}, ""},
		{"small content that breaks off", durward.Response{Status: 200, Body: &body{pieces: []string{"ab"}, err: broken}, Length: 3}, ""},
		{"a stream that is shorter than its length", durward.Response{Status: 200, Body: pieces("ab"), Length: 3, Stream: true},
			"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"},
		{"chunks that break off", durward.Response{Status: 200, Body: &body{pieces: []string{"ab"}, err: broken}, Length: -1},
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"},
		{"a line end in a trailer", durward.Response{Status: 200, Body: pieces("ab"), Length: -1, Trailer: func() durward.Header {
			return durward.Header{{Name: "A", Value: "b\r\nC: d"}}
		}}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"},
		{"content that does not go on", durward.Response{Status: 200, Body: stuck{}, Length: -1}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var failed error
			calls := 0
			s := newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
				calls++
				_, failed = out.Respond(&c.response, nil)
			})
			if got := play(t, s, get+get, 1<<20); got != c.want || failed == nil || calls != 1 {
				t.Fatalf("got %q, %v after %d requests, want %q and an error after one", got, failed, calls, c.want)
			}
		})
	}
}

type stuck struct{}

func (stuck) Close() error             { return nil }
func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestAHandlerThatGivesNoAnswerCutsTheConnection(t *testing.T) {
	for name, serve := range map[string]func(context.Context, *durward.Exchange, durward.Responder){
		"nothing":         func(context.Context, *durward.Exchange, durward.Responder) {},
		"an abort":        func(_ context.Context, _ *durward.Exchange, out durward.Responder) { out.Abort() },
		"a panic":         func(context.Context, *durward.Exchange, durward.Responder) { panic("test") },
		"only an interim": func(_ context.Context, _ *durward.Exchange, out durward.Responder) { out.Inform(103, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			got := play(t, newServer(t, serve), get+get, 1<<20)
			if got != "" && got != "HTTP/1.1 103 Early Hints\r\n\r\n" {
				t.Fatalf("got %q", got)
			}
		})
	}
}

func TestASecondAnswerIsRefused(t *testing.T) {
	s := newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
		answer(out, 200, "one")
		if _, err := out.Respond(text(200, "two"), nil); err == nil {
			t.Error("a second answer was taken")
		}
		if err := out.Inform(103, nil); err == nil {
			t.Error("an interim answer behind the final one was taken")
		}
		if _, _, err := out.Upgrade(context.Background(), &durward.Response{}, nil, 0); err == nil {
			t.Error("an upgrade behind the final answer was taken")
		}
	})
	if got, want := play(t, s, get, 1<<20), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestInterimAnswers(t *testing.T) {
	s := newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		for _, status := range []int{99, 101, 200} {
			if out.Inform(status, nil) == nil {
				t.Errorf("an interim answer of status %d was taken", status)
			}
		}
		if x.In.Proto == "HTTP/1.1" && out.Inform(103, durward.Header{{Name: "A", Value: "b\r\n"}}) == nil {
			t.Error("an interim answer with a line end was taken")
		}
		if err := errors.Join(out.Inform(100, nil), out.Inform(103, durward.Header{{Name: "Link", Value: "</a>"}, {Name: "Content-Length", Value: "5"}})); err != nil {
			t.Error(err)
		}
		answer(out, 200, "a")
	})
	want := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
	if got := play(t, s, get, 1<<20); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na"
	if got := play(t, s, "GET / HTTP/1.0\r\n\r\n", 1<<20); got != want {
		t.Errorf("HTTP/1.0: got %q, want %q", got, want)
	}
}
