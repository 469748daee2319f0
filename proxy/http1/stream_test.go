// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"durward"

	"github.com/google/go-cmp/cmp"
)

func big(n int) *strings.Reader { return strings.NewReader(strings.Repeat("0123456789abcdef", n/16)) }

func TestLargeBodiesArriveWholeAndTheConnectionIsKept(t *testing.T) {
	var sizes []int
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(r *http.Request, body string) string {
			if body != strings.Repeat("0123456789abcdef", len(body)/16) {
				t.Errorf("a body of %d bytes was garbled", len(body))
			}
			sizes = append(sizes, len(body))
			return ok("done")
		})
	})
	p := newPool(t, up.dial)
	var sent []int
	for _, size := range []int{16, 8 << 10, 32 << 10, 33 << 10, 64 << 10, 1 << 20} {
		want(t, p, post(big(size), int64(size)), 200, "done")
		want(t, p, post(big(size), -1), 200, "done")
		buffered := post(big(size), -1)
		if _, err := buffered.Body.Bytes(); err != nil {
			t.Fatal(err)
		}
		want(t, p, buffered, 200, "done")
		sent = append(sent, size, size, size)
	}
	if d := cmp.Diff(sent, sizes); d != "" {
		t.Error(d)
	}
	if up.accepted() != 1 {
		t.Errorf("%d connections, want 1", up.accepted())
	}
}

func TestErrorAnswersToLargeBodiesThatWereReadKeepTheConnection(t *testing.T) {
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string { return "HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n" })
	})
	p := newPool(t, up.dial)
	for range 20 {
		want(t, p, post(big(100_000), -1), 422, "")
	}
	want(t, p, get("/"), 422, "")
	if up.accepted() != 1 {
		t.Errorf("%d connections, want 1", up.accepted())
	}
}

// slow gives its parts one by one, each when it is allowed.
type slow struct {
	parts chan string
	rest  string
}

func (s *slow) Read(p []byte) (int, error) {
	if s.rest == "" {
		part, more := <-s.parts
		if !more {
			return 0, io.EOF
		}
		s.rest = part
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func TestABodyOfUnknownLengthIsPassedOnAsItComes(t *testing.T) {
	src := &slow{parts: make(chan string, 1)}
	src.parts <- "one"
	up := listen(t, func(_ int, c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			t.Error(err)
			return
		}
		got := make([]byte, 3)
		for _, part := range []string{"one", "two", "six"} {
			if _, err := io.ReadFull(r.Body, got); err != nil || string(got) != part {
				t.Errorf("got %q, %v", got, err)
			}
			switch part {
			case "one":
				src.parts <- "two" // only now that the first one is here
			case "two":
				src.parts <- "six"
				close(src.parts)
			}
		}
		_, _ = io.WriteString(c, ok("done"))
	})
	want(t, newPool(t, up.dial), post(src, -1), 200, "done")
}

// endless is a body without an end, of which taken bytes were read.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	e.taken += len(p)
	return len(p), nil
}

func TestATargetThatAnswersEarlyAndStopsReadingIsNotADeadlock(t *testing.T) {
	for _, length := range []int64{1 << 29, -1} {
		for name, end := range map[string]func(net.Conn){
			"and keeps the connection open": func(c net.Conn) { _, _ = c.Read(make([]byte, 0)) },
			"and closes":                    func(c net.Conn) { c.Close() },
		} {
			t.Run(name, func(t *testing.T) {
				stop := make(chan struct{})
				up := listen(t, func(n int, c net.Conn) {
					if n > 0 {
						echo(n, c)
						return
					}
					if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
						t.Error(err)
					}
					_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
					end(c)
					<-stop
				})
				p := newPool(t, up.dial)
				src := &endless{}
				want(t, p, post(src, length), 413, "big")
				if src.taken > 256<<20 {
					t.Errorf("%d bytes were taken from the client", src.taken)
				}
				want(t, p, get("/next"), 200, "/next")
				if up.accepted() != 2 {
					t.Errorf("%d connections, want 2", up.accepted())
				}
				close(stop)
			})
		}
	}
}

func TestAnEarlyAnswerOverTLSIsRead(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "big")
	}))
	defer srv.Close()
	p := newPool(t, func(ctx context.Context) (net.Conn, error) {
		d := tls.Dialer{Config: srv.Client().Transport.(*http.Transport).TLSClientConfig}
		return d.DialContext(ctx, "tcp", srv.Listener.Addr().String())
	})
	want(t, p, post(&endless{}, -1), 413, "big")
}

func TestAnAnswerOfSuccessThatComesEarlyDoesNotCutTheBody(t *testing.T) {
	got := make(chan int64, 1)
	up := listen(t, func(_ int, c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"+ok("soon"))
		n, _ := io.Copy(io.Discard, r.Body)
		got <- n
	})
	p := newPool(t, up.dial)
	req := post(big(4<<20), -1)
	var informed []int
	req.Inform = func(status int, _ durward.Header) error {
		informed = append(informed, status)
		return nil
	}
	want(t, p, req, 200, "soon")
	if n := <-got; n != 4<<20 {
		t.Errorf("the target got %d bytes", n)
	}
	if d := cmp.Diff([]int{103}, informed); d != "" {
		t.Error(d)
	}
}

func TestFaultsDuringALargeBodyAreTheTargets(t *testing.T) {
	tests := []struct {
		name string
		end  func(net.Conn)
		kind Kind
	}{
		{"the target goes away", func(c net.Conn) { c.Close() }, Closed},
		{"the target resets", func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); c.Close() }, Closed},
		{"the target talks nonsense", func(c net.Conn) { _, _ = io.WriteString(c, "nonsense\r\n") }, Invalid},
		{"the target informs without end", func(c net.Conn) {
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000))
		}, Invalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stop := make(chan struct{})
			up := listen(t, func(_ int, c net.Conn) {
				_, _ = c.Read(make([]byte, 100))
				test.end(c)
				<-stop
			})
			p := newPool(t, up.dial)
			_, err := p.RoundTrip(t.Context(), post(&endless{}, -1))
			var e *Error
			if !errors.As(err, &e) || e.Kind != test.kind || !e.Sent {
				t.Errorf("got %v", err)
			}
			if s := p.Stats(); s.Open != 0 {
				t.Errorf("the pool has %+v", s)
			}
			close(stop)
		})
	}
}

func TestAContextThatEndsEndsAnUpload(t *testing.T) {
	stop := make(chan struct{})
	up := listen(t, func(_ int, c net.Conn) { <-stop })
	p := newPool(t, up.dial)
	ctx, cancel := context.WithCancel(t.Context())
	src := &slow{parts: make(chan string)}
	go func() {
		src.parts <- "one"
		src.parts <- "two"
		cancel()
		close(src.parts)
	}()
	if _, err := p.RoundTrip(ctx, post(src, -1)); kindOf(err) != Canceled {
		t.Errorf("got %v", err)
	}
	close(stop)
}

func TestAVeryLargeHeadIsSentAsItIs(t *testing.T) {
	long := strings.Repeat("y", 40_000)
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(r *http.Request, body string) string {
			if r.Header.Get("X") != long {
				t.Error("the header was garbled")
			}
			return ok(itoa(len(body)))
		})
	})
	p := newPool(t, up.dial)
	for _, req := range []*Request{get("/"), post(big(100_000), 100_000), post(big(100_000), -1)} {
		size := "100000"
		if req.Body == nil {
			size = "0"
		}
		req.Out.Header = durward.Header{{Name: "X", Value: long}}
		want(t, p, req, 200, size)
	}
	if up.accepted() != 1 {
		t.Errorf("%d connections, want 1", up.accepted())
	}
}

func TestTrailersThatCouldBreakTheMessageAreNotSent(t *testing.T) {
	for _, f := range []durward.Field{{Name: "X", Value: "a\r\n\r\nGET / HTTP/1.1"}, {Name: "X", Value: "a\x00"}, {Name: "X Y", Value: "a"}} {
		whole := make(chan bool, 1)
		up := listen(t, func(_ int, c net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			whole <- err == nil
		})
		req := post(strings.NewReader("hello"), -1)
		req.Trailer = func() durward.Header { return durward.Header{f} }
		_, err := newPool(t, up.dial).RoundTrip(t.Context(), req)
		if kindOf(err) != RequestBody || !errors.Is(err, durward.ErrBodyMalformed) {
			t.Errorf("%q: got %v", f, err)
		}
		if <-whole {
			t.Errorf("%q: the target took the request for whole", f)
		}
	}
}

func TestAnInformThatFailsAfterAnUploadEndsTheExchange(t *testing.T) {
	p := once(t, "HTTP/1.1 103 Early Hints\r\n\r\n"+ok("hello"))
	req := post(big(100_000), -1)
	req.Inform = func(int, durward.Header) error { return io.ErrClosedPipe }
	if _, err := p.RoundTrip(t.Context(), req); kindOf(err) != Canceled || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if s := p.Stats(); s.Open != 0 {
		t.Errorf("the pool has %+v", s)
	}
}

func TestABodyThatNeverMovesIsTheClientsFault(t *testing.T) {
	p := once(t, ok(""))
	if _, err := p.RoundTrip(t.Context(), post(still{}, -1)); kindOf(err) != RequestBody {
		t.Errorf("got %v", err)
	}
}

type still struct{}

func (still) Read([]byte) (int, error) { return 0, nil }
