// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"net/netip"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

var proxies = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"), netip.MustParsePrefix("::ffff:192.168.0.0/112"),
}

func TestTheClientIsTheNearestHopThatIsNoProxy(t *testing.T) {
	const xff, xfp, fwd = "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"
	many := strings.Repeat("10.0.0.2, ", maxHops)
	for _, c := range []struct {
		name  string
		peer  string
		field ForwardingField
		lines []string
		want  string // address and scheme; "" when refused
	}{
		{"a peer that is no proxy is the client", "203.0.113.9", "", nil, "203.0.113.9 http"},
		{"a peer that is no proxy cannot name another", "203.0.113.9", "", []string{xff, "10.0.0.1", fwd, "for=10.0.0.1", xfp, "https"}, "203.0.113.9 http"},
		{"a peer that is no proxy cannot break anything", "203.0.113.9", "", []string{xff, "x", fwd, `for="`}, "203.0.113.9 http"},
		{"an IPv4 peer on an IPv6 socket is IPv4", "::ffff:203.0.113.9", "", nil, "203.0.113.9 http"},
		{"a proxy on an IPv6 socket is trusted", "::ffff:10.0.0.1", "", []string{xff, "203.0.113.9"}, "203.0.113.9 http"},
		{"a trusted range may be written as IPv6", "192.168.7.7", "", []string{xff, "203.0.113.9"}, "203.0.113.9 http"},
		{"a zone is left out", "fe80::1%eth0", "", nil, "fe80::1 http"},
		{"a proxy that says nothing is the client", "10.0.0.1", "", nil, "10.0.0.1 http"},
		{"a proxy names the client", "10.0.0.1", "", []string{xff, "203.0.113.9"}, "203.0.113.9 http"},
		{"what the client wrote to the left is not read", "10.0.0.1", "", []string{xff, "127.0.0.1, x, 203.0.113.9"}, "203.0.113.9 http"},
		{"proxies in the list are skipped", "10.0.0.1", "", []string{xff, "127.0.0.1, 203.0.113.9, 10.0.0.3,10.0.0.2"}, "203.0.113.9 http"},
		{"where all are proxies the first is the client", "10.0.0.1", "", []string{xff, "10.0.0.4, 10.0.0.3"}, "10.0.0.4 http"},
		{"several lines are one list", "10.0.0.1", "", []string{xff, "198.51.100.1", "Accept", "*/*", xff, "203.0.113.9, 10.0.0.2"}, "203.0.113.9 http"},
		{"a port is left out", "10.0.0.1", "", []string{xff, "203.0.113.9:4711"}, "203.0.113.9 http"},
		{"IPv6", "10.0.0.1", "", []string{xff, "2001:db8::7"}, "2001:db8::7 http"},
		{"IPv6 in brackets", "10.0.0.1", "", []string{xff, "[2001:db8::7]"}, "2001:db8::7 http"},
		{"IPv6 with a port", "10.0.0.1", "", []string{xff, "[2001:db8::7]:80"}, "2001:db8::7 http"},
		{"IPv4 in IPv6 is IPv4", "10.0.0.1", "", []string{xff, "::ffff:203.0.113.9"}, "203.0.113.9 http"},
		{"an IPv6 proxy", "2001:db8:ffff::1", "", []string{xff, "203.0.113.9"}, "203.0.113.9 http"},
		{"a proxy says the scheme", "10.0.0.1", "", []string{xff, "203.0.113.9", xfp, "HTTPS"}, "203.0.113.9 https"},
		{"the schemes of WebSockets", "10.0.0.1", "", []string{xff, "203.0.113.9", xfp, "wss"}, "203.0.113.9 https"},
		{"a list of one scheme", "10.0.0.1", "", []string{xff, "203.0.113.9", xfp, "https, https"}, "203.0.113.9 https"},
		{"a list of two schemes is refused", "10.0.0.1", "", []string{xff, "203.0.113.9", xfp, "https, http"}, ""},
		{"two lines of two schemes are refused", "10.0.0.1", "", []string{xfp, "https", xfp, "http"}, ""},
		{"another scheme is refused", "10.0.0.1", "", []string{xfp, "gopher"}, ""},
		{"an unreadable last hop is refused", "10.0.0.1", "", []string{xff, "203.0.113.9, x"}, ""},
		{"an empty list is refused", "10.0.0.1", "", []string{xff, ""}, ""},
		{"an empty last hop is refused", "10.0.0.1", "", []string{xff, "203.0.113.9,"}, ""},
		{"unknown is refused", "10.0.0.1", "", []string{xff, "unknown"}, ""},
		{"a short address is refused", "10.0.0.1", "", []string{xff, "127.1"}, ""},
		{"an empty port is refused", "10.0.0.1", "", []string{xff, "203.0.113.9:"}, ""},
		{"an open bracket is refused", "10.0.0.1", "", []string{xff, "[::1"}, ""},
		{"IPv4 in brackets is refused", "10.0.0.1", "", []string{xff, "[203.0.113.9]"}, ""},
		{"too many hops are refused", "10.0.0.1", "", []string{xff, "203.0.113.9, " + many + "10.0.0.2"}, ""},
		{"many hops left of the client do not matter", "10.0.0.1", "", []string{xff, many + "203.0.113.9"}, "203.0.113.9 http"},

		{"Forwarded names the client", "10.0.0.1", "", []string{fwd, "for=203.0.113.9;proto=https;by=10.0.0.1"}, "203.0.113.9 https"},
		{"Forwarded is read from the right", "10.0.0.1", "", []string{fwd, "for=127.0.0.1, for=203.0.113.9;proto=https, for=10.0.0.2;proto=http"}, "203.0.113.9 https"},
		{"Forwarded on several lines", "10.0.0.1", "", []string{fwd, "for=127.0.0.1", fwd, "for=203.0.113.9"}, "203.0.113.9 http"},
		{"Forwarded with all proxies", "10.0.0.1", "", []string{fwd, "for=10.0.0.9;proto=https, for=10.0.0.2"}, "10.0.0.9 https"},
		{"Forwarded with IPv6 and a port", "10.0.0.1", "", []string{fwd, `For="[2001:db8::7]:4711"`}, "2001:db8::7 http"},
		{"Forwarded with a port in quotes", "10.0.0.1", "", []string{fwd, `for="203.0.113.9:80"; host=a.example`}, "203.0.113.9 http"},
		{"Forwarded with an extension", "10.0.0.1", "", []string{fwd, `for=203.0.113.9;secret="a, b;c"`}, "203.0.113.9 http"},
		{"an open quote is refused", "10.0.0.1", "", []string{fwd, `for="127.0.0.1, for=203.0.113.9`}, ""},
		{"an escape in quotes is refused", "10.0.0.1", "", []string{fwd, `for="203\.0.113.9"`}, ""},
		{"for twice is refused", "10.0.0.1", "", []string{fwd, "for=203.0.113.9;FOR=127.0.0.1"}, ""},
		{"an element without for is refused", "10.0.0.1", "", []string{fwd, "proto=https"}, ""},
		{"an obfuscated node is refused", "10.0.0.1", "", []string{fwd, "for=_hidden"}, ""},
		{"an unknown node is refused", "10.0.0.1", "", []string{fwd, "for=unknown"}, ""},
		{"IPv6 without brackets is refused", "10.0.0.1", "", []string{fwd, `for="2001:db8::7"`}, ""},
		{"an empty element is refused", "10.0.0.1", "", []string{fwd, "for=203.0.113.9,"}, ""},
		{"an empty Forwarded is refused", "10.0.0.1", "", []string{fwd, ""}, ""},
		{"text behind a value is refused", "10.0.0.1", "", []string{fwd, "for=203.0.113.9 x"}, ""},
		{"a scheme that is none is refused", "10.0.0.1", "", []string{fwd, "for=203.0.113.9;proto=ftp"}, ""},
		{"too many elements are refused", "10.0.0.1", "", []string{fwd, strings.Repeat("for=10.0.0.2,", maxHops) + "for=10.0.0.2"}, ""},

		{"both fields may agree", "10.0.0.1", "", []string{fwd, "for=203.0.113.9;proto=https", xff, "203.0.113.9", xfp, "https"}, "203.0.113.9 https"},
		{"both fields that name two clients are refused", "10.0.0.1", "", []string{fwd, "for=198.51.100.1", xff, "203.0.113.9"}, ""},
		{"both fields that name two schemes are refused", "10.0.0.1", "", []string{fwd, "for=203.0.113.9;proto=https", xfp, "http"}, ""},
		{"only X-Forwarded-For is read where so configured", "10.0.0.1", XForwardedOnly, []string{fwd, "for=198.51.100.1;proto=https", xff, "203.0.113.9"}, "203.0.113.9 http"},
		{"only Forwarded is read where so configured", "10.0.0.1", ForwardedOnly, []string{fwd, "for=198.51.100.1;proto=https", xff, "x", xfp, "http"}, "198.51.100.1 https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &durward.Request{Scheme: "http", Peer: netip.AddrPortFrom(netip.MustParseAddr(c.peer), 40000)}
			for i := 0; i < len(c.lines); i += 2 {
				in.Header.Add(c.lines[i], c.lines[i+1])
			}
			var client durward.Client
			clients := NewClients(proxies, c.field)
			d := clients.Resolve(in, &client)
			if c.want == "" {
				if d.Verdict != durward.Deny || d.Code != durward.CodeMalformed || d.Err == nil {
					t.Errorf("client %v %s with %v, want a refusal", client.Address, client.Scheme, d.Verdict)
				}
				return
			}
			if got := client.Address.String() + " " + client.Scheme; d.Verdict != durward.Allow || got != c.want {
				t.Errorf("got %s (%v), want %s", got, d.Err, c.want)
			}
			if client.Trusted != clients.Trusted(plain(in.Peer.Addr())) {
				t.Errorf("Trusted is %v for peer %s", client.Trusted, c.peer)
			}
		})
	}
}

func TestTheForwardingFieldIsReadFromText(t *testing.T) {
	for text, want := range map[string]ForwardingField{
		"": AnyForwarding, "auto": AnyForwarding, "forwarded": ForwardedOnly, "x-forwarded-for": XForwardedOnly,
	} {
		f := ForwardingField("before")
		if err := f.UnmarshalText([]byte(text)); err != nil || f != want {
			t.Errorf("%q was read as %q (%v)", text, f, err)
		}
	}
	f := ForwardedOnly
	if err := f.UnmarshalText([]byte("x-real-ip")); err == nil || f != ForwardedOnly {
		t.Errorf("x-real-ip was read as %q", f)
	}
}

func TestTheZeroClientsTrustsNobody(t *testing.T) {
	in := &durward.Request{Scheme: "https", Peer: netip.MustParseAddrPort("127.0.0.1:1")}
	in.Header.Add("X-Forwarded-For", "203.0.113.9")
	var client durward.Client
	if d := new(Clients).Resolve(in, &client); d.Verdict != durward.Allow || client.Address.String() != "127.0.0.1" || client.Trusted {
		t.Errorf("got %+v, %v", client, d)
	}
}

func TestResolvingAClientCostsNoAllocation(t *testing.T) {
	c := NewClients(proxies, AnyForwarding)
	in := &durward.Request{Scheme: "http", Peer: netip.MustParseAddrPort("10.0.0.1:1"), Header: durward.Header{
		{Name: "X-Forwarded-For", Value: "203.0.113.9, 10.0.0.2"}, {Name: "X-Forwarded-Proto", Value: "https"},
		{Name: "Forwarded", Value: `for="203.0.113.9:80";proto=https`},
	}}
	var client durward.Client
	if n := allocs.PerRun(100, func() {
		if c.Resolve(in, &client).Verdict != durward.Allow {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The address that is resolved is always one that stands in the field (or the
// peer's), and never one to the left of a hop that is not trusted.
func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"203.0.113.9", "10.0.0.1, 203.0.113.9:80", "[::1]:80,10.0.0.1", "x,10.0.0.1", ",,", "unknown"} {
		f.Add(s)
	}
	c := NewClients(proxies, XForwardedOnly)
	f.Fuzz(func(t *testing.T, value string) {
		in := &durward.Request{Peer: netip.MustParseAddrPort("10.0.0.1:1"), Header: durward.Header{{Name: "X-Forwarded-For", Value: value}}}
		var client durward.Client
		if c.Resolve(in, &client).Verdict != durward.Allow {
			return
		}
		items := strings.Split(value, ",")
		for i := len(items) - 1; i >= 0; i-- {
			addr, ok := parseNode(strings.Trim(items[i], " \t"))
			if !ok {
				t.Fatalf("%q passed with an unreadable hop right of the client", value)
			}
			if i == 0 || !c.Trusted(addr) {
				if addr != client.Address {
					t.Fatalf("%q gave %v, want %v", value, client.Address, addr)
				}
				return
			}
		}
	})
}

// What a proxy appends decides, whatever the client sent before it.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{`for=127.0.0.1`, `for="[::1]:80";by=_x`, `for="`, `a="\"",`, `for=x;;`, `=`, `for=1.2.3.4 ;proto=http`} {
		f.Add(s)
	}
	c := NewClients(proxies, ForwardedOnly)
	f.Fuzz(func(t *testing.T, sent string) {
		in := &durward.Request{Peer: netip.MustParseAddrPort("10.0.0.1:1"), Header: durward.Header{{Name: "Forwarded", Value: sent + ", for=203.0.113.9"}}}
		var client durward.Client
		if d := c.Resolve(in, &client); d.Verdict == durward.Allow && client.Address.String() != "203.0.113.9" {
			t.Fatalf("%q made the client %v", sent, client.Address)
		}
	})
}
