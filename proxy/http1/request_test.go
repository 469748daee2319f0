// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"durward"

	"github.com/google/go-cmp/cmp"
)

// wire gives what p's target got for req, up to and including the text until.
func wire(t *testing.T, req *Request, until string) string {
	t.Helper()
	got := make(chan string, 1)
	up := listen(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		var b strings.Builder
		for !strings.HasSuffix(b.String(), until) {
			x, err := br.ReadByte()
			if err != nil {
				break
			}
			b.WriteByte(x)
		}
		got <- b.String()
		_, _ = io.WriteString(c, ok("done"))
	})
	want(t, newPool(t, up.dial), req, 200, "done")
	return <-got
}

func TestRequestsAreWrittenAsTheyShould(t *testing.T) {
	header := durward.Header{
		{Name: "Accept", Value: "*/*"}, {Name: "Content-Length", Value: "99"}, {Name: "Transfer-Encoding", Value: "gzip"},
		{Name: "Connection", Value: "close"}, {Name: "Host", Value: "evil.test"}, {Name: "Expect", Value: "100-continue"},
		{Name: "Te", Value: "trailers"}, {Name: "Keep-Alive", Value: "1"}, {Name: "Upgrade", Value: "h2c"},
		{Name: "X-Last", Value: "\tcaf\xe9"},
	}
	buffered := post(strings.NewReader("hello"), -1)
	if _, err := buffered.Body.Bytes(); err != nil {
		t.Fatal(err)
	}
	trailing := post(strings.NewReader("hello"), -1)
	trailing.Out.Header = durward.Header{{Name: "Trailer", Value: "X-Sum"}}
	trailing.Trailer = func() durward.Header {
		return durward.Header{{Name: "X-Sum", Value: "42"}, {Name: "Content-Length", Value: "9"}, {Name: "Authorization", Value: "x"}}
	}
	tests := []struct {
		name string
		req  *Request
		want string
	}{
		{"a GET", get("/a%20b"), "GET /a%20b HTTP/1.1\r\nHost: api.test\r\n\r\n"},
		{"a query", &Request{Host: "h", Out: &durward.Outgoing{Method: "GET", Path: "/", RawQuery: "a=1&b"}}, "GET /?a=1&b HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"the host of Out", &Request{Out: &durward.Outgoing{Method: "GET", Path: "/", Host: "out.test"}}, "GET / HTTP/1.1\r\nHost: out.test\r\n\r\n"},
		{"an OPTIONS of the server", &Request{Host: "h", Out: &durward.Outgoing{Method: "OPTIONS", Path: "*"}}, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"fields, but not those of the connection", &Request{Host: "h", Out: &durward.Outgoing{Method: "GET", Path: "/", Header: header}}, "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nX-Last: \tcaf\xe9\r\n\r\n"},
		{"a POST without content", &Request{Host: "h", Out: &durward.Outgoing{Method: "POST", Path: "/"}}, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
		{"a body of known length", post(strings.NewReader("hello"), 5), "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\n\r\nhello"},
		{"a body that was buffered", buffered, "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\n\r\nhello"},
		{"a body of unknown length", post(strings.NewReader("hello"), -1), "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"an empty body of unknown length", post(strings.NewReader(""), -1), "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"trailers", trailing, "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, wire(t, test.req, test.want)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRequestsThatCouldBreakTheHeadAreNotSent(t *testing.T) {
	field := func(name, value string) *Request {
		r := get("/")
		r.Out.Header = durward.Header{{Name: name, Value: value}}
		return r
	}
	out := func(o durward.Outgoing) *Request { return &Request{Host: "h", Out: &o} }
	tests := map[string]*Request{
		"a line end in a value":     field("X", "a\r\nContent-Length: 5"),
		"an LF in a value":          field("X", "a\nY: b"),
		"a CR in a value":           field("X", "a\rY: b"),
		"a NUL in a value":          field("X", "a\x00b"),
		"a line end in a name":      field("X: y\r\nZ", "a"),
		"a space in a name":         field("X ", "a"),
		"a colon in a name":         field("X:", "a"),
		"an empty name":             field("", "a"),
		"a space in the path":       out(durward.Outgoing{Method: "GET", Path: "/a HTTP/1.1"}),
		"a line end in the path":    out(durward.Outgoing{Method: "GET", Path: "/a\r\nX: y"}),
		"a query in the path":       out(durward.Outgoing{Method: "GET", Path: "/a?b"}),
		"a path without its slash":  out(durward.Outgoing{Method: "GET", Path: "a"}),
		"an absolute path":          out(durward.Outgoing{Method: "GET", Path: "http://evil.test/"}),
		"no path":                   out(durward.Outgoing{Method: "GET"}),
		"a star with GET":           out(durward.Outgoing{Method: "GET", Path: "*"}),
		"a line end in the query":   out(durward.Outgoing{Method: "GET", Path: "/", RawQuery: "a\r\nX: y"}),
		"a space in the query":      out(durward.Outgoing{Method: "GET", Path: "/", RawQuery: "a b"}),
		"a space in the method":     out(durward.Outgoing{Method: "GET /", Path: "/"}),
		"no method":                 out(durward.Outgoing{Path: "/"}),
		"a CONNECT":                 out(durward.Outgoing{Method: "CONNECT", Path: "/"}),
		"a line end in the upgrade": out(durward.Outgoing{Method: "GET", Path: "/", Upgrade: "a\r\nX: y"}),
		"a line end in the host":    {Host: "h\r\nX: y", Out: &durward.Outgoing{Method: "GET", Path: "/"}},
		"no host":                   {Out: &durward.Outgoing{Method: "GET", Path: "/"}},
	}
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string { return ok("") })
	})
	p := newPool(t, up.dial)
	for name, req := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := p.RoundTrip(t.Context(), req)
			var e *Error
			if !errors.As(err, &e) || e.Kind != Invalid || e.Sent {
				t.Errorf("got %v", err)
			}
		})
	}
	if up.accepted() != 0 {
		t.Error("a connection was opened for a request that cannot be sent")
	}
}

// failing gives some bytes and then an error.
type failing struct {
	some io.Reader
	err  error
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.some.Read(p)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

func TestABodyThatFailsIsTheClientsFaultAndIsNeverTakenForWhole(t *testing.T) {
	const much = 100_000
	bad := func(n int, err error) io.Reader { return failing{strings.NewReader(strings.Repeat("x", n)), err} }
	tests := []struct {
		name string
		req  *Request
		want error
		sent bool
	}{
		{"a small body that is cut", post(bad(3, durward.ErrBodyAborted), 5), durward.ErrBodyAborted, false},
		{"a small body that ends early", post(bad(3, io.EOF), 5), durward.ErrBodyAborted, false},
		{"a large body that is cut", post(bad(much, durward.ErrBodyTimeout), much+5), durward.ErrBodyTimeout, true},
		{"a large body that ends early", post(bad(much, io.EOF), much+5), durward.ErrBodyAborted, true},
		{"chunks that are malformed at once", post(bad(0, durward.ErrBodyMalformed), -1), durward.ErrBodyMalformed, false},
		{"chunks that become malformed", post(bad(much, durward.ErrBodyMalformed), -1), durward.ErrBodyMalformed, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			whole := make(chan bool, 1)
			up := listen(t, func(_ int, c net.Conn) {
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err == nil {
					_, err = io.Copy(io.Discard, r.Body)
				}
				whole <- err == nil
			})
			p := newPool(t, up.dial)
			_, err := p.RoundTrip(t.Context(), test.req)
			var e *Error
			if !errors.As(err, &e) || e.Kind != RequestBody || e.Sent != test.sent || !errors.Is(err, test.want) {
				t.Errorf("got %v, sent %v", err, e != nil && e.Sent)
			}
			if s := p.Stats(); s.Open != 0 {
				t.Errorf("the pool has %+v", s)
			}
			if test.sent && <-whole {
				t.Error("the target took the request for whole")
			}
		})
	}
}

func TestABodyLongerThanItsLengthIsNotSentBeyondIt(t *testing.T) {
	var seen []string
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(r *http.Request, body string) string {
			seen = append(seen, r.URL.Path+" "+body)
			return ok("")
		})
	})
	p := newPool(t, up.dial)
	want(t, p, post(strings.NewReader("helloGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"), 5), 200, "")
	want(t, p, get("/next"), 200, "")
	if d := cmp.Diff([]string{"/ hello", "/next "}, seen); d != "" {
		t.Error(d)
	}
}

func TestABodyIsUntouchedWhenNoConnectionWasGot(t *testing.T) {
	p := newPool(t, func(context.Context) (net.Conn, error) { return nil, io.ErrClosedPipe })
	req := post(strings.NewReader("hello"), 5)
	if _, err := p.RoundTrip(t.Context(), req); kindOf(err) != Dial || req.Body.Touched() {
		t.Errorf("got %v, touched: %v", err, req.Body.Touched())
	}
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(_ *http.Request, body string) string { return ok(body) })
	})
	want(t, newPool(t, up.dial), req, 200, "hello")
}

// panicking is a body whose reader is broken.
type panicking struct{ some io.Reader }

func (p panicking) Read(b []byte) (int, error) {
	n, err := p.some.Read(b)
	if err == io.EOF {
		panic("broken reader")
	}
	return n, err
}

func TestAPanicOfTheBodyLeavesNoConnectionBehind(t *testing.T) {
	up := listen(t, echo)
	for _, size := range []int{0, 100_000} {
		p := newPool(t, up.dial)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("it did not panic")
				}
			}()
			_, _ = p.RoundTrip(t.Context(), post(panicking{big(size)}, int64(size+5)))
		}()
		if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
			t.Error(d)
		}
	}
}
