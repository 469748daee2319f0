// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package netlist

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"durward/internal/allocs"
)

func prefixes(t testing.TB, texts ...string) []netip.Prefix {
	t.Helper()
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func set(t testing.TB, texts ...string) *Set {
	t.Helper()
	s, err := New(prefixes(t, texts...), All)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnAddressIsInTheSetHoweverItIsSpelled(t *testing.T) {
	for _, tt := range []struct {
		name     string
		prefixes []string
		address  string
		want     bool
	}{
		{"inside", []string{"192.0.2.0/24"}, "192.0.2.77", true},
		{"the first address", []string{"192.0.2.0/24"}, "192.0.2.0", true},
		{"the last address", []string{"192.0.2.0/24"}, "192.0.2.255", true},
		{"one before", []string{"192.0.2.0/24"}, "192.0.1.255", false},
		{"one behind", []string{"192.0.2.0/24"}, "192.0.3.0", false},
		{"a single address", []string{"192.0.2.7/32"}, "192.0.2.7", true},
		{"beside a single address", []string{"192.0.2.7/32"}, "192.0.2.8", false},
		{"an inner range does not end the outer", []string{"10.0.0.0/8", "10.1.0.0/16"}, "10.200.0.1", true},
		{"ranges that touch", []string{"10.0.0.0/9", "10.128.0.0/9"}, "10.128.0.0", true},
		{"an IPv4-mapped address", []string{"192.0.2.0/24"}, "::ffff:192.0.2.1", true},
		{"an IPv4-mapped address in hexadecimal", []string{"192.0.2.0/24"}, "::ffff:c000:201", true},
		{"an IPv4-mapped range", []string{"::ffff:192.0.2.0/120"}, "192.0.2.1", true},
		{"an IPv4-mapped range and its neighbour", []string{"::ffff:192.0.2.0/120"}, "192.0.3.1", false},
		{"an address with a zone", []string{"fe80::/10"}, "fe80::1%eth0", true},
		{"an IPv4-mapped address with a zone", []string{"192.0.2.0/24"}, "::ffff:192.0.2.1%eth0", true},
		{"all of IPv4", []string{"0.0.0.0/0"}, "255.255.255.255", true},
		{"all of IPv4 holds no IPv6", []string{"0.0.0.0/0"}, "2001:db8::1", false},
		{"all of IPv6", []string{"::/0"}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{"all of IPv6 holds no IPv4", []string{"::/0"}, "192.0.2.1", false},
		{"all of IPv6 holds no mapped IPv4", []string{"::/0"}, "::ffff:192.0.2.1", false},
		{"an IPv4-compatible address is IPv6", []string{"192.0.2.0/24"}, "::192.0.2.1", false},
		{"6to4 is not unwrapped", []string{"192.0.2.0/24"}, "2002:c000:201::1", false},
		{"NAT64 is not unwrapped", []string{"192.0.2.0/24"}, "64:ff9b::c000:201", false},
		{"Teredo is not unwrapped", []string{"192.0.2.0/24"}, "2001:0:c000:201::1", false},
		{"a short IPv6 range", []string{"2001:db8::/32"}, "2001:db8:ffff::1", true},
		{"behind a short IPv6 range", []string{"2001:db8::/32"}, "2001:db9::", false},
		{"a long IPv6 range", []string{"2001:db8::10/124"}, "2001:db8::1f", true},
		{"behind a long IPv6 range", []string{"2001:db8::10/124"}, "2001:db8::20", false},
		{"a /64", []string{"2001:db8:0:1::/64"}, "2001:db8:0:1:ffff:ffff:ffff:ffff", true},
		{"behind a /64", []string{"2001:db8:0:1::/64"}, "2001:db8:0:2::", false},
		{"IPv6 ranges that touch", []string{"2001:db8::/33", "2001:db8:8000::/33"}, "2001:db8:8000::", true},
		{"the empty set", nil, "192.0.2.1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := netip.MustParseAddr(tt.address)
			if got := set(t, tt.prefixes...).Contains(a); got != tt.want {
				t.Errorf("the set says %v", got)
			}
			small, err := Of(prefixes(t, tt.prefixes...)...)
			if err != nil {
				t.Fatal(err)
			}
			if got := small.Contains(a); got != tt.want {
				t.Errorf("the small list says %v", got)
			}
		})
	}
	if set(t, "0.0.0.0/0", "::/0").Contains(netip.Addr{}) {
		t.Error("an invalid address is in a set")
	}
}

func TestARangeThatSaysTwoThingsIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		prefix netip.Prefix
		take   Take
		want   error
	}{
		{"host bits", netip.MustParsePrefix("192.0.2.1/24"), All, ErrHostBits},
		{"IPv6 host bits", netip.MustParsePrefix("2001:db8::1/64"), All, ErrHostBits},
		{"mapped host bits", netip.MustParsePrefix("::ffff:192.0.2.1/120"), All, ErrHostBits},
		{"a mapped range shorter than the mapping", netip.MustParsePrefix("::ffff:0:0/90"), All, ErrHostBits},
		{"no range", netip.Prefix{}, All, ErrInvalid},
		{"all of IPv4 where it is not taken", netip.MustParsePrefix("0.0.0.0/0"), NotAll, ErrAll},
		{"all of IPv6 where it is not taken", netip.MustParsePrefix("::/0"), NotAll, ErrAll},
		{"all of IPv4 as mapped", netip.MustParsePrefix("::ffff:0:0/96"), NotAll, ErrAll},
		{"all of IPv4 where it is taken", netip.MustParsePrefix("0.0.0.0/0"), All, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good := netip.MustParsePrefix("10.0.0.0/8")
			_, err := New([]netip.Prefix{good, tt.prefix}, tt.take)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			entry, ok := errors.AsType[*EntryError](err)
			if tt.want != nil && (!ok || entry.Index != 1) {
				t.Errorf("the error names no index: %v", err)
			}
			if _, err := Of(good, tt.prefix); tt.take == All && !errors.Is(err, tt.want) {
				t.Errorf("the small list says %v, want %v", err, tt.want)
			}
		})
	}
}

// naive is what Contains has to equal.
func naive(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range list {
		if p.Addr().Is4In6() {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// edges are the addresses at which a set could be wrong.
func edges(p netip.Prefix) []netip.Addr {
	first := p.Masked().Addr()
	last := first.As16()
	for bit := p.Bits() + 128 - first.BitLen(); bit < 128; bit++ {
		last[bit/8] |= 1 << (7 - bit%8)
	}
	end := netip.AddrFrom16(last)
	if first.Is4() {
		end = end.Unmap()
	}
	out := []netip.Addr{first, end}
	if a := first.Prev(); a.IsValid() {
		out = append(out, a)
	}
	if a := end.Next(); a.IsValid() {
		out = append(out, a)
	}
	return out
}

func randomPrefix(r *rand.Rand) netip.Prefix {
	if r.IntN(2) == 0 {
		// Few networks, so that ranges touch and hold each other.
		a := netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(256))})
		return netip.PrefixFrom(a, 8+r.IntN(25)).Masked()
	}
	b := [16]byte{0: 0x20, 1: 1, 7: byte(r.IntN(4)), 8: byte(r.IntN(4)), 15: byte(r.IntN(256))}
	return netip.PrefixFrom(netip.AddrFrom16(b), 40+r.IntN(89)).Masked()
}

func TestALookUpEqualsANaiveScanOfRandomSets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inside := 0
	for range 200 {
		var list []netip.Prefix
		for range 1 + r.IntN(40) {
			list = append(list, randomPrefix(r))
		}
		s, err := New(list, NotAll)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			for _, a := range edges(p) {
				want := naive(list, a)
				if want {
					inside++
				}
				if got := s.Contains(a); got != want {
					t.Fatalf("%v of %v: got %v, want %v", a, list, got, want)
				}
			}
		}
	}
	if inside < 1000 {
		t.Errorf("only %d addresses were inside", inside)
	}
}

func TestALookUpDoesNotAllocate(t *testing.T) {
	s := set(t, "192.0.2.0/24", "2001:db8::/32")
	small, _ := Of(prefixes(t, "192.0.2.0/24", "2001:db8::/32")...)
	for _, a := range []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1%eth0")} {
		if n := allocs.PerRun(100, func() { s.Contains(a); small.Contains(a) }); n != 0 {
			t.Errorf("a look-up of %v allocates %v times", a, n)
		}
	}
}

func benchmarkSet(b *testing.B, random func(*rand.Rand) netip.Prefix) {
	r := rand.New(rand.NewPCG(3, 4))
	list := make([]netip.Prefix, 100_000)
	for i := range list {
		list[i] = random(r)
	}
	s, err := New(list, NotAll)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		s.Contains(list[i*7919%len(list)].Addr())
	}
}

func BenchmarkContainsOf100000IPv4Ranges(b *testing.B) {
	benchmarkSet(b, func(r *rand.Rand) netip.Prefix {
		n := r.Uint32()
		a := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		return netip.PrefixFrom(a, 20+r.IntN(13)).Masked()
	})
}

func BenchmarkContainsOf100000IPv6Ranges(b *testing.B) {
	benchmarkSet(b, func(r *rand.Rand) netip.Prefix {
		n := r.Uint64()
		a := netip.AddrFrom16([16]byte{0x20, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32), byte(n >> 40), byte(n >> 48)})
		return netip.PrefixFrom(a, 32+r.IntN(33)).Masked()
	})
}

func BenchmarkSmallOf8Ranges(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	var s Small
	for range 8 {
		s = append(s, randomPrefix(r))
	}
	a := netip.MustParseAddr("198.51.100.1")
	b.ReportAllocs()
	for b.Loop() {
		s.Contains(a)
	}
}
