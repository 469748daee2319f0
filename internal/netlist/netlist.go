// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package netlist tells whether an address is in a list of address ranges, of
// a handful or of a million. It knows nothing of the gateway.
//
// One address has one form here, so that no second spelling gets around a
// list: an IPv4-mapped IPv6 address (::ffff:192.0.2.1, RFC 4291, section
// 2.5.5.2) is the IPv4 address, and a zone (fe80::1%eth0, RFC 4007) is
// dropped. IPv4 addresses are judged by IPv4 ranges only, and IPv6 addresses
// by IPv6 ranges only: ::/0 holds no IPv4 address. The IPv4 address inside of
// a 6to4 (RFC 3056), Teredo (RFC 4380) or NAT64 (RFC 6052) address is not
// looked at: a relay is between, so that it proves nothing about the sender.
//
// A range with host bits set (192.0.2.1/24) is refused, since it says two
// things. So is a range that holds every address, unless the caller takes it:
// in a file that was fetched from elsewhere it is an accident.
package netlist

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Set is an immutable set of address ranges, safe for concurrent use. Its zero
// value holds nothing. It takes 8 bytes for an IPv4 and 32 for an IPv6 range,
// and ranges that touch are one. A look-up is a binary search and does not
// allocate.
type Set struct {
	v4      []span4
	v6      []span6
	entries int
}

type span4 struct{ first, last uint32 }

type span6 struct{ first, last number }

// number is an IPv6 address.
type number struct{ high, low uint64 }

func (n number) compare(m number) int {
	return cmp.Or(cmp.Compare(n.high, m.high), cmp.Compare(n.low, m.low))
}

// next is the address after n; ok is false when there is none.
func (n number) next() (m number, ok bool) {
	m = number{n.high, n.low + 1}
	if m.low == 0 {
		m.high++
	}
	return m, m != number{}
}

// New makes a set. The error names the first range that cannot be used by its
// index; see Check.
func New(prefixes []netip.Prefix, take Take) (*Set, error) {
	s := &Set{entries: len(prefixes)}
	for i, p := range prefixes {
		p, err := Check(p, take)
		if err != nil {
			return nil, &EntryError{Index: i, Err: err}
		}
		s.add(p)
	}
	s.v4 = merge4(s.v4)
	s.v6 = merge6(s.v6)
	return s, nil
}

// add takes a range that Check has seen.
func (s *Set) add(p netip.Prefix) {
	if a := p.Addr(); a.Is4() {
		first := number4(a)
		s.v4 = append(s.v4, span4{first, first | uint32(uint64(1)<<(32-p.Bits())-1)})
		return
	}
	first := number6(p.Addr())
	last := first
	switch host := 128 - p.Bits(); {
	case host >= 64:
		last.low = ^uint64(0)
		last.high |= uint64(1)<<(host-64) - 1 // all ones for 64: the shift gives 0
	default:
		last.low |= uint64(1)<<host - 1
	}
	s.v6 = append(s.v6, span6{first, last})
}

func merge4(spans []span4) []span4 {
	slices.SortFunc(spans, func(a, b span4) int { return cmp.Compare(a.first, b.first) })
	out := spans[:0]
	for _, one := range spans {
		if n := len(out); n > 0 && uint64(one.first) <= uint64(out[n-1].last)+1 {
			out[n-1].last = max(out[n-1].last, one.last)
			continue
		}
		out = append(out, one)
	}
	return slices.Clip(out)
}

func merge6(spans []span6) []span6 {
	slices.SortFunc(spans, func(a, b span6) int { return a.first.compare(b.first) })
	out := spans[:0]
	for _, one := range spans {
		if n := len(out); n > 0 {
			end := &out[n-1].last
			if next, ok := end.next(); !ok || one.first.compare(next) <= 0 {
				if end.compare(one.last) < 0 {
					*end = one.last
				}
				continue
			}
		}
		out = append(out, one)
	}
	return slices.Clip(out)
}

// Contains tells whether the set holds an address. An invalid address is in no
// set.
func (s *Set) Contains(a netip.Addr) bool {
	switch {
	case a.Is4() || a.Is4In6():
		return contains4(s.v4, number4(a.Unmap()))
	case a.Is6():
		return contains6(s.v6, number6(a))
	}
	return false
}

func contains4(spans []span4, n uint32) bool {
	low, high := 0, len(spans) // the first span that begins after n
	for low < high {
		if mid := int(uint(low+high) >> 1); spans[mid].first <= n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low > 0 && n <= spans[low-1].last
}

func contains6(spans []span6, n number) bool {
	low, high := 0, len(spans)
	for low < high {
		if mid := int(uint(low+high) >> 1); spans[mid].first.compare(n) <= 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low > 0 && n.compare(spans[low-1].last) <= 0
}

// Len is how many ranges the set was made of.
func (s *Set) Len() int { return s.entries }

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func number6(a netip.Addr) number {
	b := a.As16()
	return number{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}
