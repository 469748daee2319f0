// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/durwardtest"
	"durward/internal/allocs"
)

// on is a request of a consumer on a plan.
func on(consumer, plan string) *durward.Exchange {
	return &durward.Exchange{Principal: durward.Principal{
		Method: "api_key", Subject: consumer, Consumer: consumer, Credential: "key of " + consumer, Plan: plan,
	}}
}

func withPlans() *PrincipalConfig {
	return &PrincipalConfig{PerConsumer: per("2/h", 0), Plans: map[string]Plan{
		"gold":   {PerConsumer: per("5/h", 0)},
		"bronze": {PerConsumer: per("100/h", 0), PerCredential: per("1/h", 0)},
	}}
}

func TestAPlanChoosesTheLimits(t *testing.T) {
	for _, c := range []struct {
		name, plan string
		want       int
	}{
		{"no plan has the API's own quota", "", 2},
		{"a larger plan", "gold", 5},
		{"a plan with another kind of limit", "bronze", 1},
		{"an unknown plan has the API's own quota", "platinum", 2},
		{"names are exact", "Gold", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ByPrincipal(withPlans(), "api", NewCounters(0, durwardtest.NewClock().Now))
			if s.Name() != "quota" {
				t.Errorf("its name is %s", s.Name())
			}
			if n := count(t, s, 10, func(int) *durward.Exchange { return on("acme", c.plan) }); n != c.want {
				t.Errorf("%d of 10 passed, want %d", n, c.want)
			}
		})
	}
}

func TestAnUnknownPlanIsSeen(t *testing.T) {
	counters := NewCounters(0, durwardtest.NewClock().Now)
	s := ByPrincipal(withPlans(), "api", counters)
	for _, plan := range []string{"", "gold", "bronze"} {
		if d := s.Request(t.Context(), on("acme", plan)); d.Verdict != durward.Allow || d.Err != nil {
			t.Errorf("%q: %+v", plan, d)
		}
	}
	if d := s.Request(t.Context(), &durward.Exchange{Principal: durward.Principal{Plan: "platinum"}}); d.Err != nil {
		t.Errorf("nobody has no plan: %+v", d)
	}
	if n := counters.UnknownPlans(); n != 0 {
		t.Fatalf("%d unknown plans", n)
	}
	if d := s.Request(t.Context(), on("other", "platinum")); d.Verdict != durward.Allow || !errors.Is(d.Err, ErrUnknownPlan) {
		t.Errorf("%+v", d)
	}
	s.Request(t.Context(), on("other", "platinum"))
	x := on("other", "platinum")
	if d := s.Request(t.Context(), x); d.Verdict != durward.Deny || d.Code != durward.CodeRateLimited || errors.Is(d.Err, ErrUnknownPlan) {
		t.Errorf("the refusal is %+v", d)
	}
	if counters.UnknownPlans() != 3 || x.Extra.Get("Retry-After") == "" {
		t.Errorf("%d unknown plans, header %v", counters.UnknownPlans(), x.Extra)
	}
}

func TestAnUnknownPlanSharesTheQuotaOfNoPlan(t *testing.T) {
	s := ByPrincipal(withPlans(), "api", NewCounters(0, durwardtest.NewClock().Now))
	// Or a new name would be a fresh quota each time.
	if n := count(t, s, 10, func(i int) *durward.Exchange { return on("acme", fmt.Sprintf("plan%d", i)) }); n != 2 {
		t.Errorf("%d passed, want 2", n)
	}
	if n := count(t, s, 10, func(int) *durward.Exchange { return on("acme", "") }); n != 0 {
		t.Errorf("%d passed without a plan", n)
	}
}

func TestCallersOfAPlanCountApartAndAReloadKeepsTheirCounts(t *testing.T) {
	counters := NewCounters(0, durwardtest.NewClock().Now)
	s := ByPrincipal(withPlans(), "api", counters)
	if n := count(t, s, 10, func(i int) *durward.Exchange { return on([]string{"a", "b"}[i%2], "gold") }); n != 10 {
		t.Errorf("%d of 10 passed for two consumers", n)
	}
	again := ByPrincipal(withPlans(), "api", counters)
	if n := count(t, again, 10, func(int) *durward.Exchange { return on("a", "gold") }); n != 0 {
		t.Errorf("%d passed after the reload", n)
	}
}

func TestAPlanAnnouncesItsOwnLimits(t *testing.T) {
	s := ByPrincipal(withPlans(), "api", NewCounters(0, durwardtest.NewClock().Now))
	for plan, want := range map[string]string{"": `"per-consumer";q=2;w=3600`, "gold": `"per-consumer";q=5;w=3600`} {
		x := on("acme", plan)
		s.Request(t.Context(), x)
		if got := x.Extra.Get("Ratelimit-Policy"); got != want {
			t.Errorf("%q: %s, want %s", plan, got, want)
		}
	}
}

func TestPlansAreChecked(t *testing.T) {
	many := map[string]Plan{}
	for i := range maxPlans + 1 {
		many[fmt.Sprintf("p%d", i)] = Plan{PerSubject: per("1/s", 0)}
	}
	for _, c := range []struct {
		name string
		cfg  PrincipalConfig
		want []string
	}{
		{"good plans", *withPlans(), nil},
		{"plans without a quota to fall back to", PrincipalConfig{Plans: map[string]Plan{"gold": {PerConsumer: per("1/s", 0)}}},
			[]string{"plans: need per_consumer, per_subject or per_credential beside them, for callers of no plan and of an unknown one"}},
		{"a plan without a limit", PrincipalConfig{PerSubject: per("1/s", 0), Plans: map[string]Plan{"gold": {}}}, []string{"plans.gold: has no limit"}},
		{"a bad limit and a bad name", PrincipalConfig{PerSubject: per("1/s", 0), Plans: map[string]Plan{"gold": {PerConsumer: &Limit{}}, "a b": {}}},
			[]string{"plans: a name must be 1 to 64 letters, digits, - and _", "plans.gold.per_consumer.rate: a rate such as 20/s is needed"}},
		{"too many plans", PrincipalConfig{PerSubject: per("1/s", 0), Plans: many}, []string{"plans: at most 64 plans"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, err := range durward.Flatten(c.cfg.Check()) {
				got = append(got, err.Error())
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestChoosingAPlanAllocatesNothing(t *testing.T) {
	cfg := withPlans()
	cfg.Headers = HeadersOff
	cfg.Plans["gold"] = Plan{PerConsumer: per("1000000/s", 0)}
	s := ByPrincipal(cfg, "api", NewCounters(0, nil))
	x := on("acme", "gold")
	if n := allocs.PerRun(100, func() { s.Request(t.Context(), x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
