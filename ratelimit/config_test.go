// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"fmt"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"durward"
	"durward/durwardtest"
	"durward/internal/units"

	"github.com/google/go-cmp/cmp"
)

func TestALimitIsARateWhereTheConfigurationHasAScalar(t *testing.T) {
	var l Limit
	if err := l.UnmarshalText([]byte("100/10s")); err != nil {
		t.Fatal(err)
	}
	if want := (Limit{Rate: units.Rate{Count: 100, Per: 10 * time.Second}}); l != want {
		t.Errorf("got %+v, want %+v", l, want)
	}
	if !regexp.MustCompile(l.Pattern()).MatchString("100/10s") {
		t.Errorf("the pattern %s does not take it", l.Pattern())
	}
	for _, bad := range []string{"", "20", "0/s", "-1/s", "20/y", "20/s burst 5"} {
		before := l
		if err := l.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, l)
		} else if l != before {
			t.Errorf("%q changed the limit", bad)
		}
	}
}

func TestCheckReportsEveryFault(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"nothing configured", (&Config{}).Check(), nil},
		{"all well", (&Config{
			Total: per("2000/s", 0), PerAddress: per("20/s", 40), PerRange: &RangeLimit{Limit: *per("100/s", 0), IPv4: 24, IPv6: 56},
			Groups:  []Group{{Name: "partner_1", Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Limit: *per("5/s", 0)}},
			Headers: HeadersBoth, IPv6Prefix: 56,
		}).Check(), nil},
		{"everything wrong", (&Config{
			Total: &Limit{Burst: -1}, PerAddress: per("1/d", 367), IPv6Prefix: 129, Headers: "loud",
			PerRange: &RangeLimit{IPv4: 33, IPv6: -1},
			Groups: []Group{
				{Name: "total", Ranges: []netip.Prefix{{}, netip.MustParsePrefix("::ffff:192.0.2.0/120")}, Limit: *per("5/s", 0)},
				{Name: "a b"}, {Name: "g", Ranges: []netip.Prefix{netip.MustParsePrefix("::/0")}, Limit: *per("1/s", 0)},
				{Name: "g", Ranges: []netip.Prefix{netip.MustParsePrefix("::/0")}, Limit: *per("1/s", 0)},
			},
		}).Check(), []string{
			"headers: must be draft, legacy, both or off",
			"ipv6_prefix: must be from 1 to 128",
			"total.rate: a rate such as 20/s is needed",
			"total.burst: must be from 0 to 2147483647",
			"per_address.burst: takes more than a year to refill at this rate",
			"per_range.limit.rate: a rate such as 20/s is needed",
			"per_range.ipv4_prefix: must be from 1 to 32",
			"per_range.ipv6_prefix: must be from 1 to 128",
			`groups[0].name: "total" is taken by another limit`,
			"groups[0].ranges[0]: is not an address range",
			"groups[0].ranges[1]: write an IPv4 range as IPv4",
			"groups[1].limit.rate: a rate such as 20/s is needed",
			"groups[1].name: must be 1 to 64 letters, digits, - and _",
			"groups[1].ranges: at least one range is needed",
			`groups[3].name: "g" is taken by another limit`,
		}},
		{"too many groups", (&Config{Groups: manyGroups(maxGroups + 1)}).Check(), []string{"groups: at most 64 groups"}},
		{"as many groups as may be", (&Config{Groups: manyGroups(maxGroups)}).Check(), nil},
		{"no principal configured", (&PrincipalConfig{}).Check(), nil},
		{"a good quota", (&PrincipalConfig{PerConsumer: per("100000/d", 0)}).Check(), nil},
		{"every quota wrong", (&PrincipalConfig{PerConsumer: &Limit{}, PerSubject: &Limit{}, PerCredential: &Limit{}, Headers: "x"}).Check(), []string{
			"headers: must be draft, legacy, both or off",
			"per_consumer.rate: a rate such as 20/s is needed",
			"per_subject.rate: a rate such as 20/s is needed",
			"per_credential.rate: a rate such as 20/s is needed",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, err := range durward.Flatten(c.err) {
				got = append(got, err.Error())
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func manyGroups(n int) (groups []Group) {
	for i := range n {
		groups = append(groups, Group{Name: fmt.Sprintf("g%d", i), Ranges: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Limit: *per("100/h", 0)})
	}
	return groups
}

func TestAllLimitsOfALargeStageAreTakenBack(t *testing.T) {
	counters := NewCounters(0, durwardtest.NewClock().Now)
	cfg := &Config{PerAddress: per("100/h", 0), PerRange: &RangeLimit{Limit: *per("100/h", 0)}, Groups: manyGroups(maxGroups), Total: per("1/h", 0)}
	s := ByClient(cfg, "api", counters).(*stage)
	if n := count(t, s, 20, always("192.0.2.1")); n != 1 {
		t.Fatalf("%d passed, want 1", n)
	}
	for i := range s.limits {
		l := &s.limits[i]
		key, _ := l.key(counters, from("192.0.2.1"))
		tat, _ := l.counter.charge(&l.rate, key, counters.clock())
		if want := 2 * l.rate.interval; l.name != "total" && tat != want {
			t.Errorf("%s: TAT %d after one passed request and this, want %d", l.name, tat, want)
		}
	}
}

func TestARateIsNeverRoundedUp(t *testing.T) {
	for _, c := range []struct {
		rate units.Rate
		want time.Duration
	}{
		{rateOf(1, time.Second), time.Second},
		{rateOf(3, time.Second), 333333334},
		{rateOf(7, time.Minute), 8571428572},
		{rateOf(1<<40, time.Millisecond), 1},
	} {
		if got := interval(c.rate); got != c.want {
			t.Errorf("%v takes %d ns a request, want %d", c.rate, got, c.want)
		}
	}
}

func FuzzLimit(f *testing.F) {
	for _, s := range []string{"20/s", "100/10s", "1/31d", "1099511627775/1ms", "0/s", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var l Limit
		if l.UnmarshalText([]byte(text)) != nil || l.Check() != nil {
			return
		}
		r := newRate(&l)
		if r.interval < 1 || r.capacity < r.interval || r.capacity/r.interval != l.burst() || r.capacity > int64(longest) {
			t.Fatalf("%q became %+v", text, r)
		}
	})
}
