// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\n"

func upgrading() *Request {
	r := get("/chat")
	r.Out.Upgrade = "websocket"
	return r
}

func TestAnUpgradeGivesTheConnectionWithWhatCameBehindThe101(t *testing.T) {
	up := listen(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Error(err)
			return
		}
		if r.Header.Get("Connection") != "Upgrade" || r.Header.Get("Upgrade") != "websocket" {
			t.Errorf("the target got %v", r.Header)
		}
		_, _ = io.WriteString(c, switching+"first frame")
		_, _ = io.Copy(c, br)
	})
	p := newPool(t, up.dial)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := p.RoundTrip(ctx, upgrading())
	if err != nil {
		t.Fatal(err)
	}
	cancel() // of the exchange, not of the tunnel
	if r.Status != 101 || r.Body != nil || r.Header.Has("Upgrade") || r.Header.Get("Sec-Websocket-Accept") != "x" {
		t.Errorf("got %d %v", r.Status, r.Header)
	}
	got := make([]byte, len("first frame"))
	if _, err := io.ReadFull(r.Upgraded, got); err != nil || string(got) != "first frame" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := io.WriteString(r.Upgraded, "echo"); err != nil {
		t.Error(err)
	}
	if err := r.Upgraded.(*tunnel).CloseWrite(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(r.Upgraded); err != nil || string(rest) != "echo" {
		t.Errorf("got %q, %v", rest, err)
	}
	if d := cmp.Diff(Stats{Open: 1}, p.Stats()); d != "" {
		t.Error(d)
	}
	for range 2 {
		if err := r.Upgraded.Close(); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
		t.Error(d)
	}
}

func TestAnUpgradeThatIsRefusedIsAnOrdinaryAnswer(t *testing.T) {
	p := once(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
	r := want(t, p, upgrading(), 403, "no")
	if r.Upgraded != nil {
		t.Error("it has an upgraded connection")
	}
	if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" {
		t.Error(d)
	}
}

func TestA101ThatDoesNotMatchIsInvalid(t *testing.T) {
	for name, raw := range map[string]string{
		"another protocol":             "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		"no protocol":                  "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n",
		"two protocols":                "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
		"a list of protocols":          "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
		"no Connection":                "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
		"a Connection without upgrade": "HTTP/1.1 101 S\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
		"a length":                     "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
		"chunks":                       "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0":                     "HTTP/1.0 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := once(t, raw)
			if _, err := p.RoundTrip(t.Context(), upgrading()); kindOf(err) != Invalid {
				t.Errorf("got %v", err)
			}
			if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
				t.Error(d)
			}
		})
	}
}
