// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import "net/netip"

// Failed notes that an attempt was checked and found bad.
func (v *View) Failed(a Attempt) {
	if v == nil {
		return
	}
	g, r := v.guard, &v.rules
	k := v.keys(&a)
	f := failure{now: g.clock()}
	if a.Presented != "" {
		f.tag = mix(g.presented.text(a.Presented), k.credential^k.account) >> 48
		f.tag = max(f.tag, 1)
	}
	if v.repeated(&k, f.tag) {
		g.counts.repeats.Add(1)
		return
	}
	g.counts.failures.Add(1)

	// What a source and a range are held against are different ids.
	if k.credential != 0 || k.account != 0 {
		f.see = mix(k.credential, k.account)
	}
	var locked [kinds]bool
	t := &g.tables
	locked[KindSource] = t[KindSource].charge(k.source, f, r.source.times(v.friends(k.source, f.now)), r)
	locked[KindRange] = t[KindRange].charge(k.ranges, f, r.ranges.times(v.friends(k.ranges, f.now)), r)
	locked[KindPair] = t[KindPair].charge(k.ofCredential, f, r.pair, r)
	locked[KindPair] = t[KindPair].charge(k.ofAccount, f, r.pair, r) || locked[KindPair]

	// An id is held against different ranges.
	f.see = k.ranges
	locked[KindIdentity] = t[KindIdentity].charge(k.credential, f, r.identity, r)
	locked[KindIdentity] = t[KindIdentity].charge(k.account, f, r.identity, r) || locked[KindIdentity]

	for kind, yes := range locked {
		if yes {
			g.counts.locks[kind].Add(1)
			v.tell(Event{Kind: Kind(kind).String(), Source: v.prefix(a.Source, Kind(kind)), For: v.lockFor()})
		}
	}
	v.alarm(g.pressure.add(f.now, r.window, r.alarmAfter))
}

// repeated tells whether the same was presented before. Who claims an id is
// asked by the pair, so that many stuck clients behind one address do not
// crowd out each other.
func (v *View) repeated(k *keys, tag uint64) bool {
	t := &v.guard.tables
	switch {
	case tag == 0:
		return false
	case k.credential != 0:
		return t[KindPair].repeated(k.ofCredential, tag)
	case k.account != 0:
		return t[KindPair].repeated(k.ofAccount, tag)
	}
	return t[KindSource].repeated(k.source, tag)
}

// prefix is what of an address an event tells.
func (v *View) prefix(a netip.Addr, kind Kind) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	switch {
	case kind == KindIdentity || !a.IsValid():
		return netip.Prefix{}
	case a.Is4() && kind == KindRange:
		bits = v.rules.ipv4Range
	case a.Is6() && kind == KindRange:
		bits = v.rules.ipv6Range
	case a.Is6():
		bits = v.rules.ipv6Prefix
	}
	return netip.PrefixFrom(a, bits).Masked()
}
