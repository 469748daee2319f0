// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/again"
)

// within fails the test when something took longer than it may. Whoever calls
// it is in a try, for the machine may have stood still, or gives a bound that only
// what hangs exceeds.
func within(t testing.TB, began time.Time, d time.Duration, what string) {
	t.Helper()
	if took := time.Since(began); took > d {
		t.Errorf("%s took %v", what, took)
	}
}

func TestSlowHeadersEndTheConnection(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{
		"nothing at all":           "",
		"part of a request line":   "GET /",
		"part of a header section": "GET / HTTP/1.1\r\nHost: a\r\nX-A:",
		"part of an h2c preface":   "PRI * HTT",
	} {
		t.Run(name, func(t *testing.T) {
			again.Try(t, func(t testing.TB) {
				_, address := start(t, says("never"), Config{Limits: Limits{HeaderTimeout: milliseconds(200)}})
				began := time.Now()
				c := dial(t, address)
				io.WriteString(c, sent)
				if rest, _ := c.ended(); strings.Contains(rest, "never") {
					t.Errorf("answered %q", rest)
				}
				within(t, began, 5*time.Second, "closing")
			})
		})
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	again.Try(t, func(t testing.TB) {
		_, address := start(t, says("ok"), Config{Limits: Limits{IdleTimeout: milliseconds(200)}})
		c := dial(t, address)
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		c.answer("GET")
		began := time.Now()
		c.ended()
		within(t, began, 5*time.Second, "closing")
	})
}

func TestASlowBodyIsA408(t *testing.T) {
	t.Parallel()
	limits := Limits{BodyTimeout: milliseconds(300), BodyMinRate: 1 << 20}
	_, address := start(t, serveFunc(echo), Config{Limits: limits})
	for name, sent := range map[string]string{
		"one that does not begin":         "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n",
		"one that stops":                  "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nab",
		"one that stops between chunks":   "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n2\nab\n",
		"one that was never asked for it": "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nExpect: 100-continue\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				began := time.Now()
				c := dial(t, address)
				c.send(sent)
				resp, _ := c.answer("POST")
				if resp.StatusCode == 100 {
					resp, _ = c.answer("POST")
				}
				if resp.StatusCode != 408 || !resp.Close {
					t.Errorf("%s, close %v", resp.Status, resp.Close)
				}
				c.ended()
				within(t, began, 8*time.Second, "the answer")
			})
		})
	}
}

func TestADrippingBodyFallsBehind(t *testing.T) {
	t.Parallel()
	limits := Limits{BodyTimeout: milliseconds(300), BodyMinRate: 1 << 20}
	_, address := start(t, serveFunc(echo), Config{Limits: limits})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 100000\n\n")
	stop := make(chan bool)
	go func() {
		defer close(stop)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
		}
	}()
	resp, _ := c.answer("POST")
	if resp.StatusCode != 408 {
		t.Error(resp.Status)
	}
	c.Close()
	<-stop
}

// A client that was fast at first must not have earned the right to stall: a
// megabyte at 500 bytes a second would be half an hour.
func TestAFastBeginningEarnsNoStall(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"http1", "h2c"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				_, address := start(t, serveFunc(echo), Config{Limits: Limits{BodyTimeout: milliseconds(400), BodyMinRate: 500}})
				hc := transport(t, address, nil, func(p *http.Protocols) { p.SetHTTP1(proto == "http1"); p.SetUnencryptedHTTP2(proto == "h2c") })
				body, w := io.Pipe()
				began := time.Now()
				go io.WriteString(w, strings.Repeat("x", 1<<20)) // and then nothing
				req, err := http.NewRequest("POST", "http://a/", body)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := hc.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				w.Close()
				if resp.StatusCode != 408 {
					t.Error(resp.Status)
				}
				within(t, began, 10*time.Second, "the answer")
			})
		})
	}
}

// A media type is the client's to say, so it alone must not end the pace.
func TestOnlyAContentThatIsUnpacedMayStall(t *testing.T) {
	t.Parallel()
	_, address := start(t, serveFunc(func(ctx context.Context, x *durward.Exchange, out durward.Responder) {
		if x.In.Path = x.In.RawPath; x.In.Path == "/stream" {
			x.In.Body.Read(make([]byte, 1)) // a deadline is set by then
			x.In.Body.Unpaced()
			_, err := x.In.Body.Read(make([]byte, 16))
			out.Respond(text(200, fmt.Sprint(err)), nil)
			return
		}
		echo(ctx, x, out)
	}), Config{Limits: Limits{BodyTimeout: milliseconds(300)}})
	for _, c := range []struct {
		proto, path string
		want        int
	}{{"h2c", "/stream", 200}, {"h2c", "/", 408}, {"http1", "/", 408}} {
		t.Run(c.proto+c.path, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				hc := transport(t, address, nil, func(p *http.Protocols) { p.SetHTTP1(c.proto == "http1"); p.SetUnencryptedHTTP2(c.proto == "h2c") })
				body, w := io.Pipe()
				go func() {
					io.WriteString(w, "x")
					if c.want == 200 {
						<-time.After(900 * time.Millisecond) // three times the timeout
						io.WriteString(w, "y")
					}
				}()
				req, err := http.NewRequest("POST", "http://a"+c.path, body)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/grpc")
				resp, err := hc.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				content, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				w.Close()
				if resp.StatusCode != c.want || c.want == 200 && string(content) != "<nil>" {
					t.Errorf("%s %q", resp.Status, content)
				}
			})
		})
	}
}

func TestASteadyBodyMayTakeItsTime(t *testing.T) {
	t.Parallel()
	again.Try(t, func(t testing.TB) {
		_, address := start(t, serveFunc(echo), Config{Limits: Limits{BodyTimeout: milliseconds(400), BodyMinRate: 10}})
		c := dial(t, address)
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 1200\n\n")
		tick := time.NewTicker(60 * time.Millisecond)
		defer tick.Stop()
		for range 12 { // well over the timeout, well over the rate
			<-tick.C
			c.send(strings.Repeat("x", 100))
		}
		if resp, body := c.answer("POST"); resp.StatusCode != 200 || len(body) != 1200 {
			t.Errorf("%s, %d bytes", resp.Status, len(body))
		}
	})
}

func TestMalformedAndCutBodiesAreToldApart(t *testing.T) {
	got := make(chan error, 1)
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
		_, err := x.In.Body.Bytes()
		got <- err
		out.Respond(text(400, ""), nil)
	})
	_, address := start(t, h, Config{})
	for name, tc := range map[string]struct {
		sent string
		want error
	}{
		"a bad chunk size":     {"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nzz\n", durward.ErrBodyMalformed},
		"a chunk without end":  {"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1\nabc\n", durward.ErrBodyMalformed},
		"an end before length": {"POST / HTTP/1.1\nHost: a\nContent-Length: 9\n\nabc", durward.ErrBodyAborted},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			c.send(tc.sent)
			if tc.want == durward.ErrBodyAborted {
				c.Conn.(*net.TCPConn).CloseWrite()
			}
			if err := <-got; !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestAnUnreadBodyDoesNotHoldTheConnection(t *testing.T) {
	t.Parallel()
	h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) { out.Respond(text(401, "no"), nil) })
	_, address := start(t, h, Config{Limits: Limits{BodyTimeout: milliseconds(60_000)}})
	for name, sent := range map[string]string{
		"that never comes":        "POST / HTTP/1.1\nHost: a\nContent-Length: 100000\n\n",
		"that is chunked":         "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nabcde\n",
		"that is waited for":      "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nExpect: 100-continue\n\n",
		"that is larger than any": "POST / HTTP/1.1\nHost: a\nContent-Length: 999999999999\n\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				began := time.Now()
				c := dial(t, address)
				c.send(sent)
				resp, body := c.answer("POST")
				if resp.StatusCode != 401 || body != "no" || !resp.Close {
					t.Errorf("%s %q, close %v", resp.Status, body, resp.Close)
				}
				if rest, _ := c.ended(); rest != "" {
					t.Errorf("and then %q", rest)
				}
				within(t, began, 5*time.Second, "the end")
			})
		})
	}
}

func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"http1", "h2c"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
				endless := io.LimitReader(zeros{}, 1<<40)
				_, err := out.Respond(&durward.Response{Status: 200, Body: io.NopCloser(endless), Length: -1}, nil)
				ended <- err
			})
			_, address := start(t, h, Config{Limits: Limits{WriteTimeout: milliseconds(300)}})
			if proto == "http1" {
				dial(t, address).send("GET / HTTP/1.1\nHost: a\n\n")
			} else {
				hc := transport(t, address, nil, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })
				resp, err := hc.Get("http://a/")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close() // never read: the stream's window stays shut
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("no error")
				}
			case <-time.After(time.Minute):
				t.Fatal("still writing")
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// The write deadline is for writes. A stream may be silent for longer.
func TestAStreamMayBeSilentForLongerThanAWriteMayTake(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"http1", "h2c"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				h := serveFunc(func(_ context.Context, x *durward.Exchange, out durward.Responder) {
					r, w := io.Pipe()
					go func() {
						for _, part := range []string{"one", "two"} {
							<-time.After(500 * time.Millisecond)
							io.WriteString(w, part)
						}
						w.Close()
					}()
					if _, err := out.Respond(&durward.Response{Status: 200, Body: r, Length: -1, Stream: true}, nil); err != nil {
						t.Error(err)
					}
				})
				_, address := start(t, h, Config{Limits: Limits{WriteTimeout: milliseconds(200)}})
				hc := transport(t, address, nil, func(p *http.Protocols) { p.SetHTTP1(proto == "http1"); p.SetUnencryptedHTTP2(proto == "h2c") })
				if resp, body := get(t, hc, "http://a/"); resp.StatusCode != 200 || body != "onetwo" {
					t.Errorf("%s %q", resp.Status, body)
				}
			})
		})
	}
}

// The deadline of an earlier answer must not break what net/http itself writes.
func TestContinueIsSentLongAfterTheLastAnswer(t *testing.T) {
	t.Parallel()
	again.Try(t, func(t testing.TB) {
		_, address := start(t, serveFunc(echo), Config{Limits: Limits{WriteTimeout: milliseconds(100)}})
		c := dial(t, address)
		c.send("GET / HTTP/1.1\nHost: a\n\n")
		c.answer("GET")
		<-time.After(200 * time.Millisecond)
		c.send("POST / HTTP/1.1\nHost: a\nContent-Length: 2\nExpect: 100-continue\n\n")
		if resp, _ := c.answer("POST"); resp.StatusCode != 100 {
			t.Fatal(resp.Status)
		}
		c.send("hi")
		if resp, body := c.answer("POST"); resp.StatusCode != 200 || body != "hi" {
			t.Errorf("%s %q", resp.Status, body)
		}
	})
}

// What comes before a request is bounded as well: a handshake that stops, an
// HTTP/2 connection without a request, a header section in frames that stops.
func TestNoStageBeforeARequestCanBeHeld(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	limits := Limits{HeaderTimeout: milliseconds(300), IdleTimeout: milliseconds(300)}
	secure := a.secure()
	secure.Limits = limits
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, tc := range map[string]struct {
		cfg  Config
		sent string
	}{
		"no handshake":               {secure, ""},
		"part of a handshake":        {secure, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		"a preface alone":            {Config{Limits: limits}, preface},
		"no request":                 {Config{Limits: limits}, preface + settings},
		"part of a frame":            {Config{Limits: limits}, preface + settings + "\x00\x10\x00\x01"},
		"headers that never end":     {Config{Limits: limits}, preface + settings + "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82"},
		"an oversized frame":         {Config{Limits: limits}, preface + settings + "\xff\xff\xff\x01\x00\x00\x00\x00\x01"},
		"a push promise of a client": {Config{Limits: limits}, preface + settings + "\x00\x00\x04\x05\x04\x00\x00\x00\x01\x00\x00\x00\x02"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again.Try(t, func(t testing.TB) {
				_, address := start(t, says("never"), tc.cfg)
				began := time.Now()
				c := dial(t, address)
				io.WriteString(c, tc.sent)
				if rest, _ := c.ended(); strings.Contains(rest, "never") {
					t.Errorf("served: %q", rest)
				}
				within(t, began, 15*time.Second, "closing")
			})
		})
	}
}
