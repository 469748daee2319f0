// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"durward"
	"durward/internal/allocs"
	"durward/waf/gate"
	"durward/waf/match"
	"durward/waf/waftest"
)

// gated waits until all gates are compiled.
func gated(t testing.TB, e *Engines) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		_, compiling, failed := e.Gates()
		if failed > 0 || time.Now().After(deadline) {
			t.Fatalf("%d gates failed, %d are not compiled yet", failed, compiling)
		}
		if compiling == 0 {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// setOf puts operations into force.
func setOf(t testing.TB, engines *Engines, global *Global, configs ...Config) (*Set, []*Demand) {
	t.Helper()
	b := NewBuilder(global)
	var demands []*Demand
	for i, cfg := range configs {
		d, err := b.Operation(string(rune('a'+i)), cfg, "PUT", []string{"application/merge-patch+json", "text/plain"})
		if err != nil {
			t.Fatal(err)
		}
		demands = append(demands, d)
	}
	set, err := engines.Set(b, demands)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return set, demands
}

// reasons are the gate's counts.
func gateCounts(e *Engines) map[string]int64 {
	out := map[string]int64{}
	e.Gate(func(n int64, result, reason string) { out[result+" "+reason] = n })
	return out
}

func query(q string) *durward.Exchange {
	x := exchange("", "", false)
	x.In.RawQuery = q
	return x
}

func TestAGateSparesTheEngineForCleanRequestsOnly(t *testing.T) {
	engines := NewEngines(clock)
	set, d := setOf(t, engines, nil, Config{}, Config{Mode: durward.Report})
	gated(t, engines)
	good := set.shared.requests
	set.shared.requests = &Engine{} // which panics: whoever asks it fails
	defer func() { set.shared.requests = good }()
	for i := range d {
		s := set.Stage(d[i])
		for _, x := range []*durward.Exchange{query("q=chair&limit=10"), exchange("application/json", `{"a":"it's due"}`, true), exchange("application/json", `{"a":"b"}`, false)} {
			if got := s.Request(t.Context(), x); got.Verdict != durward.Allow || len(x.Findings) != 0 {
				t.Errorf("operation %d: a harmless request: %+v", i, got)
			}
		}
		if got := s.Request(t.Context(), query("q="+injection)); got.Verdict != durward.Fail {
			t.Errorf("operation %d: the engine was not asked about an attack: %+v", i, got)
		}
	}
	if n := gateCounts(engines); n["clean "] != 6 || n["slow 942100"] != 2 {
		t.Errorf("counted %v", n)
	}
}

func TestWithoutAGateTheEngineDecides(t *testing.T) {
	engines := NewEngines(clock)
	engines.compiling = true // nobody is at it, and nobody begins
	set, d := setOf(t, engines, nil, Config{})
	s := set.Stage(d[0])
	try := func(when, reason string) {
		t.Helper()
		before := gateCounts(engines)[reason]
		if got := s.Request(t.Context(), query("q=chair")); got.Verdict != durward.Allow {
			t.Errorf("%s: a harmless request: %+v", when, got)
		}
		if got := s.Request(t.Context(), query("q="+injection)); got.Verdict != durward.Deny {
			t.Errorf("%s: an attack: %+v", when, got)
		}
		if n := gateCounts(engines)[reason] - before; n != 2 {
			t.Errorf("%s: %q is counted %d times", when, reason, n)
		}
	}
	p := s.(*stage).plans[0]
	try("before it is compiled", "slow "+slowCompiling)
	if _, compiling, _ := engines.Gates(); compiling != 1 {
		t.Errorf("%d gates are being compiled", compiling)
	}
	p.failed.Store(true)
	try("when it cannot be compiled", "slow "+slowFailed)
	if _, _, failed := engines.Gates(); failed != 1 {
		t.Errorf("%d gates failed", failed)
	}
	p.gate.Store(&gate.Gate{}) // panics
	try("when it is broken", "slow "+slowPanic)
}

func TestOperationsAndReloadsShareGates(t *testing.T) {
	engines := NewEngines(clock)
	count := func(want int) {
		t.Helper()
		ready, compiling, failed := engines.Gates()
		if ready+compiling != want || failed > 0 {
			t.Errorf("%d ready, %d compiling, %d failed, want %d in all", ready, compiling, failed, want)
		}
	}
	old, d := setOf(t, engines, nil, Config{}, Config{BodyLimit: 1}, Config{Paranoia: 2}, Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Until: "2026-12-31"}}})
	count(3) // the exclusion's time, and the time after, which is as without it
	gated(t, engines)
	took := engines.GateTime()
	next, e := setOf(t, engines, nil, Config{Paranoia: 2}, Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Until: "2026-12-31"}}})
	if a, b := old.Stage(d[2]).(*stage), next.Stage(e[0]).(*stage); a.plans[0] != b.plans[0] {
		t.Error("a reload has a gate of its own")
	}
	if engines.GateTime() != took {
		t.Error("a reload compiles what was there")
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	count(3) // of the second
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	count(0)
}

func TestARuleSetThatChangedInheritsCompiledExpressionsAndForgetsThemInTheEnd(t *testing.T) {
	engines := NewEngines(clock)
	caches := map[*match.Cache]int{}
	var before *Set
	for i := range 2*maxHeirs + 2 {
		next, _ := setOf(t, engines, nil, Config{Exclusions: []Exclusion{{Rules: []string{strconv.Itoa(942100 + 10*i)}}}})
		if before != nil {
			if next.shared == before.shared {
				t.Fatal("the rules have not changed")
			}
			if err := before.Close(); err != nil {
				t.Fatal(err)
			}
		}
		caches[next.shared.plans.cache]++
		before = next
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	if len(caches) != 2 {
		t.Errorf("%d caches for %d rule sets", len(caches), 2*maxHeirs+2)
	}
	for _, n := range caches {
		if n != maxHeirs+1 {
			t.Errorf("a cache serves %d rule sets, want %d", n, maxHeirs+1)
		}
	}
}

func TestAnExclusionHasAGateForItsTimeAndOneForTheTimeAfter(t *testing.T) {
	now := noon
	engines := NewEngines(func() time.Time { return now })
	set, d := setOf(t, engines, nil, Config{Exclusions: []Exclusion{{Rules: []string{"942100"}, Until: "2026-12-31"}}})
	gated(t, engines)
	s := set.Stage(d[0])
	if got := s.Request(t.Context(), query("q="+injection)); got.Verdict != durward.Allow || gateCounts(engines)["clean "] != 1 {
		t.Errorf("while it holds: %+v %v", got, gateCounts(engines))
	}
	now = now.AddDate(0, 2, 0)
	if got := s.Request(t.Context(), query("q="+injection)); got.Verdict != durward.Deny {
		t.Errorf("afterwards: %+v", got)
	}
}

// What the gate proves clean, the engine finds nothing in: over corpora, with
// exclusions, higher paranoia, own rules, and in report mode.
func TestNoVerdictChangesByAGate(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.conf")
	if err := os.WriteFile(own, []byte("SecRule ARGS \"@contains chair\" \"id:77,phase:2,deny,log\"\nSecRule REQUEST_HEADERS:Accept \"@streq */*\" \"id:78,phase:1,block,log,setvar:tx.inbound_anomaly_score_pl1=+2\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	engines := NewEngines(clock)
	set, demands := setOf(t, engines, &Global{Setup: map[string]string{"max_num_args": "40"}},
		Config{},
		Config{Paranoia: 2, Exclusions: []Exclusion{{Rules: []string{"942000-942999"}, Parameters: []string{"query.q", "body.text"}}, {Tags: []string{"attack-xss"}}}},
		Config{Rules: []string{own}, Mode: durward.Report}, Config{Paranoia: 3, DetectionParanoia: 4, InboundThreshold: 20})
	gated(t, engines)
	each := 120
	if testing.Short() {
		each = 30
	}
	regression, err := waftest.Regression()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range demands {
		p, shown, clean := set.Stage(d).(*stage).plans[0], 0, 0
		settings := d.settingsAt(noon)
		for n, all := range [][]*gate.Request{waftest.Benign(21, each), waftest.Awkward(22, each/2), waftest.Hostile(23, 2*each), regression} {
			for j, r := range all {
				if r == nil || n == 3 && j%8 != i { // each profile another part of them
					continue
				}
				shown++
				if ok, _ := p.clean(r); !ok {
					continue
				}
				clean++
				if v := inspect(t, set.shared.requests, r, settings); v.Interrupted || v.Score != 0 || len(v.Rules) > 0 {
					t.Errorf("operation %d: proven clean, and the engine says %+v: %s %s %v %q", i, v, r.Method, r.URI, r.Header, r.Body)
				}
			}
		}
		t.Logf("operation %d: %d of %d requests proven clean", i, clean, shown)
		if i < 2 && clean < each/2 {
			t.Errorf("operation %d: %d requests proven clean: nothing is compared", i, clean)
		}
	}
}

// The slow path takes milliseconds, so its share is what a gate is worth.
func TestNearlyAllBenignRequestsTakeTheFastPath(t *testing.T) {
	engines := NewEngines(clock)
	set, d := setOf(t, engines, nil, Config{}, Config{Paranoia: 2})
	gated(t, engines)
	const n = 1500
	for i, most := range []int{0, n / 10} {
		p, slow, needless := set.Stage(d[i]).(*stage).plans[0], 0, map[string]int{}
		for _, r := range waftest.Benign(31, n) {
			ok, why := p.clean(r)
			if ok {
				continue
			}
			slow++
			if v := inspect(t, set.shared.requests, r, d[i].settingsAt(noon)); len(v.Rules) == 0 {
				needless[fmt.Sprint(why.RuleID, " ", why.Target)]++
			}
		}
		t.Logf("paranoia %d: %.2f%% of %d take the fast path; without need on the slow one: %v", i+1, 100-float64(slow)*100/n, n, needless)
		total := 0
		for _, k := range needless {
			total += k
		}
		if total > max(most, n/1000) {
			t.Errorf("paranoia %d: %d requests in which no rule finds anything take the slow path", i+1, total)
		}
	}
}

func TestACleanRequestTakesFewAllocations(t *testing.T) {
	if allocs.Race {
		t.Skip("pools drop at random what they are given")
	}
	engines := NewEngines(clock)
	set, d := setOf(t, engines, nil, Config{})
	gated(t, engines)
	s := set.Stage(d[0])
	ctx := t.Context()
	x := query("q=chair&limit=10&sort=created")
	if n := allocs.PerRun(200, func() {
		if s.Request(ctx, x).Verdict != durward.Allow {
			t.Fatal("refused")
		}
	}); n > 9 {
		t.Errorf("%v allocations for a clean request", n)
	}
	// What is left is libinjection's, one for each two words that may be a phrase.
	for i, most := range []float64{60, 400, 2500, 400} {
		sample := waftest.Samples()[i]
		x, fresh := exchangeOf(t, sample.Request)
		if n := allocs.PerRun(20, func() {
			fresh()
			if d := s.Request(ctx, x); d.Verdict != durward.Allow || d.Err != nil {
				t.Fatalf("%+v", d)
			}
		}); n > most {
			t.Errorf("%s: %v allocations, at most %v are allowed", sample.Name, n, most)
		} else {
			t.Logf("%s: %v allocations", sample.Name, n)
		}
	}
}
