// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var dialer = &net.Dialer{Timeout: time.Minute}

// awaitOpen waits until n connections are open.
func awaitOpen(t testing.TB, s *Set, n int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for s.Stats().Open != n {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open, not %d", s.Stats().Open, n)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// serves tells whether a request on the connection is answered.
func serves(c *client) bool {
	c.send("GET / HTTP/1.1\nHost: a\n\n")
	line, _ := c.r.ReadString('\n')
	if !strings.Contains(line, " 200 ") {
		return false
	}
	for line != "\r\n" {
		line, _ = c.r.ReadString('\n')
	}
	c.r.Discard(len("ok"))
	return true
}

func TestConnectionsAreBounded(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for name, tc := range map[string]struct {
		limits  Limits
		trusted []netip.Prefix
		taken   int
	}{
		"in all":                              {Limits{Connections: 2, ConnectionsPerAddress: 10}, nil, 2},
		"by address":                          {Limits{Connections: 10, ConnectionsPerAddress: 3}, nil, 3},
		"by address, but not trusted proxies": {Limits{Connections: 4, ConnectionsPerAddress: 1}, []netip.Prefix{loopback}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s, address := start(t, says("ok"), Config{Limits: tc.limits}, tc.trusted...)
			var held []*client
			for range tc.taken {
				c := dial(t, address)
				if !serves(c) {
					t.Fatal("refused too early")
				}
				held = append(held, c)
			}
			over := dial(t, address)
			if rest, _ := over.ended(); rest != "" {
				t.Errorf("one too many got %q", rest)
			}
			if st := s.Stats(); st.Open != tc.taken || st.Refused != 1 {
				t.Errorf("%+v", st)
			}
			held[0].Close() // makes room again
			awaitOpen(t, s, tc.taken-1)
			if !serves(dial(t, address)) {
				t.Error("no room after one has left")
			}
		})
	}
}

func TestTheLimitOutlivesAReload(t *testing.T) {
	cfg := Config{Limits: Limits{Connections: 1}}
	s, address := start(t, says("ok"), cfg)
	c := dial(t, address)
	if !serves(c) {
		t.Fatal("refused")
	}
	cfg.Address, cfg.Limits.IdleTimeout = "127.0.0.1:0", milliseconds(60_000)
	change(t, s, []Config{cfg})
	// The old connection ends with its last answer and is counted until then.
	if s.Stats().Open > 1 {
		t.Error(s.Stats())
	}
	awaitOpen(t, s, 0)
	if !serves(dial(t, address)) {
		t.Error("the count was not given back")
	}
}

func TestHoldersAreCountedByWhatTheyCanChange(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"::ffff:192.0.2.1":    "192.0.2.1",
		"2001:db8:1:2:3::4":   "2001:db8:1:2::",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::",
		"2001:db8:1:3::":      "2001:db8:1:3::",
		"fe80::1%eth0":        "fe80::",
	} {
		if got := holder(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s is counted as %s, not %s", in, got, want)
		}
	}
}

func TestTheGuardForgetsWhoHasLeft(t *testing.T) {
	g := newGuard()
	l := &Limits{Connections: 100, ConnectionsPerAddress: 100}
	for i := range 50 {
		g.enter(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), l, false)
	}
	for i := range 50 {
		g.leave(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	if len(g.by) != 0 || g.open() != 0 {
		t.Errorf("%d addresses, %d connections", len(g.by), g.open())
	}
}
