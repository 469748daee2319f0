// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/again"
)

// joined is how an upgrade ended.
type joined struct {
	toClient, toUpstream int64
	err                  error
}

// upgrading answers each request with a 101 and gives the upstream's far end.
func upgrading(idle time.Duration) (serveFunc, chan net.Conn, chan joined) {
	far, ends := make(chan net.Conn, 1), make(chan joined, 1)
	return func(ctx context.Context, x *durward.Exchange, out durward.Responder) {
		near, other := net.Pipe()
		far <- other
		var j joined
		j.toClient, j.toUpstream, j.err = out.Upgrade(ctx, &durward.Response{
			Status: 101, Upgraded: near, Header: durward.Header{{Name: "Sec-Websocket-Accept", Value: "x"}},
		}, durward.Header{{Name: "X-Request-Id", Value: "1"}}, idle)
		near.Close()
		ends <- j
	}, far, ends
}

const upgradeRequest = "GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n"

// upgradeOn makes the connection leave HTTP and gives the upstream's end.
func upgradeOn(t testing.TB, c *client, far chan net.Conn, early string) net.Conn {
	t.Helper()
	c.send(upgradeRequest + early)
	upstream := <-far
	resp, _ := c.answer("GET")
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Connection") != "Upgrade" ||
		resp.Header.Get("Sec-Websocket-Accept") != "x" || resp.Header.Get("X-Request-Id") != "1" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	t.Cleanup(func() { upstream.Close() })
	upstream.SetDeadline(time.Now().Add(time.Minute))
	return upstream
}

func exchange(t testing.TB, from io.Writer, to io.Reader, text string) {
	t.Helper()
	go io.WriteString(from, text)
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v; want %q", got, err, text)
	}
}

func TestAnUpgradeJoinsBothEnds(t *testing.T) {
	h, far, ends := upgrading(time.Minute)
	_, address := start(t, h, Config{})
	for name, finish := range map[string]func(c *client, upstream net.Conn){
		"until the client leaves":   func(c *client, _ net.Conn) { c.Close() },
		"until the upstream leaves": func(_ *client, upstream net.Conn) { upstream.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			upstream := upgradeOn(t, c, far, "early") // sent before the 101
			exchange(t, io.Discard, upstream, "early")
			exchange(t, c, upstream, "from the client")
			exchange(t, upstream, c.r, "from the upstream")
			finish(c, upstream)
			if j := <-ends; j.toClient != int64(len("from the upstream")) || j.toUpstream != int64(len("earlyfrom the client")) {
				t.Errorf("%+v", j)
			}
			if _, err := upstream.Read(make([]byte, 1)); err == nil {
				t.Error("the upstream's end is open")
			}
		})
	}
}

func TestASilentUpgradeEnds(t *testing.T) {
	again.Try(t, func(t testing.TB) {
		h, far, ends := upgrading(300 * time.Millisecond)
		_, address := start(t, h, Config{})
		c := dial(t, address)
		upstream := upgradeOn(t, c, far, "")
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range 6 { // one direction is enough to keep it
			<-tick.C
			exchange(t, upstream, c.r, "tick")
		}
		began := time.Now()
		// Either direction may be the first to notice, and closes the other's end.
		if j := <-ends; !errors.Is(j.err, os.ErrDeadlineExceeded) && !errors.Is(j.err, io.ErrClosedPipe) {
			t.Errorf("%+v", j)
		}
		within(t, began, 5*time.Second, "the end")
	})
}

func TestAnUpgradedClientThatDoesNotReadIsCut(t *testing.T) {
	h, far, ends := upgrading(time.Minute)
	_, address := start(t, h, Config{Limits: Limits{WriteTimeout: milliseconds(300)}})
	c := dial(t, address)
	upstream := upgradeOn(t, c, far, "")
	upstream.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(upstream, zeros{}); err == nil {
		t.Error("all was taken")
	}
	if j := <-ends; j.err == nil || !strings.Contains(j.err.Error(), "did not read in time") {
		t.Errorf("%+v", j.err)
	}
}

func TestHTTP2HasNoUpgrade(t *testing.T) {
	o := &responder{}
	if _, _, err := o.Upgrade(t.Context(), &durward.Response{}, nil, time.Minute); err == nil || !o.cut {
		t.Errorf("%v, cut %v", err, o.cut)
	}
}

func TestShutdownWaitsForUpgradesAndThenCutsThem(t *testing.T) {
	h, far, ends := upgrading(time.Minute)
	s, address := start(t, h, Config{})
	first := upgradeOn(t, dial(t, address), far, "")
	second := dial(t, address)
	upgradeOn(t, second, far, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	first.Close() // one ends by itself
	<-ends
	select {
	case err := <-done:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	// The other's upstream does not read: closing the client alone would not do.
	go second.Write(make([]byte, 1<<16))
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-ends
}
