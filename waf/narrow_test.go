// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
)

// counted is what the contract of these tests proves: the member count and the
// parameter page are numbers, state is one of two words.
func counted() *durward.Proven {
	number := []durward.Language{{Exprs: []string{durward.NumberExpr}, Most: 128}}
	state := []durward.Language{{Texts: []string{"open", "closed"}}}
	fields := map[string][]durward.Language{"page": number, "count": number, "state": state, "text": nil}
	return &durward.Proven{Query: fields, Form: fields, JSON: &durward.Proof{Members: map[string]*durward.Proof{
		"count": {Texts: number}, "state": {Texts: state}, "text": nil, "below": {Items: &durward.Proof{Texts: number}},
	}}}
}

// narrowed waits until what is proven is compiled.
func narrowed(t testing.TB, e *Engines, ready int) {
	t.Helper()
	gated(t, e)
	for deadline := time.Now().Add(2 * time.Minute); ; {
		n, waiting := e.Narrowings()
		if waiting == 0 && n == ready {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are ready, %d wait; want %d", n, waiting, ready)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// proving puts operations into force that have a contract.
func proving(t testing.TB, engines *Engines, p *durward.Proven, configs ...Config) (*Set, []durward.Stage) {
	t.Helper()
	b := NewBuilder(nil)
	var demands []*Demand
	for i, cfg := range configs {
		d, err := b.Operation(string(rune('a'+i)), cfg, "POST", []string{"application/json"})
		if err != nil {
			t.Fatal(err)
		}
		d.Proves([]*durward.Proven{p})
		demands = append(demands, d)
	}
	set, err := engines.Set(b, demands)
	if err != nil {
		t.Fatal(err)
	}
	var stages []durward.Stage
	for _, d := range demands {
		stages = append(stages, set.Stage(d))
	}
	return set, stages
}

func TestWhatIsProvenIsUsedForTheVeryRequestOnly(t *testing.T) {
	engines := NewEngines(clock)
	p := counted()
	set, stages := proving(t, engines, p, Config{}, Config{OnBodyLimit: partial, BodyLimit: 1 << 10}, Config{Narrowing: off})
	defer set.Close()
	narrowed(t, engines, 1)
	// The contract would refuse it: that it passes shows that the proof is believed.
	lie := `{"count":"` + injectionText + `"}`
	believed := func(x *durward.Exchange) *durward.Exchange { x.Proven = p; return x }
	for name, c := range map[string]struct {
		x      *durward.Exchange
		of     int
		passes bool
	}{
		"with a proof":          {believed(exchange("application/json", lie, true)), 0, true},
		"without one":           {exchange("application/json", lie, true), 0, false},
		"with another one":      {func() *durward.Exchange { x := exchange("application/json", lie, true); x.Proven = counted(); return x }(), 0, false},
		"of a query":            {believed(query("page=" + injection)), 0, true},
		"of an undeclared name": {believed(exchange("application/json", `{"more":"`+injectionText+`"}`, true)), 0, false},
		"of a text":             {believed(exchange("application/json", `{"text":"`+injectionText+`"}`, true)), 0, false},
		"of replaced content": {func() *durward.Exchange {
			x := believed(exchange("application/json", `{"count":1}`, true))
			if _, err := x.In.Body.Bytes(); err != nil {
				t.Fatal(err)
			}
			x.In.Body.Replace([]byte(lie))
			return x
		}(), 0, false},
		"of a part of the content": {believed(exchange("application/x-www-form-urlencoded", "count="+injection+"&text="+strings.Repeat("a", 2<<10), true)), 1, false},
		"where it is off":          {believed(exchange("application/json", lie, true)), 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := stages[c.of].Request(t.Context(), c.x)
			if passed := d.Verdict == durward.Allow; passed != c.passes {
				t.Errorf("got %+v", d)
			}
		})
	}
	if n := engines.Narrowed(); n != 4 {
		t.Errorf("%d requests were judged with a proof", n)
	}
}

const injectionText = "1' OR 1=1--"

func TestUntilItIsCompiledNothingIsProven(t *testing.T) {
	n := &narrowing{}
	x := exchange("application/json", `{"count":1}`, true)
	x.Proven = counted()
	if n.of(x, "") != nil || (*narrowing)(nil).of(x, "") != nil {
		t.Error("something is known")
	}
	n.plan = &plan{}
	n.make() // without a gate
	if n.done.Load() != nil {
		t.Error("there is a narrowing without a gate")
	}
}

// Configurations come and go while requests are judged: no verdict may differ, and
// nothing may be left behind.
func TestReloadsChangeNoVerdictOfProvenRequests(t *testing.T) {
	engines := NewEngines(clock)
	p := counted()
	set, stages := proving(t, engines, p, Config{})
	narrowed(t, engines, 1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				x := exchange("application/json", `{"count":12,"state":"open","below":[1,2],"text":"a chair"}`, true)
				want := durward.Allow
				if (n+i)%3 == 0 {
					x, want = exchange("application/json", `{"count":12,"text":"`+injectionText+`"}`, true), durward.Deny
				}
				x.Proven = p
				if d := stages[0].Request(t.Context(), x); d.Verdict != want {
					t.Errorf("got %+v, want %v", d, want)
					return
				}
			}
		})
	}
	for range 8 {
		other, more := proving(t, engines, counted(), Config{})
		if d := more[0].Request(t.Context(), exchange("application/json", `{"count":1}`, true)); d.Verdict != durward.Allow {
			t.Errorf("a new configuration: %+v", d)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	narrowed(t, engines, 1)
	close(stop)
	wg.Wait()
	if err := set.Close(); err != nil {
		t.Error(err)
	}
	if n, waiting := engines.Narrowings(); n != 0 || waiting != 0 {
		t.Errorf("%d are left, %d wait", n, waiting)
	}
}

func TestCoverageTellsWhichRulesSeeAValue(t *testing.T) {
	all := cover(t, nil, Config{})
	places := all[0].Narrow([]*durward.Proven{counted()})
	var names []string
	for _, p := range places {
		names = append(names, p.Place+": "+p.Proven)
		switch shown := len(p.Rules); {
		case p.Proven == "nothing" && shown != p.Of, p.Of < 90,
			p.Proven == "a number" && shown > 2, p.Proven == "one of 2 constants" && shown > 0:
			t.Errorf("%+v", p)
		}
	}
	want := []string{"query.count: a number", "query.page: a number", "query.state: one of 2 constants", "query.text: nothing",
		"form.count: a number", "form.page: a number", "form.state: one of 2 constants", "form.text: nothing"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	content := counted()
	content.Form = nil
	content.JSON.Members["again"] = content.JSON // which leads back
	names = nil
	for _, p := range all[0].Narrow([]*durward.Proven{{JSON: content.JSON}}) {
		names = append(names, p.Place)
	}
	for _, name := range []string{"body.count", "body.below.*", "body.again.again.state", "body.text"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not told", name)
		}
	}
	if len(names) > maxPlaces {
		t.Errorf("%d places are told", len(names))
	}
	for _, l := range []struct {
		of   []durward.Language
		want string
	}{
		{nil, "nothing"}, {[]durward.Language{{Texts: []string{""}}, {Most: 8}}, "null, or at most 8 bytes"}, {[]durward.Language{{Exprs: []string{"^a$"}}}, "matches ^a$"},
	} {
		if got := describe(l.of); got != l.want {
			t.Errorf("got %q", got)
		}
	}
}
