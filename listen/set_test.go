// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
)

// gate holds each request until it is opened.
type gate struct {
	begun chan bool
	open  chan bool
}

func newGate() *gate { return &gate{make(chan bool, 100), make(chan bool)} }

func (g *gate) serve(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
	g.begun <- true
	select {
	case <-g.open:
		out.Respond(text(200, "ok"), nil)
	case <-ctx.Done():
		out.Abort()
	}
}

func TestAChangeIsAllOrNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s, address := start(t, says("ok"), Config{})
	kept := Config{Address: "127.0.0.1:0"}
	for name, tc := range map[string]struct {
		listeners []Config
		want      string
	}{
		"an address in use":      {[]Config{kept, {Address: "localhost:0"}, {Address: taken.Addr().String()}}, "listen[2].address: cannot listen"},
		"an address given twice": {[]Config{kept, kept}, "listen[1].address: is given twice"},
		"a missing certificate": {[]Config{kept, {Address: "localhost:0", TLS: &TLS{Certificates: []Certificate{{"no.crt", "no.key"}}}}},
			"listen[1].tls.certificates: certificate no.crt"},
		"all faults at once": {[]Config{{Address: taken.Addr().String()}, {Address: taken.Addr().String()}}, "listen[1].address: cannot listen"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Prepare(t.Context(), tc.listeners, nil, time.Minute); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if len(s.Addresses()) != 1 || !serves(dial(t, address)) {
				t.Error("something has changed")
			}
		})
	}
	ch, err := s.Prepare(t.Context(), []Config{{Address: "localhost:0"}}, nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	opened := ch.opened[0].ln.Addr().String()
	ch.Abort()
	if c, err := net.Dial("tcp", opened); err == nil {
		c.Close()
		t.Error("an aborted change listens")
	}
	if !serves(dial(t, address)) {
		t.Error("an aborted change has changed something")
	}
}

func TestWhatStaysKeepsItsSocketAndConnections(t *testing.T) {
	s, address := start(t, says("ok"), Config{})
	c := dial(t, address)
	if !serves(c) {
		t.Fatal("not served")
	}
	kept := Config{Address: "127.0.0.1:0"}
	change(t, s, []Config{kept, {Address: "localhost:0"}})
	if !serves(c) {
		t.Error("an unchanged listener lost its connection")
	}
	added := s.Addresses()["localhost:0"].String()
	if !serves(dial(t, added)) {
		t.Error("the added one does not serve")
	}
	change(t, s, []Config{kept})
	if c, err := net.Dial("tcp", added); err == nil {
		c.Close()
		t.Error("the removed one listens")
	}
	if s.Addresses()["127.0.0.1:0"].String() != address {
		t.Error("the socket has changed")
	}
	trusted := netip.MustParsePrefix("10.0.0.0/8")
	change(t, s, []Config{kept}, trusted) // other trust is another listener
	if s.Addresses()["127.0.0.1:0"].String() != address || !serves(dial(t, address)) {
		t.Error("the socket did not outlive a change of its settings")
	}
}

func TestAChangedListenersOldConnectionsEndInTime(t *testing.T) {
	g := newGate()
	s, address := start(t, serveFunc(g.serve), Config{})
	busy := dial(t, address)
	busy.send("GET / HTTP/1.1\nHost: a\n\n")
	<-g.begun
	cfg := Config{Address: "127.0.0.1:0", Limits: Limits{Streams: 7}}
	change(t, s, []Config{cfg})
	g.open <- true
	if resp, body := busy.answer("GET"); resp.StatusCode != 200 || body != "ok" || !resp.Close {
		t.Errorf("%s %q, close %v: what was under way must end well", resp.Status, body, resp.Close)
	}
	busy.ended()

	stuck := dial(t, address)
	stuck.send("GET / HTTP/1.1\nHost: a\n\n")
	<-g.begun
	cfg.Limits.Streams = 8
	ch, err := s.Prepare(t.Context(), []Config{cfg}, nil, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ch.Commit()
	if rest, _ := stuck.ended(); rest != "" {
		t.Errorf("%q", rest)
	}
	within(t, began, 30*time.Second, "the cut")
}

func TestNoAcceptedRequestIsLostWhenListenersChange(t *testing.T) {
	s, address := start(t, says("ok"), Config{})
	stop := make(chan bool)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			hc := transport(t, address, nil, func(p *http.Protocols) { p.SetHTTP1(true) })
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				// A GET is sent again by the client itself where its idle
				// connection was closed: nothing of it was accepted.
				resp, err := hc.Get("http://a/")
				if err != nil {
					t.Errorf("request %d: %v", n, err)
					return
				}
				if resp.StatusCode != 200 {
					t.Errorf("request %d: %s", n, resp.Status)
				}
				resp.Body.Close()
			}
		})
	}
	for i := range 50 {
		change(t, s, []Config{{Address: "127.0.0.1:0", Limits: Limits{Streams: 1 + i%2}}})
	}
	close(stop)
	wg.Wait()
}

func TestDrainAsksClientsToLeave(t *testing.T) {
	s, address := start(t, says("ok"), Config{})
	c := dial(t, address)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	if resp, _ := c.answer("GET"); resp.Close {
		t.Error("asked to leave before the drain")
	}
	hc := transport(t, address, nil, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })
	get(t, hc, "http://a/")
	s.Drain()
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	if resp, body := c.answer("GET"); !resp.Close || body != "ok" {
		t.Errorf("close %v, %q", resp.Close, body)
	}
	c.ended()
	get(t, hc, "http://a/") // its answer brings a GOAWAY
	awaitOpen(t, s, 0)
	if resp, _ := get(t, hc, "http://a/"); resp.StatusCode != 200 {
		t.Error("new connections are still served while draining")
	}
	change(t, s, []Config{{Address: "127.0.0.1:0", Limits: Limits{Streams: 9}}})
	c = dial(t, address)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	if resp, _ := c.answer("GET"); !resp.Close {
		t.Error("a change of listeners ended the drain")
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	for _, proto := range []string{"http1", "h2c"} {
		t.Run(proto, func(t *testing.T) {
			g := newGate()
			s, address := start(t, serveFunc(g.serve), Config{})
			hc := transport(t, address, nil, func(p *http.Protocols) { p.SetHTTP1(proto == "http1"); p.SetUnencryptedHTTP2(proto == "h2c") })
			got := make(chan string, 1)
			go func() {
				resp, err := hc.Get("http://a/")
				if err != nil {
					got <- err.Error()
					return
				}
				resp.Body.Close()
				got <- resp.Status
			}()
			<-g.begun
			done := make(chan error, 1)
			go func() { done <- s.Shutdown(t.Context()) }()
			for { // until nobody listens any more
				c, err := net.Dial("tcp", address)
				if err != nil {
					break
				}
				c.Close()
			}
			g.open <- true
			if status := <-got; status != "200 OK" {
				t.Error(status)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if err := s.Shutdown(t.Context()); err != nil {
				t.Errorf("a second time: %v", err)
			}
			if _, err := s.Prepare(t.Context(), nil, nil, 0); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a change after the end: %v", err)
			}
		})
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	g := newGate()
	s, address := start(t, serveFunc(g.serve), Config{})
	old := dial(t, address)
	old.send("GET / HTTP/1.1\nHost: a\n\n")
	<-g.begun
	// The old front would have a minute; the end of the gateway is sooner.
	change(t, s, []Config{{Address: "127.0.0.1:0", Limits: Limits{Streams: 3}}})
	c := dial(t, address)
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	<-g.begun
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "127.0.0.1:0") {
		t.Errorf("%v", err)
	}
	within(t, began, 30*time.Second, "the shutdown")
	c.ended()
	old.ended()
}

func TestAChangeThatComesAfterTheEndOpensNothing(t *testing.T) {
	s := NewSet(says("ok"), slog.New(slog.DiscardHandler))
	ch, err := s.Prepare(t.Context(), []Config{{Address: "127.0.0.1:0"}}, nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	address := ch.opened[0].ln.Addr().String()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ch.Commit()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("it listens")
	}
}
