// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func TestTheExchangeHasWhatTheClientSent(t *testing.T) {
	type seen struct {
		Method, Scheme, Host, Path, Query, Proto, Upgrade, Body string
		Length                                                  int64
		Accept, Trailer                                         string
	}
	got := make(chan seen, 1)
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		in := &x.In
		s := seen{Method: in.Method, Scheme: in.Scheme, Host: in.Host, Path: in.RawPath, Query: in.RawQuery,
			Proto: in.Proto, Upgrade: in.Upgrade, Length: in.Body.Length(), Accept: in.Header.Get("Accept")}
		content, _ := in.Body.Bytes()
		s.Body = string(content)
		if in.Trailer != nil {
			s.Trailer = in.Trailer().Get("X-Sum")
		}
		got <- s
		out.Respond(text(200, "ok"), nil)
	})
	_, address := start(t, h, Config{})
	for name, tc := range map[string]struct {
		request string
		want    seen
	}{
		"a plain request": {
			"GET /a%2Fb?c=%20 HTTP/1.1\nHost: API.test\nAccept: x\n\n",
			seen{Method: "GET", Scheme: "http", Host: "API.test", Path: "/a%2Fb", Query: "c=%20", Proto: "HTTP/1.1", Accept: "x"},
		},
		"the absolute form": {
			"GET http://other.test/p?q HTTP/1.1\nHost: other.test\n\n",
			seen{Method: "GET", Scheme: "http", Host: "other.test", Path: "/p", Query: "q", Proto: "HTTP/1.1"},
		},
		"the absolute form without a path": {
			"GET http://other.test?q HTTP/1.1\nHost: other.test\n\n",
			seen{Method: "GET", Scheme: "http", Host: "other.test", Path: "/", Query: "q", Proto: "HTTP/1.1"},
		},
		"the asterisk form": {
			"OPTIONS * HTTP/1.1\nHost: api.test\n\n",
			seen{Method: "OPTIONS", Scheme: "http", Host: "api.test", Path: "*", Proto: "HTTP/1.1"},
		},
		"a content of known length": {
			"POST / HTTP/1.1\nHost: api.test\nContent-Length: 3\n\nabc",
			seen{Method: "POST", Scheme: "http", Host: "api.test", Path: "/", Proto: "HTTP/1.1", Body: "abc", Length: 3},
		},
		"a chunked content with a trailer": {
			"POST / HTTP/1.1\nHost: api.test\nTransfer-Encoding: chunked\nTrailer: X-Sum\n\n3\nabc\n0\nX-Sum: 7\n\n",
			seen{Method: "POST", Scheme: "http", Host: "api.test", Path: "/", Proto: "HTTP/1.1", Body: "abc", Length: -1, Trailer: "7"},
		},
		"an upgrade": {
			"GET / HTTP/1.1\nHost: api.test\nConnection: keep-alive, Upgrade\nUpgrade: WebSocket\n\n",
			seen{Method: "GET", Scheme: "http", Host: "api.test", Path: "/", Proto: "HTTP/1.1", Upgrade: "websocket"},
		},
		"an upgrade that Connection does not name": {
			"GET / HTTP/1.1\nHost: api.test\nUpgrade: websocket\n\n",
			seen{Method: "GET", Scheme: "http", Host: "api.test", Path: "/", Proto: "HTTP/1.1"},
		},
		"an upgrade over HTTP/1.0 is none": {
			"GET / HTTP/1.0\nHost: api.test\nConnection: Upgrade\nUpgrade: websocket\n\n",
			seen{Method: "GET", Scheme: "http", Host: "api.test", Path: "/", Proto: "HTTP/1.0"},
		},
		"HTTP/1.0": {
			"GET / HTTP/1.0\nHost: api.test\n\n",
			seen{Method: "GET", Scheme: "http", Host: "api.test", Path: "/", Proto: "HTTP/1.0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			c.send(tc.request)
			if diff := cmp.Diff(tc.want, <-got); diff != "" {
				t.Error(diff)
			}
			c.answer("GET")
		})
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	_, address := start(t, says("never"), Config{Limits: Limits{HeaderBytes: 8 << 10}})
	for name, tc := range map[string]struct {
		request string
		status  int
	}{
		"no host":                      {"GET / HTTP/1.1\n\n", 400},
		"two hosts":                    {"GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400},
		"a space before the colon":     {"GET / HTTP/1.1\nHost : a\n\n", 400},
		"two content lengths":          {"POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\nab", 400},
		"a content length with a sign": {"POST / HTTP/1.1\nHost: a\nContent-Length: +1\n\na", 400},
		"an unknown transfer coding":   {"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip\n\n", 400},
		"a header section beyond the limit": {
			"GET / HTTP/1.1\nHost: a\nX-Long: " + strings.Repeat("x", 9<<10) + "\n\n", 431},
		"a target beyond the limit":  {"GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\nHost: a\n\n", 414},
		"a target of another scheme": {"GET ftp://api.test/a HTTP/1.1\nHost: api.test\n\n", 400},
		"a target with userinfo":     {"GET http://user:pass@api.test/a HTTP/1.1\nHost: api.test\n\n", 400},
		"a target of another host":   {"GET http://other.test/ HTTP/1.1\nHost: api.test\n\n", 400},
		"both a length and a coding": {"POST / HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n", 400},
		"two equal content lengths":  {"POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 1\n\na", 400},
		"a folded line":              {"GET / HTTP/1.1\nHost: a\nX-A: b\n c\n\n", 400},
		"HTTP/3":                     {"GET / HTTP/3.0\nHost: a\n\n", 505},
		"an unknown expectation":     {"GET / HTTP/1.1\nHost: a\nExpect: cake\n\n", 417},
		"a PROXY header of nobody":   {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nGET / HTTP/1.1\nHost: a\n\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, address)
			c.send(tc.request)
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil || resp.StatusCode != tc.status {
				t.Fatalf("%v, %v", resp, err)
			}
			if rest, _ := c.ended(); strings.Contains(rest, "never") {
				t.Errorf("served: %q", rest)
			}
		})
	}
}

func TestAnswersAreFramedAsTheProtocolAsks(t *testing.T) {
	trailer := func() durward.Header { return durward.Header{{Name: "Grpc-Status", Value: "0"}} }
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		r := text(200, "content")
		switch x.In.RawPath {
		case "/none":
			r = &durward.Response{Status: 204, Length: 0}
		case "/same":
			r = &durward.Response{Status: 304, Length: 7}
		case "/unknown":
			r.Length = -1
		case "/trailer":
			r.Length, r.Trailer = -1, trailer
		case "/only-trailer":
			r = &durward.Response{Status: 200, Length: -1, Trailer: trailer}
		case "/early":
			out.Inform(103, durward.Header{{Name: "Link", Value: "</a.css>"}})
		}
		r.Header = append(r.Header, durward.Field{Name: "X-Own", Value: "1"}, durward.Field{Name: "X-Own", Value: "2"})
		n, err := out.Respond(r, durward.Header{{Name: "X-Extra", Value: "3"}})
		if err != nil || x.In.Method == "HEAD" && n != 0 {
			t.Errorf("%s %s: %d, %v", x.In.Method, x.In.RawPath, n, err)
		}
	})
	_, address := start(t, h, Config{})
	c := dial(t, address)
	for _, tc := range []struct {
		method, path, body, length, transfer string
		status                               int
	}{
		{"GET", "/", "content", "7", "", 200},
		{"HEAD", "/", "", "7", "", 200},
		{"HEAD", "/unknown", "", "", "", 200},
		{"GET", "/none", "", "", "", 204},
		{"GET", "/same", "", "", "", 304},
		{"GET", "/unknown", "content", "", "chunked", 200},
		{"GET", "/trailer", "content", "", "chunked", 200},
	} {
		c.send(tc.method + " " + tc.path + " HTTP/1.1\nHost: a\n\n")
		resp, body := c.answer(tc.method)
		if resp.StatusCode != tc.status || body != tc.body || resp.Header.Get("Content-Length") != tc.length ||
			strings.Join(resp.TransferEncoding, ",") != tc.transfer {
			t.Errorf("%s %s: %s %q %v %v", tc.method, tc.path, resp.Status, body, resp.Header, resp.TransferEncoding)
		}
		if got := resp.Header["X-Own"]; len(got) != 2 || resp.Header.Get("X-Extra") != "3" || resp.Header["Content-Type"] != nil {
			t.Errorf("%s: fields %v", tc.path, resp.Header)
		}
		if tc.path == "/trailer" && resp.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("trailer %v", resp.Trailer)
		}
	}
	c.send("GET /early HTTP/1.1\nHost: a\n\n")
	resp, _ := c.answer("GET")
	if resp.StatusCode != 103 || resp.Header.Get("Link") == "" {
		t.Errorf("interim: %s %v", resp.Status, resp.Header)
	}
	if resp, body := c.answer("GET"); resp.StatusCode != 200 || body != "content" || resp.Header.Get("Link") != "" {
		t.Errorf("after the interim answer: %s %v %q", resp.Status, resp.Header, body)
	}
	old := dial(t, address)
	old.send("GET /early HTTP/1.0\nHost: a\n\n")
	if resp, body := old.answer("GET"); resp.StatusCode != 200 || body != "content" {
		t.Errorf("HTTP/1.0 got %s %q: it knows no interim answers", resp.Status, body)
	}
}

func TestAStreamIsPassedOnAsItComes(t *testing.T) {
	next := make(chan string)
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		r, w := io.Pipe()
		go func() {
			for part := range next {
				io.WriteString(w, part)
			}
			w.Close()
		}()
		out.Respond(&durward.Response{Status: 200, Body: r, Length: -1, Stream: true}, nil)
	})
	_, address := start(t, h, Config{})
	c := dial(t, address)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	resp, err := http.ReadResponse(c.r, nil) // the head comes before any content
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"one", "two"} {
		next <- part
		got := make([]byte, 3)
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != part {
			t.Fatalf("%q, %v", got, err)
		}
	}
	close(next)
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// failing gives some content and then an error.
type failing struct{ n int }

func (f *failing) Read(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errors.New("upstream broke")
	}
	return copy(p, "part"), nil
}
func (*failing) Close() error { return nil }

func TestABrokenAnswerIsNeverTakenForAWholeOne(t *testing.T) {
	for name, length := range map[string]int64{"known length": 100, "unknown length": -1} {
		t.Run(name, func(t *testing.T) {
			h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
				if _, err := out.Respond(&durward.Response{Status: 200, Body: &failing{2}, Length: length, Stream: true}, nil); err == nil {
					t.Error("no error")
				}
			})
			_, address := start(t, h, Config{})
			c := dial(t, address)
			c.send("GET / HTTP/1.1\nHost: a\n\n")
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("%q looks whole", body)
			}
			// The end of the connection is the end of the content here.
			old := dial(t, address)
			old.send("GET / HTTP/1.0\nHost: a\n\n")
			if rest, err := old.ended(); !errors.Is(err, syscall.ECONNRESET) && length < 0 {
				t.Errorf("HTTP/1.0: %q, %v; want a reset", rest, err)
			}
		})
	}
}

func TestAbortCutsTheConnection(t *testing.T) {
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) { out.Abort() })
	_, address := start(t, h, Config{})
	c := dial(t, address)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	if rest, _ := c.ended(); rest != "" {
		t.Errorf("got %q", rest)
	}
}

func TestAClientThatLeavesEndsTheContext(t *testing.T) {
	ended := make(chan error, 1)
	begun := make(chan bool, 1)
	h := serveFunc(func(ctx context.Context, x *durward.Exchange, out durward.Responder) {
		begun <- true
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
		ended <- ctx.Err()
		out.Abort()
	})
	_, address := start(t, h, Config{})
	c := dial(t, address)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	<-begun
	c.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
