// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answerThenHang serves raw to one request and then neither sends nor closes.
func answerThenHang(raw string) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string { return raw })
	}
}

// within tells that d is at least want and no more than the slack over it.
func within(d, want time.Duration) bool { return d >= want && d <= want+want/8 }

func TestATargetThatHangsIsATimeoutInTime(t *testing.T) {
	tests := []struct {
		name, raw string
		want      time.Duration
		inBody    bool
	}{
		{"before the head", "", 8 * time.Second, false},
		{"within the status line", "HTTP/1.1 2", 8 * time.Second, false},
		{"within the head", "HTTP/1.1 200 OK\r\nContent-Le", 8 * time.Second, false},
		{"after an interim answer", "HTTP/1.1 103 Early Hints\r\n\r\n", 8 * time.Second, false},
		{"before the body", okLength(5), 16 * time.Second, true},
		{"within the body", okLength(5) + "hel", 16 * time.Second, true},
		{"within a chunk", chunkedHead + "5\r\nhel", 16 * time.Second, true},
		{"within a chunk's size", chunkedHead + "5", 16 * time.Second, true},
		{"behind a chunk", chunkedHead + "3\r\nhel", 16 * time.Second, true},
		{"within the trailers", chunkedHead + "0\r\nX: ", 16 * time.Second, true},
		{"without an end", "HTTP/1.1 200 OK\r\n\r\nhel", 16 * time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, _ := piped(t, answerThenHang(test.raw))
				p := newPool(t, dial, func(o *Options) {
					o.HeadTimeout, o.BodyIdleTimeout = 8*time.Second, 16*time.Second
				})
				start := time.Now()
				r, err := p.RoundTrip(t.Context(), get("/"))
				if test.inBody {
					if err != nil {
						t.Fatal(err)
					}
					_, err = content(r)
				}
				if kindOf(err) != Timeout || !within(time.Since(start), test.want) {
					t.Errorf("got %v after %v", err, time.Since(start))
				}
				var ne net.Error
				if !errors.As(err, &ne) || !ne.Timeout() {
					t.Error("it is not a timeout to net.Error")
				}
				if s := p.Stats(); s.Open != 0 {
					t.Errorf("the pool has %+v", s)
				}
			})
		})
	}
}

func TestAHeadThatDripsDoesNotProlongItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, _ := piped(t, func(_ int, c net.Conn) {
			serve(c, func(*http.Request, string) string {
				for _, x := range ok(strings.Repeat("x", 100)) {
					time.Sleep(time.Second)
					if _, err := io.WriteString(c, string(x)); err != nil {
						break
					}
				}
				return ""
			})
		})
		p := newPool(t, dial, func(o *Options) { o.HeadTimeout = 8 * time.Second })
		start := time.Now()
		if _, err := p.RoundTrip(t.Context(), get("/")); kindOf(err) != Timeout || !within(time.Since(start), 8*time.Second) {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestEachExchangeOnAConnectionHasItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, dialled := piped(t, func(_ int, c net.Conn) {
			serve(c, func(*http.Request, string) string {
				time.Sleep(7 * time.Second)
				return ok("slow")
			})
		})
		p := newPool(t, dial, func(o *Options) { o.HeadTimeout = 8 * time.Second })
		for range 10 {
			want(t, p, get("/"), 200, "slow")
		}
		if *dialled != 1 {
			t.Errorf("%d connections, want 1", *dialled)
		}
		p.Close()
	})
}

func TestAStreamLivesAsLongAsItsPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, _ := piped(t, func(_ int, c net.Conn) {
			serve(c, func(*http.Request, string) string {
				_, _ = io.WriteString(c, chunkedHead)
				for range 10 {
					time.Sleep(7 * time.Second)
					_, _ = io.WriteString(c, "1\r\nx\r\n")
				}
				return "0\r\n\r\n"
			})
		})
		p := newPool(t, dial, func(o *Options) { o.HeadTimeout, o.BodyIdleTimeout = time.Second, 8*time.Second })
		want(t, p, get("/"), 200, "xxxxxxxxxx")
		p.Close()
	})
}

func TestATargetThatDoesNotReadIsATimeout(t *testing.T) {
	for name, req := range map[string]func() *Request{
		"a small request":          func() *Request { return get("/") },
		"a large body":             func() *Request { return post(strings.NewReader(strings.Repeat("x", 100_000)), 100_000) },
		"a body of unknown length": func() *Request { return post(strings.NewReader(strings.Repeat("x", 100_000)), -1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				dial, _ := piped(t, func(_ int, c net.Conn) {
					_, _ = c.Read(make([]byte, 10))
					<-stop
				})
				p := newPool(t, dial, func(o *Options) { o.WriteTimeout = 8 * time.Second })
				start := time.Now()
				_, err := p.RoundTrip(t.Context(), req())
				// The time to look for an early answer comes on top.
				if d := time.Since(start); kindOf(err) != Timeout || d < 8*time.Second || d > 11*time.Second {
					t.Errorf("got %v after %v", err, d)
				}
				close(stop)
			})
		})
	}
}

func TestAContextThatEndsEndsTheExchange(t *testing.T) {
	tests := []struct {
		name, raw string
		inBody    bool
	}{
		{"while waiting for the head", "", false},
		{"within the head", "HTTP/1.1 200 OK\r\n", false},
		{"within the body", okLength(5) + "hel", true},
		{"within the chunks", chunkedHead + "5\r\nhel", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, _ := piped(t, answerThenHang(test.raw))
				p := newPool(t, dial)
				for _, deadline := range []bool{false, true} {
					ctx, cancel := context.WithCancel(t.Context())
					kind := Canceled
					if deadline {
						ctx, cancel = context.WithTimeout(t.Context(), time.Second)
						kind = Timeout
					} else {
						time.AfterFunc(time.Second, cancel)
					}
					start := time.Now()
					r, err := p.RoundTrip(ctx, get("/"))
					if test.inBody {
						if err != nil {
							t.Fatal(err)
						}
						_, err = content(r)
					}
					if kindOf(err) != kind || time.Since(start) != time.Second {
						t.Errorf("got %v after %v, want kind %v", err, time.Since(start), kind)
					}
					cancel()
				}
				if s := p.Stats(); s.Open != 0 {
					t.Errorf("the pool has %+v", s)
				}
			})
		})
	}
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	dial, dialled := piped(t, echo)
	p := newPool(t, dial)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.RoundTrip(ctx, get("/")); kindOf(err) != Canceled || *dialled != 0 {
		t.Errorf("got %v, %d connections", err, *dialled)
	}
}

func TestAContextThatEndsAfterTheAnswerDoesNoHarm(t *testing.T) {
	up := listen(t, echo)
	p := newPool(t, up.dial)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := p.RoundTrip(ctx, get("/a"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := content(r); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if up.accepted() != 1 {
		t.Errorf("%d connections, want 1", up.accepted())
	}
}
