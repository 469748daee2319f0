// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"net/netip"
	"slices"
	"testing"
)

func TestWhoMayCallFromWhere(t *testing.T) {
	office, lab := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.0.2.128/25")
	six := netip.MustParsePrefix("2001:db8::/32")
	for _, row := range []struct {
		name            string
		allowed, denied []netip.Prefix
		from            string
		want            bool
	}{
		{"no list", nil, nil, "203.0.113.1", true},
		{"on the list", []netip.Prefix{office}, nil, "192.0.2.1", true},
		{"on the list, mapped", []netip.Prefix{office}, nil, "::ffff:192.0.2.1", true},
		{"not on the list", []netip.Prefix{office}, nil, "203.0.113.1", false},
		{"denied within what is allowed", []netip.Prefix{office}, []netip.Prefix{lab}, "192.0.2.200", false},
		{"denied, mapped", nil, []netip.Prefix{lab}, "::ffff:192.0.2.200", false},
		{"denied alone lets others in", nil, []netip.Prefix{lab}, "192.0.2.1", true},
		{"with a zone", []netip.Prefix{six}, nil, "2001:db8::1%eth0", true},
		{"denied with a zone", nil, []netip.Prefix{six}, "2001:db8::1%eth0", false},
	} {
		if got := MayCallFrom(row.allowed, row.denied, netip.MustParseAddr(row.from)); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	if MayCallFrom([]netip.Prefix{office}, nil, netip.Addr{}) {
		t.Error("an address that is not known is on a list")
	}
}

func TestAUnionHasEachOnceAndLeavesItsParts(t *testing.T) {
	a, b := make([]string, 1, 4), []string{"y", "x", "z"}
	a[0] = "x"
	if got := Union(a, b); !slices.Equal(got, []string{"x", "y", "z"}) || a[:2][1] != "" {
		t.Errorf("%v, and %v", got, a[:2])
	}
	if got := Union(nil, b); !slices.Equal(got, b) || !slices.Equal(Union(b, nil), b) {
		t.Errorf("%v", got)
	}
}
