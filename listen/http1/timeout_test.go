// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

// piped serves one end of a pipe and gives the other.
func piped(s *Server) net.Conn {
	client, server := net.Pipe()
	go s.ServeConn(context.Background(), server, Info{})
	return client
}

// within runs f, which waits for the server to do something, and checks how
// long that took: at least d, and at most two sweeps more.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took < d || took > d+2*time.Second {
		t.Errorf("took %v, want about %v", took, d)
	}
}

func readAll(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestAConnectionWithoutARequestIsClosedAfterTheHeaderTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(newServer(t, echo))
		within(t, 10*time.Second, func() {
			if got := readAll(t, c); got != "" {
				t.Errorf("got %q", got)
			}
		})
	})
}

func TestAnIdleConnectionIsClosedAfterTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
			out.Respond(&durward.Response{Status: 204}, nil)
		}))
		for range 3 {
			time.Sleep(9 * time.Second)
			send(t, c, get)
			if _, err := c.Read(make([]byte, 1024)); err != nil {
				t.Fatal(err)
			}
		}
		within(t, 45*time.Second, func() {
			if got := readAll(t, c); got != "" {
				t.Errorf("got %q", got)
			}
		})
	})
}

func TestAHeadThatComesTooSlowlyIsA408(t *testing.T) {
	for name, slow := range map[string]string{"the first": "", "a later one": get} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := piped(newServer(t, echo))
				if slow != "" {
					send(t, c, slow)
					c.Read(make([]byte, 1024))
				}
				var sending sync.WaitGroup
				defer sending.Wait()
				sending.Go(func() {
					for _, b := range []byte("GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 100)) {
						if _, err := c.Write([]byte{b}); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				})
				within(t, 10*time.Second, func() {
					got := readAll(t, c)
					if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.HasSuffix(got, errHeadTimeout.reason) {
						t.Errorf("got %q", got)
					}
				})
			})
		})
	}
}

func TestALoneLineEndIsClosedWithoutAWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(newServer(t, echo))
		send(t, c, "\r\n")
		within(t, 10*time.Second, func() {
			if got := readAll(t, c); got != "" {
				t.Errorf("got %q", got)
			}
		})
	})
}

// dribble sends rate bytes each second until that fails.
func dribble(c net.Conn, seconds, rate int) {
	for range seconds * min(rate, 1) {
		time.Sleep(time.Second)
		if _, err := io.WriteString(c, strings.Repeat("a", rate)); err != nil {
			return
		}
	}
}

func TestContentMustComeAtTheLeastRate(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for _, c := range []struct {
		name, head string
		rate       int
		fails      time.Duration // 0 when it does not
	}{
		{"nothing comes", post + "Content-Length: 60000\r\n\r\n", 0, 20 * time.Second},
		{"nothing comes of chunks", post + "Transfer-Encoding: chunked\r\n\r\nea60\r\n", 0, 20 * time.Second},
		{"it comes at half the rate", post + "Content-Length: 60000\r\n\r\n", 250, 38 * time.Second},
		{"it comes at half the rate in a chunk", post + "Transfer-Encoding: chunked\r\n\r\nea60\r\n", 250, 38 * time.Second},
		{"it comes fast enough", post + "Content-Length: 60000\r\n\r\n", 600, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var failed error
				client := piped(newServer(t, func(_ context.Context, x *durward.Exchange, out durward.Responder) {
					_, failed = io.Copy(io.Discard, &x.In.Body)
					answer(out, 200, "")
				}))
				send(t, client, c.head)
				var sending sync.WaitGroup
				sending.Go(func() { dribble(client, 100, c.rate) })
				took := max(c.fails, 98*time.Second)
				want := error(nil)
				if c.fails != 0 {
					took, want = c.fails, durward.ErrBodyTimeout
				}
				within(t, took, func() { readAll(t, client) })
				if failed != want {
					t.Errorf("got %v, want %v", failed, want)
				}
				client.Close()
				sending.Wait()
			})
		})
	}
}

func TestAClientThatDoesNotReadIsCutAfterTheWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan error, 1)
		c := piped(newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
			_, err := out.Respond(&durward.Response{Status: 200, Body: pieces(strings.Repeat("a", 1<<20)), Length: 1 << 20}, nil)
			failed <- err
		}))
		send(t, c, get)
		if _, err := io.ReadFull(c, make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
		within(t, 30*time.Second, func() {
			if err := <-failed; err != errSlowRead {
				t.Errorf("got %v", err)
			}
		})
		if rest, err := io.ReadAll(c); err != nil || len(rest) > 900_000 {
			t.Errorf("the client got %d bytes more, %v", len(rest), err)
		}
	})
}

func TestAHandlerMayTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(newServer(t, func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
			time.Sleep(time.Hour)
			if ctx.Err() != nil {
				t.Error("the context of a request whose client waits has ended")
			}
			answer(out, 200, "a")
		}))
		send(t, c, strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		within(t, time.Hour, func() {
			if got := readAll(t, c); !strings.HasSuffix(got, "\r\n\r\na") {
				t.Errorf("got %q", got)
			}
		})
	})
}

func TestAStreamIsNotEndedByATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan string)
		c := piped(newServer(t, func(_ context.Context, _ *durward.Exchange, out durward.Responder) {
			out.Respond(&durward.Response{Status: 200, Body: channel(events), Length: -1, Stream: true}, nil)
		}))
		send(t, c, get)
		buf := make([]byte, 1024)
		if n, err := c.Read(buf); err != nil || !strings.HasSuffix(string(buf[:n]), "chunked\r\n\r\n") {
			t.Fatalf("the head did not come at once: %q, %v", buf[:n], err)
		}
		for range 5 {
			time.Sleep(10 * time.Minute)
			events <- "data: a\n\n"
			if n, err := c.Read(buf); err != nil || string(buf[:n]) != "9\r\ndata: a\n\n\r\n" {
				t.Fatalf("got %q, %v", buf[:n], err)
			}
		}
		close(events)
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != "0\r\n\r\n" {
			t.Fatalf("got %q, %v", buf[:n], err)
		}
		c.Close()
	})
}

// channel is content that comes over a channel.
type channel chan string

func (channel) Close() error { return nil }

func (c channel) Read(p []byte) (int, error) {
	s, ok := <-c
	if !ok {
		return 0, io.EOF
	}
	return copy(p, s), nil
}
