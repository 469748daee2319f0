// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/again"
	"durward/proxy/http1"
)

// grpcExchange is a call of a gRPC method with streaming content.
func grpcExchange(src io.Reader) *durward.Exchange {
	x := withBody(newExchange("POST", "/moot.Messages/Post"), src, -1)
	x.In.Proto = "HTTP/2.0"
	x.In.Header = fields("Content-Type", "application/grpc", "Te", "trailers", "Grpc-Timeout", "1S")
	return x
}

// pacedBody is a client's content that knows whether its pace was ended.
type pacedBody struct {
	io.Reader
	unpaced bool
}

func (b *pacedBody) Unpaced() { b.unpaced = true }

func TestOnlyStreamsOfGRPCToHTTP2TargetsAreUnpaced(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }
	h2c, h1 := serveH2C(t, answer), httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(h1.Close)
	for _, c := range []struct {
		name, target, protocol, mediaType string
		unpaced                           bool
	}{
		{"gRPC over HTTP/2", h2c.URL, "h2c", "application/grpc+proto", true},
		{"JSON over HTTP/2", h2c.URL, "h2c", "application/json", false},
		{"what calls itself gRPC over HTTP/1.1", h1.URL, "http1", "application/grpc", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := &pacedBody{Reader: strings.NewReader("hello")}
			x := grpcExchange(body)
			x.In.Header.Set("Content-Type", c.mediaType)
			mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(c.target), Protocol: c.protocol}, nil), x))
			content(t, x)
			if body.unpaced != c.unpaced {
				t.Errorf("unpaced is %t", body.unpaced)
			}
		})
	}
}

func TestGRPCPassesWithItsTrailers(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		fmt.Fprintf(w, "%s te=%s timeout=%s", b, r.Header.Get("Te"), r.Header.Get("Grpc-Timeout"))
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "fine")
	})
	u := newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil)
	x := grpcExchange(strings.NewReader("hello"))
	mustAllow(t, call(t, u, x))
	if !x.Response.Stream {
		t.Error("a gRPC answer is not marked as a stream")
	}
	if got := content(t, x); got != "hello te=trailers timeout=1S" {
		t.Errorf("got %q", got)
	}
	trailer := x.Response.Trailer()
	if trailer.Get("Grpc-Status") != "0" || trailer.Get("Grpc-Message") != "fine" {
		t.Errorf("trailer %v", trailer)
	}
}

func TestAGRPCAnswerOfTrailersAloneHasThemInItsHeader(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "12")
	})
	x := grpcExchange(strings.NewReader("hello"))
	mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil), x))
	if x.Response.Header.Get("Grpc-Status") != "12" || content(t, x) != "" {
		t.Errorf("answer %v", x.Response.Header)
	}
}

func TestBothDirectionsStreamAtOnce(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.Flush() // the head goes before any content came
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "echo %s\n", lines.Text())
			_ = rc.Flush()
		}
	})
	u := newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil)
	in, client := io.Pipe()
	x := grpcExchange(in)
	mustAllow(t, call(t, u, x))
	answer := bufio.NewScanner(x.Response.Body)
	for i := range 3 {
		fmt.Fprintf(client, "%d\n", i)
		if !answer.Scan() || answer.Text() != fmt.Sprintf("echo %d", i) {
			t.Fatalf("got %q, %v", answer.Text(), answer.Err())
		}
	}
	_ = client.Close()
	if answer.Scan() || answer.Err() != nil {
		t.Errorf("after the end: %q, %v", answer.Text(), answer.Err())
	}
	_ = x.Response.Body.Close()
	if !x.In.Body.Touched() {
		t.Error("the exchange does not know that its content was read")
	}
}

func TestAnAnswerMayEndBeforeTheContentDoes(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 1)
		_, _ = io.ReadFull(r.Body, buf)
		w.WriteHeader(403) // and nobody reads the rest
	})
	u := newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil)
	in, client := io.Pipe()
	x := grpcExchange(in)
	wrote := make(chan struct{})
	go func() { _, _ = client.Write([]byte("a")); close(wrote) }()
	mustAllow(t, call(t, u, x))
	<-wrote
	content(t, x)
	if x.Response.Status != 403 {
		t.Errorf("status %d", x.Response.Status)
	}
	// The exchange is used again while net/http may still wait for the old
	// client; what that one sends then goes nowhere.
	x.Reset()
	withBody(x, strings.NewReader("next"), 4)
	_ = client.CloseWithError(durward.ErrBodyAborted)
	if b, err := x.In.Body.Bytes(); string(b) != "next" || err != nil {
		t.Errorf("the next request's content is %q, %v", b, err)
	}
}

func TestTheTimeoutDoesNotRunWhileTheClientIsWaitedFor(t *testing.T) {
	again.Try(t, func(t testing.TB) {
		s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			_, _ = w.Write(b)
		})
		u := newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c", Timeout: duration(60 * time.Millisecond)}, nil)
		in, client := io.Pipe()
		late := time.AfterFunc(200*time.Millisecond, func() {
			_, _ = client.Write([]byte("slow"))
			_ = client.Close()
		})
		defer late.Stop()
		x := grpcExchange(in)
		mustAllow(t, call(t, u, x))
		if got := content(t, x); got != "slow" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAHeadRequestHasALengthAndNoContent(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "42") }
	for protocol, url := range map[string]string{"http1": serve(t, h).URL, "h2c": serveH2C(t, h).URL} {
		x := newExchange("HEAD", "/")
		mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(url), Protocol: protocol}, nil), x))
		if x.Response.Body != nil || x.Response.Length != 42 || x.Response.Header.Has("Content-Length") {
			t.Errorf("%s: %+v", protocol, x.Response)
		}
	}
}

func TestHTTP2GetsThePathThatWasJudged(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RequestURI+" "+r.Header.Get("User-Agent")+" "+r.Header.Get("Accept-Encoding"))
	})
	u := newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil)
	for _, path := range []string{"/", "/a%2Fb/%c3%a9", "//a//b", "/a;b=c,d", "/http://x/"} {
		x := newExchange("GET", path)
		mustAllow(t, call(t, u, x))
		if got := content(t, x); got != path+"  " {
			t.Errorf("the upstream saw %q, want %q and no field of net/http's own", got, path)
		}
	}
}

func TestTooManyInterimAnswersAreRefused(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		for range maxInterim + 1 {
			w.WriteHeader(http.StatusEarlyHints)
		}
	})
	x := newExchange("POST", "/")
	d := callWith(t.Context(), t, newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil), x, func(int, durward.Header) error { return nil })
	if d.Verdict != durward.Deny || durward.Lookup(d.Code).Status != 502 {
		t.Errorf("decision %v %q", d.Verdict, d.Code)
	}
}

func TestAnHTTP2HeaderBombIsRefused(t *testing.T) {
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 1000))
		}
	})
	x := newExchange("POST", "/")
	d := call(t, newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c", MaxResponseHeader: 8 << 10}, nil), x)
	if d.Verdict != durward.Deny || durward.Lookup(d.Code).Status != 502 {
		t.Errorf("decision %v %q", d.Verdict, d.Code)
	}
}

func TestEveryErrorOfAnAttemptHasItsMeaning(t *testing.T) {
	fault := func(kind http1.Kind, sent bool) error {
		return &http1.Error{Op: "head", Kind: kind, Err: io.EOF, Sent: sent}
	}
	for _, tc := range []struct {
		name string
		err  error
		want verdict
	}{
		{"dial", fault(http1.Dial, false), verdict{durward.CodeUpstreamUnreachable, connectFault, true, true}},
		{"dial too slow", &http1.Error{Op: "dial", Kind: http1.Dial, Err: fmt.Errorf("tcp: %w", context.DeadlineExceeded)},
			verdict{durward.CodeUpstreamTimeout, connectFault, true, true}},
		{"busy", fault(http1.Busy, false), verdict{durward.CodeOverloaded, noFault, true, true}},
		{"timeout", fault(http1.Timeout, true), verdict{durward.CodeUpstreamTimeout, timeoutFault, false, false}},
		{"closed", fault(http1.Closed, true), verdict{durward.CodeUpstreamUnreachable, brokenFault, false, true}},
		{"invalid answer", fault(http1.Invalid, true), verdict{durward.CodeUpstreamInvalid, brokenFault, false, false}},
		{"request that cannot be sent", &http1.Error{Op: "request", Kind: http1.Invalid, Err: io.EOF}, verdict{durward.CodeMalformed, noFault, true, false}},
		{"canceled", fault(http1.Canceled, true), verdict{durward.CodeMalformed, noFault, false, false}},
		{"unknown", errors.New("x"), verdict{durward.CodeUpstreamUnreachable, brokenFault, false, true}},
	} {
		if got := judge(tc.err); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}
