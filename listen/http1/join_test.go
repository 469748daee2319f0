// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

const websocket = "GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"

// upgrading joins the client to one end of a pipe, the other end of which
// gets to the test.
func upgrading(upstreams chan net.Conn, result chan<- [2]int64, idle time.Duration) func(context.Context, *durward.Exchange, durward.Responder) {
	return func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
		near, far := net.Pipe()
		upstreams <- far
		in, up, _ := out.Upgrade(ctx, &durward.Response{Status: 101, Upgraded: near, Header: durward.Header{
			{Name: "Upgrade", Value: "other"}, {Name: "Sec-Websocket-Accept", Value: "s"}}}, durward.Header{{Name: "X-Request-Id", Value: "1"}}, idle)
		near.Close()
		result <- [2]int64{in, up}
	}
}

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-Websocket-Accept: s\r\nX-Request-Id: 1\r\n\r\n"

func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

func TestAnUpgradeJoinsBothEnds(t *testing.T) {
	for name, end := range map[string]func(client, upstream net.Conn) (other net.Conn){
		"the client ends":   func(client, upstream net.Conn) net.Conn { client.Close(); return upstream },
		"the upstream ends": func(client, upstream net.Conn) net.Conn { upstream.Close(); return client },
	} {
		t.Run(name, func(t *testing.T) {
			upstreams, result := make(chan net.Conn, 1), make(chan [2]int64, 1)
			c := dial(t, listen(t, newServer(t, upgrading(upstreams, result, time.Minute))))
			send(t, c, websocket+"sent early") // before the 101, as some clients do
			upstream := <-upstreams
			defer upstream.Close()
			expect(t, upstream, "sent early")
			expect(t, c, switched)
			send(t, upstream, "from upstream")
			expect(t, c, "from upstream")
			send(t, c, "from client")
			expect(t, upstream, "from client")
			if b, err := io.ReadAll(end(c, upstream)); err != nil || len(b) != 0 {
				t.Errorf("got %q, %v", b, err)
			}
			if got := <-result; got != [2]int64{13, 21} {
				t.Errorf("counted %v", got)
			}
		})
	}
}

func TestAnUpgradeThatNobodyAskedForIsRefused(t *testing.T) {
	for name, request := range map[string]string{
		"no Upgrade field":           get,
		"HTTP/1.0":                   strings.Replace(websocket, "HTTP/1.1", "HTTP/1.0", 1),
		"content that was not read":  strings.Replace(websocket, "\r\n\r\n", "\r\nContent-Length: 10\r\n\r\n", 1),
		"several protocols in lines": strings.Replace(websocket, "\r\n\r\n", "\r\nUpgrade: b\r\n\r\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
				if _, _, err := out.Upgrade(ctx, &durward.Response{Status: 101}, nil, time.Minute); err != errUpgrade {
					t.Errorf("got %v", err)
				}
			})
			if got := play(t, s, request, 1<<20); got != "" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAnUpgradedConnectionEndsWhenItIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstreams, result := make(chan net.Conn, 1), make(chan [2]int64, 1)
		c := piped(newServer(t, upgrading(upstreams, result, time.Minute)))
		send(t, c, websocket)
		expect(t, c, switched)
		upstream := <-upstreams
		for range 10 { // one direction alone keeps it alive
			time.Sleep(50 * time.Second)
			send(t, upstream, "a")
			expect(t, c, "a")
		}
		start := time.Now()
		<-result
		if took := time.Since(start); took < time.Minute || took > 2*time.Minute+10*time.Second {
			t.Errorf("it ended after %v", took)
		}
		upstream.Close()
		c.Close()
	})
}

func TestShutdownCutsUpgradedConnectionsLast(t *testing.T) {
	upstreams, result := make(chan net.Conn, 1), make(chan [2]int64, 1)
	s := newServer(t, upgrading(upstreams, result, time.Hour))
	c := dial(t, listen(t, s))
	send(t, c, websocket)
	expect(t, c, switched)
	upstream := <-upstreams
	defer upstream.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	send(t, c, "still there")
	expect(t, upstream, "still there")
	cancel()
	if err := <-done; err == nil {
		t.Error("nothing was cut")
	}
	<-result
}
