// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package netlist

import (
	"errors"
	"net/netip"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "#\n192.0.2.0/24\n", "192.0.2.0/24 ; SBL1\n", "::ffff:192.0.2.0/120\n", "fe80::1%eth0\n",
		"0.0.0.0/0\n", "\xef\xbb\xbf::1", "1.2.3.4/33\n\r\n;", "::/8",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := Parse(text, NotAll)
		if err != nil {
			if _, ok := errors.AsType[*LineError](err); !ok || list != nil {
				t.Fatalf("got %v and %v", list, err)
			}
			return
		}
		s, err := New(list, NotAll)
		if err != nil {
			t.Fatalf("what was read cannot be used: %v", err)
		}
		for _, p := range list {
			if p != p.Masked() || p.Addr().Is4In6() || p.Bits() == 0 {
				t.Fatalf("%v is not in its one form", p)
			}
			if !s.Contains(p.Addr()) {
				t.Fatalf("%v is not in the set", p.Addr())
			}
			// What is written back is read as the same.
			again, err := Parse([]byte(p.String()), NotAll)
			if err != nil || len(again) != 1 || again[0] != p {
				t.Fatalf("%v is read back as %v, %v", p, again, err)
			}
		}
	})
}

// FuzzContains makes ranges of 17 bytes each, the last one the length, and
// holds the set against a scan of the list.
func FuzzContains(f *testing.F) {
	f.Add([]byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20"), uint64(0x20010db8<<32), uint64(1))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x00\x78"), uint64(0), uint64(0xffffc0000201))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80"), ^uint64(0), ^uint64(0))
	f.Fuzz(func(t *testing.T, ranges []byte, high, low uint64) {
		var list []netip.Prefix
		for ; len(ranges) >= 17 && len(list) < 64; ranges = ranges[17:] {
			a := netip.AddrFrom16([16]byte(ranges[:16]))
			bits := int(ranges[16]) % 129
			if a.Is4In6() {
				a, bits = a.Unmap(), bits%33
			}
			list = append(list, netip.PrefixFrom(a, bits).Masked())
		}
		s, err := New(list, All)
		if err != nil {
			t.Fatal(err)
		}
		var b [16]byte
		for i := range 8 {
			b[i], b[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
		}
		addresses := []netip.Addr{netip.AddrFrom16(b)}
		for _, p := range list {
			addresses = append(addresses, edges(p)...)
		}
		for _, a := range addresses {
			if got, want := s.Contains(a), naive(list, a); got != want {
				t.Fatalf("%v of %v: got %v, want %v", a, list, got, want)
			}
		}
	})
}
