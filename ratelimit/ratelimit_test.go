// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward/durwardtest"

	"durward"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestABurstPassesAndThenTheRate(t *testing.T) {
	c := durwardtest.NewClock()
	s := ByClient(&Config{PerAddress: per("10/s", 4)}, "api", NewCounters(0, c.Now))
	if n := count(t, s, 10, always("192.0.2.1")); n != 4 {
		t.Fatalf("%d of 10 passed at once, want the burst of 4", n)
	}
	c.Move(99 * time.Millisecond)
	if n := count(t, s, 3, always("192.0.2.1")); n != 0 {
		t.Errorf("%d passed before the next was due", n)
	}
	c.Move(time.Millisecond)
	if n := count(t, s, 3, always("192.0.2.1")); n != 1 {
		t.Errorf("%d passed when one was due", n)
	}
	c.Move(time.Hour)
	if n := count(t, s, 10, always("192.0.2.1")); n != 4 {
		t.Errorf("%d passed after a pause, want the burst of 4", n)
	}
}

func TestTheBurstIsTheRatesCountByDefault(t *testing.T) {
	s := ByClient(&Config{Total: per("7/m", 0)}, "api", NewCounters(0, durwardtest.NewClock().Now))
	if n := count(t, s, 20, spread); n != 7 {
		t.Errorf("%d passed, want 7", n)
	}
}

func TestEachLimitCountsByItsOwnKey(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     Config
		clients []string
		want    []bool
	}{
		{"addresses count apart", Config{PerAddress: per("1/h", 0)},
			[]string{"192.0.2.1", "192.0.2.2", "192.0.2.1"}, []bool{true, true, false}},
		{"an IPv4 address in IPv6 is the same client", Config{PerAddress: per("1/h", 0)},
			[]string{"192.0.2.1", "::ffff:192.0.2.1"}, []bool{true, false}},
		{"a /64 is one client", Config{PerAddress: per("1/h", 0)},
			[]string{"2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"}, []bool{true, false, true}},
		{"the size of an IPv6 client can be set", Config{PerAddress: per("1/h", 0), IPv6Prefix: 128},
			[]string{"2001:db8::1", "2001:db8::2", "2001:db8::1"}, []bool{true, true, false}},
		{"the size need not be whole bytes", Config{PerAddress: per("1/h", 0), IPv6Prefix: 57},
			[]string{"2001:db8::1", "2001:db8:0:7f::1", "2001:db8:0:80::1"}, []bool{true, false, true}},
		{"IPv4 is not the IPv6 range that it maps into", Config{PerAddress: per("1/h", 0)},
			[]string{"::1", "192.0.2.1", "0.0.0.0"}, []bool{true, true, true}},
		{"clients without an address share a counter", Config{PerAddress: per("1/h", 0)},
			[]string{"", ""}, []bool{true, false}},
		{"a range is a /24 of IPv4", Config{PerRange: &RangeLimit{Limit: *per("1/h", 0)}},
			[]string{"192.0.2.1", "192.0.2.255", "192.0.3.1"}, []bool{true, false, true}},
		{"a range is a /48 of IPv6", Config{PerRange: &RangeLimit{Limit: *per("1/h", 0)}},
			[]string{"2001:db8:1::1", "2001:db8:1:ffff::1", "2001:db8:2::1"}, []bool{true, false, true}},
		{"the size of a range can be set", Config{PerRange: &RangeLimit{Limit: *per("1/h", 0), IPv4: 16, IPv6: 32}},
			[]string{"192.0.2.1", "192.0.3.1", "2001:db8:1::1", "2001:db8:2::1"}, []bool{true, false, true, false}},
		{"a group counts as a whole", Config{Groups: []Group{{Name: "partner", Limit: *per("2/h", 0), Ranges: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}}},
			[]string{"192.0.2.1", "2001:db8::1", "192.0.2.9", "198.51.100.1"}, []bool{true, true, false, true}},
		{"the total counts everybody", Config{Total: per("2/h", 0)},
			[]string{"192.0.2.1", "198.51.100.1", "2001:db8::1"}, []bool{true, true, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.cfg.Check(); err != nil {
				t.Fatal(err)
			}
			s := ByClient(&c.cfg, "api", NewCounters(0, durwardtest.NewClock().Now))
			var got []bool
			for _, a := range c.clients {
				got = append(got, passes(t, s, from(a)))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPrincipalsCountByWhoTheyAre(t *testing.T) {
	jwt := func(issuer, subject, consumer, credential string) durward.Principal {
		return durward.Principal{Method: "jwt", Issuer: issuer, Subject: subject, Consumer: consumer, Credential: credential}
	}
	for _, c := range []struct {
		name string
		cfg  PrincipalConfig
		who  []durward.Principal
		want []bool
	}{
		{"consumers count apart", PrincipalConfig{PerConsumer: per("1/h", 0)},
			[]durward.Principal{jwt("i", "s", "app", "1"), jwt("i", "t", "app", "2"), jwt("i", "s", "other", "1")}, []bool{true, false, true}},
		{"without a consumer the subject counts", PrincipalConfig{PerConsumer: per("1/h", 0)},
			[]durward.Principal{jwt("i", "s", "", "1"), jwt("i", "t", "", "1"), jwt("i", "s", "", "1")}, []bool{true, true, false}},
		{"a subject is its issuer's", PrincipalConfig{PerSubject: per("1/h", 0)},
			[]durward.Principal{jwt("i", "s", "", ""), jwt("j", "s", "", ""), jwt("i", "s", "x", "y")}, []bool{true, true, false}},
		{"names do not run into each other", PrincipalConfig{PerSubject: per("1/h", 0)},
			[]durward.Principal{jwt("ab", "c", "", ""), jwt("a", "bc", "", "")}, []bool{true, true}},
		{"credentials count apart", PrincipalConfig{PerCredential: per("1/h", 0)},
			[]durward.Principal{jwt("i", "s", "", "1"), jwt("i", "s", "", "2"), jwt("i", "t", "", "1")}, []bool{true, true, false}},
		{"a credential without an id counts by its subject", PrincipalConfig{PerCredential: per("1/h", 0)},
			[]durward.Principal{jwt("i", "s", "", ""), jwt("i", "s", "", "")}, []bool{true, false}},
		{"a principal without any name is still counted", PrincipalConfig{PerSubject: per("1/h", 0)},
			[]durward.Principal{jwt("i", "", "", ""), jwt("i", "", "", "")}, []bool{true, false}},
		{"nobody has no quota", PrincipalConfig{PerConsumer: per("1/h", 0), PerSubject: per("1/h", 0), PerCredential: per("1/h", 0)},
			[]durward.Principal{{}, {}, {}}, []bool{true, true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ByPrincipal(&c.cfg, "api", NewCounters(0, durwardtest.NewClock().Now))
			var got []bool
			for _, p := range c.who {
				got = append(got, passes(t, s, &durward.Exchange{Principal: p}))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestARefusedRequestUsesUpNoOtherLimit(t *testing.T) {
	c := durwardtest.NewClock()
	counters := NewCounters(0, c.Now)
	// A total of 1 refuses the second; its address must not have been charged.
	strict := ByClient(&Config{PerAddress: per("3/h", 0), Total: per("1/h", 0), Groups: []Group{
		{Name: "g", Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Limit: *per("3/h", 0)}}}, "api", counters)
	if n := count(t, strict, 50, always("192.0.2.1")); n != 1 {
		t.Fatalf("%d passed, want 1", n)
	}
	for name, cfg := range map[string]*Config{
		"the address": {PerAddress: per("3/h", 0)},
		"the group":   {Groups: []Group{{Name: "g", Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Limit: *per("3/h", 0)}}},
	} {
		if n := count(t, ByClient(cfg, "api", counters), 10, always("192.0.2.1")); n != 2 {
			t.Errorf("%s had %d left, want 2 of 3", name, n)
		}
	}
}

func TestNothingConfiguredIsNoStage(t *testing.T) {
	c := NewCounters(0, nil)
	for name, s := range map[string]durward.Stage{
		"no client configuration":    ByClient(nil, "api", c),
		"an empty one":               ByClient(&Config{}, "api", c),
		"one that is off":            ByClient(&Config{Mode: durward.Off, Total: per("1/s", 0)}, "api", c),
		"no principal configuration": ByPrincipal(nil, "api", c),
		"an empty principal one":     ByPrincipal(&PrincipalConfig{}, "api", c),
		"a principal one that is off": ByPrincipal(&PrincipalConfig{Mode: durward.Off, PerConsumer: per("1/s", 0)},
			"api", c),
	} {
		if s != nil {
			t.Errorf("%s made a stage", name)
		}
	}
}

func TestStagesHaveTheirNames(t *testing.T) {
	c := NewCounters(0, nil)
	if n := ByClient(&Config{Total: per("1/s", 0)}, "api", c).Name(); n != "ratelimit" {
		t.Error(n)
	}
	if n := ByPrincipal(&PrincipalConfig{PerSubject: per("1/s", 0)}, "api", c).Name(); n != "quota" {
		t.Error(n)
	}
}

func TestAnswersTellTheLimits(t *testing.T) {
	for _, c := range []struct {
		name            string
		cfg             Config
		passed, refused durward.Header
	}{
		{"in the draft's fields by default", Config{PerAddress: per("20/s", 2), Total: per("100/m", 0)},
			durward.Header{{Name: "Ratelimit-Policy", Value: `"per-address";q=2;w=1, "total";q=100;w=60`}, {Name: "Ratelimit", Value: `"per-address";r=1;t=1`}},
			durward.Header{{Name: "Retry-After", Value: "1"}, {Name: "Ratelimit-Policy", Value: `"per-address";q=2;w=1, "total";q=100;w=60`}, {Name: "Ratelimit", Value: `"per-address";r=0;t=1`}}},
		{"about the tightest", Config{PerAddress: per("20/s", 9), Total: per("2/h", 0)},
			durward.Header{{Name: "Ratelimit-Policy", Value: `"per-address";q=9;w=1, "total";q=2;w=3600`}, {Name: "Ratelimit", Value: `"total";r=1;t=1800`}},
			durward.Header{{Name: "Retry-After", Value: "1800"}, {Name: "Ratelimit-Policy", Value: `"per-address";q=9;w=1, "total";q=2;w=3600`}, {Name: "Ratelimit", Value: `"total";r=0;t=1800`}}},
		{"in the legacy fields", Config{Total: per("2/m", 0), Headers: HeadersLegacy},
			durward.Header{{Name: "X-Ratelimit-Limit", Value: "2"}, {Name: "X-Ratelimit-Remaining", Value: "1"}, {Name: "X-Ratelimit-Reset", Value: "30"}},
			durward.Header{{Name: "Retry-After", Value: "30"}, {Name: "X-Ratelimit-Limit", Value: "2"}, {Name: "X-Ratelimit-Remaining", Value: "0"}, {Name: "X-Ratelimit-Reset", Value: "30"}}},
		{"in both", Config{Total: per("2/m", 0), Headers: HeadersBoth},
			durward.Header{{Name: "Ratelimit-Policy", Value: `"total";q=2;w=60`}, {Name: "Ratelimit", Value: `"total";r=1;t=30`},
				{Name: "X-Ratelimit-Limit", Value: "2"}, {Name: "X-Ratelimit-Remaining", Value: "1"}, {Name: "X-Ratelimit-Reset", Value: "30"}},
			durward.Header{{Name: "Retry-After", Value: "30"}, {Name: "Ratelimit-Policy", Value: `"total";q=2;w=60`}, {Name: "Ratelimit", Value: `"total";r=0;t=30`},
				{Name: "X-Ratelimit-Limit", Value: "2"}, {Name: "X-Ratelimit-Remaining", Value: "0"}, {Name: "X-Ratelimit-Reset", Value: "30"}}},
		{"or not at all, but for Retry-After", Config{Total: per("2/m", 0), Headers: HeadersOff},
			nil, durward.Header{{Name: "Retry-After", Value: "30"}}},
		{"not while only reporting", Config{Total: per("2/m", 0), Mode: durward.Report}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ByClient(&c.cfg, "api", NewCounters(0, durwardtest.NewClock().Now))
			var answers []durward.Header
			var last *durward.Exchange
			for range 3 {
				last = from("192.0.2.1")
				passes(t, s, last)
				answers = append(answers, last.Extra)
			}
			if d := cmp.Diff(c.passed, answers[0]); d != "" {
				t.Error("passed:", d)
			}
			if d := cmp.Diff(c.refused, answers[2]); d != "" {
				t.Error("refused:", d)
			}
			if enforced := c.cfg.Mode == durward.Enforce; enforced != (len(last.Violated) == 1) {
				t.Errorf("violated policies %v", last.Violated)
			}
		})
	}
}

func TestARetryAfterTheStatedTimePasses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := durwardtest.NewClock()
		l := &Limit{Rate: rateOf(rapid.Int64Range(1, 1000).Draw(rt, "count"), time.Duration(rapid.Int64Range(1e6, 1e12).Draw(rt, "per"))),
			Burst: rapid.IntRange(1, 5).Draw(rt, "burst")}
		s := ByClient(&Config{Total: l}, "api", NewCounters(0, c.Now))
		for passes(t, s, from("")) {
		}
		x := from("")
		passes(t, s, x)
		wait, err := time.ParseDuration(x.Extra.Get("Retry-After") + "s")
		if err != nil || wait < time.Second {
			rt.Fatalf("Retry-After %q", x.Extra.Get("Retry-After"))
		}
		c.Move(wait)
		if !passes(t, s, from("")) {
			rt.Fatalf("%v: refused after Retry-After of %v", l.Rate, wait)
		}
	})
}

// The promise of a limit: in any span no more than burst + rate * time.
func TestALimitNeverLetsMoreThroughThanItSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := durwardtest.NewClock()
		count, window := rapid.Int64Range(1, 50).Draw(rt, "count"), time.Duration(rapid.Int64Range(1e6, 1e10).Draw(rt, "per"))
		burst := rapid.IntRange(1, 20).Draw(rt, "burst")
		s := ByClient(&Config{PerAddress: &Limit{Rate: rateOf(count, window), Burst: burst}}, "api", NewCounters(128, c.Now))
		var times []time.Time
		for _, step := range rapid.SliceOfN(rapid.Int64Range(0, int64(window)/count*2), 1, 200).Draw(rt, "steps") {
			c.Move(time.Duration(step))
			if passes(t, s, from("192.0.2.1")) {
				times = append(times, c.Now())
			}
		}
		for i := range times {
			for j := i; j < len(times); j++ {
				span := times[j].Sub(times[i])
				if most := float64(burst) + float64(span)*float64(count)/float64(window); float64(j-i+1) > most+1e-9 {
					rt.Fatalf("%d passed within %v, at most %v may", j-i+1, span, most)
				}
			}
		}
	})
}

func TestConcurrentRequestsShareOneLimit(t *testing.T) {
	s := ByClient(&Config{PerAddress: per("100/h", 0), PerRange: &RangeLimit{Limit: *per("1000/h", 0)}, Total: per("150/h", 0)}, "api", NewCounters(0, durwardtest.NewClock().Now))
	var passed [2]atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				who := i % 2
				x := from([]string{"192.0.2.1", "198.51.100.1"}[who])
				if s.Request(context.Background(), x).Verdict == durward.Allow {
					passed[who].Add(1)
				}
			}
		})
	}
	wg.Wait()
	a, b := passed[0].Load(), passed[1].Load()
	if a > 100 || b > 100 || a+b != 150 {
		t.Errorf("%d and %d passed; at most 100 each and exactly 150 in total may", a, b)
	}
}

func TestAReloadGivesNobodyAFreshBurst(t *testing.T) {
	c := durwardtest.NewClock()
	counters := NewCounters(0, c.Now)
	cfg := &Config{PerAddress: per("5/h", 0), Total: per("100/h", 0)}
	old := ByClient(cfg, "api", counters)
	count(t, old, 5, always("192.0.2.1"))
	if n := count(t, ByClient(cfg, "api", counters), 5, always("192.0.2.1")); n != 0 {
		t.Errorf("%d passed after the reload", n)
	}
	if n := count(t, ByClient(cfg, "other", counters), 5, always("192.0.2.1")); n != 5 {
		t.Errorf("another scope let %d of 5 pass", n)
	}
	// With a rate of 1/s nobody must wait for the hours of the old limit.
	faster := ByClient(&Config{PerAddress: per("1/s", 2)}, "api", counters)
	if n := count(t, faster, 5, always("192.0.2.1")); n != 0 {
		t.Errorf("%d passed right after the rate was changed", n)
	}
	c.Move(2 * time.Second)
	if n := count(t, faster, 5, always("192.0.2.1")); n != 2 {
		t.Errorf("%d passed when the new limit had refilled, want 2", n)
	}
}

func TestAClockThatJumpsLocksNobodyOut(t *testing.T) {
	for name, cfg := range map[string]*Config{"keyed": {PerAddress: per("1/s", 3)}, "single": {Total: per("1/s", 3)}} {
		t.Run(name, func(t *testing.T) {
			c := durwardtest.NewClock()
			s := ByClient(cfg, "api", NewCounters(0, c.Now))
			count(t, s, 3, always("192.0.2.1"))
			c.Move(-24 * time.Hour)
			if n := count(t, s, 3, always("192.0.2.1")); n != 0 {
				t.Errorf("%d passed right after the clock was set back", n)
			}
			c.Move(3 * time.Second)
			if n := count(t, s, 5, always("192.0.2.1")); n != 3 {
				t.Errorf("%d of 3 passed once the limit had refilled", n)
			}
			c.Move(10000 * time.Hour)
			if n := count(t, s, 5, always("192.0.2.1")); n != 3 {
				t.Errorf("%d of 3 passed after the clock was set forward", n)
			}
		})
	}
}

func TestARateThatDoesNotDivideASecondIsAnnouncedAsConfigured(t *testing.T) {
	for rate, want := range map[string]string{"3/s": `"total";q=3;w=1`, "7/m": `"total";q=7;w=60`, "1000/h": `"total";q=1000;w=3600`, "20/s": `"total";q=20;w=1`} {
		var l Limit
		if err := l.UnmarshalText([]byte(rate)); err != nil {
			t.Fatal(err)
		}
		x := &durward.Exchange{}
		ByClient(&Config{Total: &l}, "s", NewCounters(0, nil)).Request(t.Context(), x)
		if got := x.Extra.Get("Ratelimit-Policy"); got != want {
			t.Errorf("%s: %s, want %s", rate, got, want)
		}
	}
}
