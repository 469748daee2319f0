// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

func ranges(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func list(t testing.TB, cfg Config) *List {
	t.Helper()
	l, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func address(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func TestWhoMayCallIsWhoTheListsSay(t *testing.T) {
	office := Config{Allow: ranges("192.0.2.0/24", "2001:db8::/32")}
	bad := Config{Deny: ranges("192.0.2.0/24", "2001:db8::/32")}
	both := Config{Allow: ranges("192.0.2.0/24"), Deny: ranges("192.0.2.128/25")}
	for _, tt := range []struct {
		name    string
		cfg     Config
		address string
		want    error
	}{
		{"no list takes everybody", Config{}, "192.0.2.1", nil},
		{"no list takes who is not known", Config{}, "", nil},
		{"an allowed address", office, "192.0.2.1", nil},
		{"an allowed IPv6 address", office, "2001:db8::1", nil},
		{"an allow list refuses all else", office, "198.51.100.1", errNotAllowed},
		{"an allow list refuses who is not known", office, "", errNotAllowed},
		{"an allow list of IPv4 refuses IPv6", Config{Allow: ranges("0.0.0.0/0")}, "2001:db8::1", errNotAllowed},
		{"an allow list of IPv6 refuses IPv4", Config{Allow: ranges("::/0")}, "192.0.2.1", errNotAllowed},
		{"a denied address", bad, "192.0.2.1", errDenied},
		{"a denied IPv6 address", bad, "2001:db8::1", errDenied},
		{"a deny list takes all else", bad, "198.51.100.1", nil},
		{"a deny list takes who is not known", bad, "", nil},
		{"deny wins over allow", both, "192.0.2.200", errDenied},
		{"allow holds beside deny", both, "192.0.2.1", nil},
		{"deny wins over a narrower allow", Config{Allow: ranges("192.0.2.1/32"), Deny: ranges("192.0.2.0/24")}, "192.0.2.1", errDenied},

		{"an IPv4-mapped address does not get around deny", bad, "::ffff:192.0.2.1", errDenied},
		{"an IPv4-mapped address in hexadecimal does not either", bad, "::ffff:c000:201", errDenied},
		{"an IPv4-mapped address is allowed as IPv4", office, "::ffff:192.0.2.1", nil},
		{"an IPv4-mapped range denies IPv4", Config{Deny: ranges("::ffff:192.0.2.0/120")}, "192.0.2.1", errDenied},
		{"a zone does not get around deny", Config{Deny: ranges("fe80::/10")}, "fe80::1%eth0", errDenied},
		{"a zone does not get around allow", office, "fe80::1%eth0", errNotAllowed},
		{"a zone does not keep an allowed address out", Config{Allow: ranges("fe80::1/128")}, "fe80::1%eth0", nil},
		{"an IPv4-mapped address with a zone", bad, "::ffff:192.0.2.1%eth0", errDenied},
		{"6to4 is judged as IPv6", Config{Allow: ranges("192.0.2.0/24")}, "2002:c000:201::1", errNotAllowed},
		{"NAT64 is judged as IPv6", Config{Allow: ranges("192.0.2.0/24")}, "64:ff9b::192.0.2.1", errNotAllowed},
		{"an IPv4-compatible address is judged as IPv6", Config{Allow: ranges("192.0.2.0/24")}, "::192.0.2.1", errNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := list(t, tt.cfg)
			if got := l.judge(address(tt.address)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := l.Allows(address(tt.address)); got != (tt.want == nil) {
				t.Errorf("Allows says %v", got)
			}
		})
	}
}

func TestTheStageJudgesTheClientAndNotThePeer(t *testing.T) {
	s := list(t, Config{Deny: ranges("192.0.2.0/24")}).Stage()
	x := &durward.Exchange{}
	x.In.Peer = netip.MustParseAddrPort("192.0.2.1:4000") // a trusted proxy
	x.Client.Address = netip.MustParseAddr("198.51.100.1")
	if d := s.Request(context.Background(), x); d.Verdict != durward.Allow {
		t.Errorf("the client is refused for its proxy: %+v", d)
	}
	x.In.Peer, x.Client.Address = netip.MustParseAddrPort("198.51.100.1:4000"), netip.MustParseAddr("192.0.2.1")
	d := s.Request(context.Background(), x)
	if d.Verdict != durward.Deny || d.Code != durward.CodeForbidden || !errors.Is(d.Err, errDenied) {
		t.Errorf("got %+v", d)
	}
	if s.Name() != "address" {
		t.Errorf("the stage is called %s", s.Name())
	}
}

func TestThereIsAStageOnlyWhereThereIsSomethingToJudge(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want bool
	}{
		{"nothing", Config{}, false},
		{"nothing, reported", Config{Mode: durward.Report}, false},
		{"off", Config{Mode: durward.Off, Deny: ranges("192.0.2.0/24")}, false},
		{"an allow list", Config{Allow: ranges("192.0.2.0/24")}, true},
		{"a deny list", Config{Deny: ranges("192.0.2.0/24")}, true},
		{"a deny list, reported", Config{Mode: durward.Report, Deny: ranges("192.0.2.0/24")}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := list(t, tt.cfg)
			if got := l.Stage() != nil; got != tt.want || l.Empty() == tt.want {
				t.Errorf("a stage: %v, empty: %v", got, l.Empty())
			}
			if l.Mode() != tt.cfg.Mode {
				t.Errorf("the mode is %v", l.Mode())
			}
		})
	}
}

func TestTheCheckReportsEveryFault(t *testing.T) {
	cfg := Config{
		Allow:      []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), {}},
		Deny:       ranges("192.0.2.0/24", "2001:db8::1/32"),
		AllowFiles: []string{""},
		DenyFiles:  make([]string, maxFiles+1),
	}
	err := cfg.Check()
	for _, want := range []string{
		"allow[0]: has host bits set", "allow[1]: is not an address range", "deny[1]: has host bits set",
		"allow_files[0]: names no file", "deny_files: at most 16 files",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, err := New(cfg, nil); err == nil {
		t.Error("New takes it")
	}
	many := Config{Deny: make([]netip.Prefix, maxRanges+1)}
	if err := many.Check(); err == nil || !strings.Contains(err.Error(), "deny: at most 10000 ranges") {
		t.Errorf("too many ranges: %v", err)
	}
	everything := Config{Deny: ranges("0.0.0.0/0", "::/0")}
	if err := everything.Check(); err != nil {
		t.Errorf("everything cannot be denied: %v", err)
	}
}

func TestTheStageDoesNotAllocate(t *testing.T) {
	s := list(t, Config{Allow: ranges("192.0.2.0/24"), Deny: ranges("2001:db8::/32")}).Stage()
	for _, a := range []string{"192.0.2.1", "198.51.100.1", "2001:db8::1", ""} {
		x := &durward.Exchange{Client: durward.Client{Address: address(a)}}
		if n := allocs.PerRun(100, func() { s.Request(context.Background(), x) }); n != 0 {
			t.Errorf("%q allocates %v times", a, n)
		}
	}
}

func BenchmarkStage(b *testing.B) {
	s := list(b, Config{Allow: ranges("192.0.2.0/24", "10.0.0.0/8"), Deny: ranges("192.0.2.128/25")}).Stage()
	x := &durward.Exchange{Client: durward.Client{Address: address("192.0.2.1")}}
	b.ReportAllocs()
	for b.Loop() {
		s.Request(context.Background(), x)
	}
}
