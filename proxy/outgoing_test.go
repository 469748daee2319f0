// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/allocs"
)

// stage makes an outgoing stage of a configuration with one target.
func stage(t *testing.T, c Config, credentials ...string) durward.Stage {
	t.Helper()
	if c.Targets == nil {
		c.Targets = targets("http://127.0.0.1:1")
	}
	return newUpstream(t, c, nil, credentials...).Outgoing()
}

func fields(pairs ...string) (h durward.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestTheUpstreamGetsWhatTheClientMaySayAndWhatTheGatewayKnows(t *testing.T) {
	identity := Identity{Subject: "x-user", Consumer: "X-Consumer", Roles: "X-Roles", Scopes: "X-Scopes", Method: "X-Auth-Method"}
	known := durward.Principal{
		Subject: "alice", Consumer: "shop", Method: "jwt", Roles: []string{"member", "a,b"}, Scopes: []string{"read", "write"},
	}
	forwarded := fields(
		"Forwarded", `for=203.0.113.9;host="api.example.com";proto=https`,
		"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "api.example.com",
		"X-Request-Id", "req-1")
	for _, tc := range []struct {
		name   string
		config Config
		in     durward.Header
		who    durward.Principal
		want   durward.Header
	}{
		{"end-to-end fields pass in their order, repeated ones too", Config{},
			fields("Accept", "*/*", "X-A", "1", "X-A", "2", "Cookie", "a=b"), durward.Principal{},
			append(fields("Accept", "*/*", "X-A", "1", "X-A", "2", "Cookie", "a=b"), forwarded...)},
		{"spoofed forwarding fields are replaced", Config{},
			fields("Forwarded", "for=10.0.0.1", "X-Forwarded-For", "10.0.0.1", "X_forwarded_for", "10.0.0.1", "X-Real-Ip", "10.0.0.1",
				"X-Forwarded-Host", "evil", "X-Original-Url", "/admin", "X-Request-Id", "mine"), durward.Principal{}, forwarded},
		{"hop-by-hop fields and those that Connection names are dropped", Config{},
			fields("Connection", "keep-alive, X-Hop", "X-Hop", "1", "Keep-Alive", "5", "Te", "trailers", "Upgrade", "h2c",
				"Transfer-Encoding", "chunked", "Proxy-Authorization", "x"), durward.Principal{}, forwarded},
		{"the credential is stripped", Config{Forward: "off"},
			fields("Authorization", "Bearer t", "X-Api-Key", "k", "X_api_key", "k"), durward.Principal{}, fields("X-Request-Id", "req-1")},
		{"the credential passes on request, its aliases do not", Config{Forward: "off", Credential: "pass"},
			fields("Authorization", "Bearer t", "X-Api-Key", "k", "X_api_key", "k"), durward.Principal{},
			fields("Authorization", "Bearer t", "X-Api-Key", "k", "X-Request-Id", "req-1")},
		{"identity is written, and a client's own is dropped in any spelling", Config{Forward: "off", Identity: identity},
			fields("X-User", "root", "X_user", "root", "X.consumer", "root", "X-Roles", "admin"), known,
			fields("X-Request-Id", "req-1", "X-User", "alice", "X-Consumer", "shop", "X-Roles", "member,a%2Cb",
				"X-Scopes", "read write", "X-Auth-Method", "jwt")},
		{"nobody has no identity, whatever the client says", Config{Forward: "off", Identity: identity},
			fields("X-User", "root"), durward.Principal{}, fields("X-Request-Id", "req-1")},
		{"only RFC 7239", Config{Forward: "rfc7239"}, nil, durward.Principal{},
			fields("Forwarded", `for=203.0.113.9;host="api.example.com";proto=https`, "X-Request-Id", "req-1")},
		{"only X-Forwarded", Config{Forward: "x-forwarded"}, nil, durward.Principal{},
			fields("X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "api.example.com", "X-Request-Id", "req-1")},
		{"gRPC keeps te: trailers towards HTTP/2", Config{Forward: "off", Protocol: "h2c"},
			fields("Te", "trailers, gzip"), durward.Principal{}, fields("Te", "trailers", "X-Request-Id", "req-1")},
		{"gRPC keeps te: trailers though Connection names it", Config{Forward: "off", Protocol: "h2c"},
			fields("Te", "trailers", "Connection", "TE, X-A"), durward.Principal{}, fields("Te", "trailers", "X-Request-Id", "req-1")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newExchange("GET", "/a")
			x.In.Header, x.Principal = tc.in, tc.who
			mustAllow(t, stage(t, tc.config, "Authorization", "X-Api-Key").Request(t.Context(), x))
			if diff := cmp.Diff(tc.want, x.Out.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheClientsHeaderIsNotChanged(t *testing.T) {
	x := newExchange("GET", "/a")
	x.In.Header = fields("X-Hop", "1", "Connection", "X-Hop", "Accept", "*/*")
	before := append(durward.Header(nil), x.In.Header...)
	mustAllow(t, stage(t, Config{}).Request(t.Context(), x))
	if diff := cmp.Diff(before, x.In.Header); diff != "" {
		t.Errorf("In.Header changed (-want +got):\n%s", diff)
	}
}

func TestConnectionMayNotTakeAwayWhatWasJudged(t *testing.T) {
	for _, named := range []string{"Content-Type", "authorization", "close, Cookie", "Host", "content_length", ",,Origin"} {
		x := newExchange("GET", "/a")
		x.In.Header = fields("Connection", named)
		mustRefuse(t, x, stage(t, Config{}).Request(t.Context(), x), durward.CodeMalformed)
	}
}

func TestHostFollowsTheConfiguration(t *testing.T) {
	for host, want := range map[string]string{"": "", "target": "", "preserve": "api.example.com", "internal.test:81": "internal.test:81"} {
		x := newExchange("GET", "/a")
		mustAllow(t, stage(t, Config{Host: host}).Request(t.Context(), x))
		if x.Out.Host != want {
			t.Errorf("host %q: Out.Host = %q, want %q", host, x.Out.Host, want)
		}
	}
}

func TestThePrefixIsStrippedOnASegmentsBorder(t *testing.T) {
	for _, tc := range []struct {
		strip              bool
		prefix, path, want string
	}{
		{false, "/moot", "/moot/a", "/moot/a"},
		{true, "/moot", "/moot/a%20b", "/a%20b"},
		{true, "/moot", "/moot", "/"},
		{true, "/moot", "/mootrix", "/mootrix"},
		{true, "", "/a", "/a"},
		{true, "/", "/a", "/a"},
	} {
		x := newExchange("GET", tc.path)
		x.In.RawQuery = "q=1"
		x.Operation.Prefix = tc.prefix
		mustAllow(t, stage(t, Config{StripPrefix: tc.strip}).Request(t.Context(), x))
		if x.Out.Path != tc.want || x.Out.RawQuery != "q=1" {
			t.Errorf("%s without %s = %s?%s, want %s", tc.path, tc.prefix, x.Out.Path, x.Out.RawQuery, tc.want)
		}
	}
}

func TestAnUpgradeNeedsToBeListed(t *testing.T) {
	x := newExchange("GET", "/a")
	x.In.Upgrade = "websocket"
	mustRefuse(t, x, stage(t, Config{}).Request(t.Context(), x), durward.CodeUpgradeRefused)
	mustAllow(t, stage(t, Config{Upgrades: []string{"websocket"}}).Request(t.Context(), x))
	if x.Out.Upgrade != "websocket" {
		t.Errorf("Out.Upgrade = %q", x.Out.Upgrade)
	}
}

func TestAnOfferToSpeakHTTPOtherwiseIsIgnored(t *testing.T) {
	for _, protocol := range []string{"h2c", "tls/1.0"} {
		x := newExchange("GET", "/a")
		x.In.Upgrade = protocol
		x.In.Header = fields("Connection", "Upgrade, HTTP2-Settings", "Upgrade", protocol, "Http2-Settings", "AAMAAABk")
		mustAllow(t, stage(t, Config{Upgrades: []string{"websocket"}}).Request(t.Context(), x))
		if x.Out.Upgrade != "" || x.Out.Header.Has("Upgrade") || x.Out.Header.Has("Http2-Settings") {
			t.Errorf("%s goes on: %q %v", protocol, x.Out.Upgrade, x.Out.Header)
		}
	}
}

func TestForwardedNamesTheJudgedClient(t *testing.T) {
	for _, tc := range []struct {
		name, address, host, want, xff string
	}{
		{"IPv6 is bracketed and quoted", "2001:db8::1", "a.test:8443", `for="[2001:db8::1]";host="a.test:8443";proto=https`, "2001:db8::1"},
		{"an unknown client is unknown", "", "a.test", `for=unknown;host="a.test";proto=https`, ""},
		{"a host that would break out is left out", "192.0.2.1", `a";for=10.0.0.1`, `for=192.0.2.1;proto=https`, "192.0.2.1"},
	} {
		x := newExchange("GET", "/")
		x.Client.Address, x.In.Host = netip.Addr{}, tc.host
		if tc.address != "" {
			x.Client.Address = netip.MustParseAddr(tc.address)
		}
		mustAllow(t, stage(t, Config{}).Request(t.Context(), x))
		if got := x.Out.Header.Get("Forwarded"); got != tc.want {
			t.Errorf("%s: Forwarded = %s, want %s", tc.name, got, tc.want)
		}
		if got := x.Out.Header.Get("X-Forwarded-For"); got != tc.xff {
			t.Errorf("%s: X-Forwarded-For = %q, want %q", tc.name, got, tc.xff)
		}
	}
}

func TestTrailersCannotCarryIdentity(t *testing.T) {
	u := newUpstream(t, Config{Targets: targets("http://127.0.0.1:1"), Identity: Identity{Subject: "X-User"}}, nil, "Authorization")
	x := newExchange("POST", "/")
	if u.outgoing.trailer(x) != nil {
		t.Error("a trailer function where the client announced none")
	}
	x.In.Trailer = func() durward.Header {
		return fields("X-Checksum", "1", "X_user", "root", "Authorization", "x", "X-Forwarded-For", "10.0.0.1", "Content-Length", "3")
	}
	if diff := cmp.Diff(fields("X-Checksum", "1"), u.outgoing.trailer(x)()); diff != "" {
		t.Errorf("trailer (-want +got):\n%s", diff)
	}
}

func TestOutgoingAllocatesOneString(t *testing.T) {
	s := stage(t, Config{Identity: Identity{Subject: "X-User", Roles: "X-Roles"}}, "Authorization")
	x := newExchange("GET", "/spaces/1/messages")
	x.Principal = durward.Principal{Subject: "alice", Method: "jwt", Roles: []string{"member"}}
	x.In.Header = fields("Accept", "*/*", "Accept-Encoding", "gzip", "Accept-Language", "en", "User-Agent", "test", "Connection",
		"keep-alive", "Authorization", "Bearer t", "Cookie", "a=b", "Sec-Fetch-Mode", "cors", "Origin", "https://a.test",
		"Referer", "https://a.test/", "Cache-Control", "no-cache", "X-Custom", "1", "X_forwarded_for", "10.0.0.1")
	ctx := t.Context()
	s.Request(ctx, x) // grows the header once
	if n := allocs.PerRun(200, func() {
		x.Out.Header = x.Out.Header[:0]
		if s.Request(ctx, x).Verdict != durward.Allow {
			t.Fatal("refused")
		}
	}); n > 1 {
		t.Errorf("%v allocations a request, want at most 1", n)
	}
}

// FuzzEscape checks that an identity value is always safe in a field and can
// be read back.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"alice", "a\r\nX-Admin: 1", "auth0|1", "ü,%41", " lead", "trail ", "\x00"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, inList bool) {
		got := escapeValue(s, inList)
		for i := range len(got) {
			if c := got[i]; c < ' ' || c >= 0x7f {
				t.Fatalf("%q has byte %#x", got, c)
			}
		}
		if strings.TrimSpace(got) != got || inList && strings.ContainsAny(got, ", ") {
			t.Fatalf("%q can be split or trimmed", got)
		}
		if back, err := url.PathUnescape(got); err != nil || back != s {
			t.Fatalf("%q reads back as %q, %v; want %q", got, back, err, s)
		}
	})
}

// FuzzConnection checks that what Connection names is either gone or refused,
// whatever its form.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{"close", "keep-alive, X-A", "x-a,,x-b", " , ", "Content-Type", "TE, X_A", "\t X-A \t"} {
		f.Add(s)
	}
	o := newOutgoing(&Config{Forward: "off", Host: "target"}, nil)
	f.Fuzz(func(t *testing.T, value string) {
		x := newExchange("GET", "/")
		x.In.Header = fields("X-A", "1", "Content-Type", "text/plain", "Connection", value, "X-B", "2")
		d := o.Request(t.Context(), x)
		for option := range strings.SplitSeq(value, ",") {
			option = strings.Trim(option, " \t")
			if strings.EqualFold(option, "content-type") {
				if d.Verdict != durward.Deny {
					t.Fatalf("Connection: %q took the content's type away", value)
				}
				return
			}
			if d.Verdict == durward.Allow && option != "" && x.Out.Header.Has(durward.CanonicalName(option)) && !strings.EqualFold(option, "x-request-id") {
				t.Fatalf("Connection: %q left %s", value, option)
			}
		}
		if d.Verdict == durward.Allow && x.Out.Header.Get("Content-Type") != "text/plain" {
			t.Fatalf("Connection: %q lost the content's type", value)
		}
	})
}
