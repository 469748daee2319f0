// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"net/netip"
	"reflect"
	"slices"

	"durward/address"
)

// addresses compares lists of addresses. An empty allow list, of ranges and of
// files, allows every address.
func addresses(w *walker, old, new side) {
	o, n := old.v.Addr().Interface().(*address.Config), new.v.Addr().Interface().(*address.Config)
	pair := func(name string, a, b any) (side, side) {
		return side{reflect.ValueOf(a), old.path + "." + name}, side{reflect.ValueOf(b), new.path + "." + name}
	}
	wasOpen, isOpen := len(o.Allow)+len(o.AllowFiles) == 0, len(n.Allow)+len(n.AllowFiles) == 0
	ranges, others := pair("allow", o.Allow, n.Allow)
	files, otherFiles := pair("allow_files", o.AllowFiles, n.AllowFiles)
	switch {
	case wasOpen && isOpen:
	case isOpen && len(o.Allow) == 0:
		w.add(weaker("every address may call"), files, otherFiles, false)
	case isOpen:
		w.add(weaker("every address may call"), ranges, others, false)
	case wasOpen && len(n.Allow) == 0:
		w.add(stronger("only listed addresses may call"), files, otherFiles, false)
	case wasOpen:
		w.add(stronger("only listed addresses may call"), ranges, others, false)
	default:
		if !slices.Equal(o.Allow, n.Allow) {
			w.add(ranged(uncovered(n.Allow, o.Allow), uncovered(o.Allow, n.Allow), "may call"), ranges, others, false)
		}
		if !slices.Equal(o.AllowFiles, n.AllowFiles) {
			w.add(within(o.AllowFiles, n.AllowFiles, "other files of addresses that may call", "fewer files of addresses that may call"), files, otherFiles, false)
		}
	}
	if !slices.Equal(o.Deny, n.Deny) {
		was, is := pair("deny", o.Deny, n.Deny)
		v := ranged(uncovered(o.Deny, n.Deny), uncovered(n.Deny, o.Deny), "")
		switch v.label {
		case Weaker:
			v.reason = "fewer addresses are refused"
		case Stronger:
			v.reason = "more addresses are refused"
		}
		w.add(v, was, is, false)
	}
}

// ranged judges two lists of ranges by what each has that the other has not.
func ranged(grown, shrunk bool, what string) verdict {
	switch {
	case grown:
		return weaker("further addresses " + what)
	case shrunk:
		return stronger("fewer addresses " + what)
	}
	return unmoved("the same addresses in other words")
}

// uncovered tells whether some address of ranges is in none of the others.
func uncovered(ranges, others []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return !covered(p.Masked(), others) })
}

// covered tells whether the others hold all of p, one of them alone or several
// together. It halves p as long as some of them lie within, and goes on with
// those alone, so the work is bounded by their number and their length.
func covered(p netip.Prefix, others []netip.Prefix) bool {
	var inside []netip.Prefix
	for _, o := range others {
		if o.Bits() <= p.Bits() && o.Contains(p.Addr()) {
			return true
		}
		if o.Bits() > p.Bits() && p.Contains(o.Addr()) {
			inside = append(inside, o)
		}
	}
	if len(inside) == 0 {
		return false
	}
	low, high := halves(p)
	return covered(low, inside) && covered(high, inside)
}

// halves splits a range in two.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits() + 1
	low = netip.PrefixFrom(p.Addr(), bits)
	raw := p.Addr().AsSlice()
	raw[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	addr, _ := netip.AddrFromSlice(raw)
	return low, netip.PrefixFrom(addr, bits)
}
