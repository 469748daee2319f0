// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"durward"
)

// echoUpgrade is a target that switches to websocket and echoes bytes.
func echoUpgrade(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.ProtoMajor != 1 {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(c, rw)
	}
}

func TestAWebSocketPassesOverHTTP1EvenToAnHTTP2Target(t *testing.T) {
	ours := newAuthority(t, "ours")
	plain := serve(t, echoUpgrade(t))
	both := ours.serveTLS("127.0.0.1", true, nil, echoUpgrade(t))
	for _, c := range []Config{
		{Targets: targets(plain.URL)},
		{Targets: targets(both.URL), Protocol: "h2", TLS: &TLS{CA: ours.pem}},
	} {
		c.Upgrades = []string{"websocket"}
		u := newUpstream(t, c, nil)
		x := newExchange("GET", "/socket")
		x.In.Upgrade = "websocket"
		x.In.Header = fields("Connection", "Upgrade", "Upgrade", "websocket", "Sec-Websocket-Key", "k")
		mustAllow(t, call(t, u, x))
		up := x.Response.Upgraded
		if x.Response.Status != 101 || up == nil || x.Response.Header.Get("Sec-Websocket-Accept") != "x" {
			t.Fatalf("answer %+v", x.Response)
		}
		if d, ok := up.(interface{ SetReadDeadline(time.Time) error }); !ok || d.SetReadDeadline(time.Now().Add(time.Minute)) != nil {
			t.Error("an upgraded connection takes no deadline")
		}
		if d, ok := up.(interface{ SetWriteDeadline(time.Time) error }); !ok || d.SetWriteDeadline(time.Now().Add(time.Minute)) != nil {
			t.Error("an upgraded connection takes no write deadline")
		}
		if _, err := io.WriteString(up, "ping"); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4)
		if _, err := io.ReadFull(up, buf); err != nil || string(buf) != "ping" {
			t.Fatalf("echo %q, %v", buf, err)
		}
		if got := u.Status()[0].InFlight; got != 1 {
			t.Errorf("%d in flight while it is open, want 1", got)
		}
		_ = up.Close()
		_ = up.Close()
		if got := u.Status()[0].InFlight; got != 0 {
			t.Errorf("%d in flight after its end", got)
		}
		if u.UpgradeIdle() != 5*time.Minute {
			t.Errorf("idle time %v", u.UpgradeIdle())
		}
	}
}

func TestARefusedUpgradeIsAnOrdinaryAnswer(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) })
	x := newExchange("GET", "/socket")
	x.In.Upgrade = "websocket"
	mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(s.URL), Upgrades: []string{"websocket"}}, nil), x))
	if content(t, x); x.Response.Status != 403 || x.Response.Upgraded != nil {
		t.Errorf("answer %+v", x.Response)
	}
}

func TestServerSentEventsComeOneByOne(t *testing.T) {
	next := make(chan struct{})
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}
	for protocol, url := range map[string]string{"http1": serve(t, h).URL, "h2c": serveH2C(t, h).URL} {
		x := newExchange("GET", "/events")
		mustAllow(t, call(t, newUpstream(t, Config{Targets: targets(url), Protocol: protocol}, nil), x))
		if !x.Response.Stream {
			t.Errorf("%s: not marked as a stream", protocol)
		}
		lines := bufio.NewScanner(x.Response.Body)
		for i := range 3 { // each is read before the next is sent
			if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) || !lines.Scan() {
				t.Fatalf("%s: got %q, %v", protocol, lines.Text(), lines.Err())
			}
			next <- struct{}{}
		}
		if lines.Scan() || lines.Err() != nil {
			t.Errorf("%s: after the end %q, %v", protocol, lines.Text(), lines.Err())
		}
		_ = x.Response.Body.Close()
	}
}

func TestTheNextGenerationGoesOnWithConnectionsAndHealth(t *testing.T) {
	var connections atomic.Int32
	counted := serveCounted(t, &connections)
	for _, protocol := range []string{"http1", "h2c"} {
		connections.Store(0)
		p := newPools(t, nil)
		c := Config{Targets: targets(counted[protocol], dead(t)), Protocol: protocol, Health: Health{Passive: Passive{Failures: 1}}}
		get := func(u *Upstream) durward.Decision {
			x := newExchange("GET", "/")
			d := call(t, u, x)
			mustAllow(t, d)
			content(t, x)
			return d
		}
		// net/http offers a new HTTP/2 connection to others a moment after its
		// first request has it, so that the next request may open a second one.
		// One request for each generation tells that from a generation which
		// starts with nothing.
		const first, generations = 4, 12
		old := newUpstream(t, c, p)
		for range first {
			get(old)
		}
		next := newUpstream(t, c, p)
		other := c
		other.Timeout = duration(9 * time.Second) // connections of its own, the same health
		third := newUpstream(t, other, p)
		old.Close()
		old.Close()
		if s := next.Status(); !s[0].Healthy || s[1].Healthy {
			t.Errorf("%s: health was forgotten: %+v", protocol, s)
		}
		if s := third.Status(); s[1].Healthy {
			t.Errorf("%s: health was forgotten with the settings: %+v", protocol, s)
		}
		for range generations {
			get(next)
			newer := newUpstream(t, c, p)
			next.Close()
			next = newer
		}
		if got := connections.Load(); got > first {
			t.Errorf("%s: %d connections for %d generations", protocol, got, generations+1)
		}
		next.Close()
		third.Close()
		p.mu.Lock()
		if len(p.members) != 0 || len(p.ids) != 0 {
			t.Errorf("%s: %d members and %d identities left", protocol, len(p.members), len(p.ids))
		}
		p.mu.Unlock()
	}
}

func TestLiveRequestsOutliveTheirGeneration(t *testing.T) {
	for _, protocol := range []string{"http1", "h2c"} {
		release := make(chan struct{})
		h := func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "first ")
			_ = http.NewResponseController(w).Flush()
			<-release
			_, _ = io.WriteString(w, "last")
		}
		url := ""
		if protocol == "h2c" {
			url = serveH2C(t, h).URL
		} else {
			url = serve(t, h).URL
		}
		p := newPools(t, nil)
		u := newUpstream(t, Config{Targets: targets(url), Protocol: protocol}, p)
		x := newExchange("GET", "/")
		mustAllow(t, call(t, u, x))
		u.Close()
		p.Close()
		close(release)
		if got := content(t, x); got != "first last" {
			t.Errorf("%s: got %q", protocol, got)
		}
		y := newExchange("GET", "/")
		mustRefuse(t, y, call(t, u, y), durward.CodeUpstreamUnreachable)
		if _, err := New(&Config{Targets: targets(url)}, p, nil); err == nil {
			t.Error("closed pools took a target")
		}
	}
}

// serveCounted starts a target for each protocol that counts its connections.
func serveCounted(t *testing.T, connections *atomic.Int32) map[string]string {
	t.Helper()
	urls := map[string]string{}
	for _, protocol := range []string{"http1", "h2c"} {
		s := httptest.NewUnstartedServer(named("ok"))
		if protocol == "h2c" {
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
		}
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		s.Start()
		t.Cleanup(s.Close)
		urls[protocol] = s.URL
	}
	return urls
}
