// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
	"durward/waf/gate"
	"durward/waf/slowpath"
)

const sqlInjection = "q=1%27+OR+1%3D1--"

// bounded is a stage behind a gate that is compiled, under limits.
func bounded(t *testing.T, limits slowpath.Config, cfg Config) (*Engines, durward.Stage) {
	t.Helper()
	e := NewEngines(clock)
	b := NewBuilder(&Global{SlowPath: limits})
	d, err := b.Operation("a", cfg, "GET", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := e.Set(b, []*Demand{d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	for began := time.Now(); ; {
		if ready, _, _ := e.Gates(); ready == 1 {
			return e, set.Stage(d)
		}
		if time.Since(began) > time.Minute {
			t.Fatal("the gate is not compiled")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func from(address, query string) *durward.Exchange {
	x := exchange("", "", false)
	x.Client.Address = netip.MustParseAddr(address)
	x.In.RawQuery = query
	return x
}

func slowCount(e *Engines, outcome string) (n int64) {
	e.SlowPath().Outcomes(func(c int64, o string) {
		if o == outcome {
			n = c
		}
	})
	return n
}

// The only place is taken for ever and the client's budget is spent. What the
// gate proves clean goes on at once; it would hang here if it waited.
func TestTheFastPathWaitsForNoSlowOne(t *testing.T) {
	e, stage := bounded(t, slowpath.Config{Concurrency: 1, Wait: units.Duration(time.Millisecond), CPUPerClient: units.Duration(time.Millisecond), Burst: units.Duration(2 * time.Millisecond)}, Config{})
	if d := stage.Request(context.Background(), from("192.0.2.1", sqlInjection)); d.Code != durward.CodeWAFBlocked {
		t.Fatalf("%+v", d)
	}
	free, taken, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		e.SlowPath().Run(context.Background(), slowpath.Client{Principal: "hog"}, 0, func() { close(taken); <-free })
	}()
	<-taken
	for range 1000 {
		if d := stage.Request(context.Background(), from("192.0.2.1", "q=chair&text=It%27s+fine")); d.Verdict != durward.Allow || d.Err != nil {
			t.Fatalf("%+v", d)
		}
	}
	x := from("192.0.2.1", sqlInjection)
	if d := stage.Request(context.Background(), x); d.Code != durward.CodeWAFBusy || !strings.Contains(d.Err.Error(), "the client has used up") || !x.Extra.Has("Retry-After") {
		t.Errorf("%+v, %v", d, x.Extra)
	}
	if d := stage.Request(context.Background(), from("192.0.2.2", sqlInjection)); d.Code != durward.CodeWAFBusy || !strings.Contains(d.Err.Error(), "busy for too long") {
		t.Errorf("another client: %+v", d)
	}
	close(free)
	<-ended
	if d := stage.Request(context.Background(), from("192.0.2.2", sqlInjection)); d.Code != durward.CodeWAFBlocked {
		t.Errorf("when there is a place again: %+v", d)
	}
	if slowCount(e, "ran") != 3 || slowCount(e, "client") != 1 || slowCount(e, "wait") != 1 {
		t.Errorf("%d ran, %d over the budget, %d waited", slowCount(e, "ran"), slowCount(e, "client"), slowCount(e, "wait"))
	}
}

func TestWhatHappensWhenTheBudgetIsSpentIsWritten(t *testing.T) {
	limits := slowpath.Config{MaxRun: units.Duration(time.Millisecond)} // no run is that short
	for _, c := range []struct {
		name   string
		policy string
		mode   durward.Mode
		want   durward.Code
		retry  bool
	}{
		{"refused", "", durward.Enforce, durward.CodeWAFBusy, true},
		{"told in report mode", "", durward.Report, durward.CodeWAFBusy, false},
		{"let through", slowpath.PassUnchecked, durward.Enforce, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits.OnExhausted = c.policy
			e, stage := bounded(t, limits, Config{Mode: c.mode})
			x := from("192.0.2.1", sqlInjection)
			d := stage.Request(context.Background(), x)
			if d.Code != c.want || d.Err == nil || x.Extra.Has("Retry-After") != c.retry || d.Verdict == durward.Allow != (c.want == "") {
				t.Errorf("%+v, %v", d, x.Extra)
			}
			unseen := int64(0)
			e.Uninspected(func(n int64, reason string) {
				if reason == UninspectedBusy {
					unseen = n
				}
			})
			if (unseen == 1) != (c.want == "") {
				t.Errorf("%d counted as not inspected", unseen)
			}
		})
	}
}

func TestAClientThatGoesAwayWhileItWaitsIsNobodysFailure(t *testing.T) {
	e, stage := bounded(t, slowpath.Config{Concurrency: 1, Wait: units.Duration(time.Minute)}, Config{})
	_ = stage.Request(context.Background(), from("192.0.2.1", sqlInjection)) // puts the limits in force
	free, taken := make(chan struct{}), make(chan struct{})
	defer close(free)
	go e.SlowPath().Run(context.Background(), slowpath.Client{}, 0, func() { close(taken); <-free })
	<-taken
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if d := stage.Request(ctx, from("192.0.2.1", sqlInjection)); d.Verdict != durward.Fail || !errors.Is(d.Err, context.Canceled) {
		t.Errorf("%+v", d)
	}
}

func TestTheBudgetIsThatOfWhoIsAuthenticated(t *testing.T) {
	x := from("192.0.2.1", "")
	address := clientOf(x)
	x.Principal = durward.Principal{Method: "jwt", Issuer: "a", Subject: "b"}
	if c := clientOf(x); c.Principal == "" || address.Principal != "" {
		t.Errorf("%+v, %+v", c, address)
	}
}

// The estimates are within an order of magnitude: what matters is that nobody
// gets much for little.
func TestEstimatesGrowWithValuesAndBytes(t *testing.T) {
	at := func(body string) time.Duration {
		return estimate(&gate.Request{URI: "/a?b=c", Body: []byte(body), Inspect: true})
	}
	small, fields, long := at(`{"a":1}`), at(`{"a":[`+strings.Repeat(`"x",`, 500)+`1]}`), at(`{"a":"`+strings.Repeat("x", 16<<10)+`"}`)
	if small > 5*time.Millisecond || fields < 50*time.Millisecond || long < 30*time.Millisecond || long > time.Second {
		t.Errorf("%v, %v, %v", small, fields, long)
	}
	if commas := at(strings.Repeat(",", 1000)); commas > 200*time.Millisecond {
		t.Errorf("commas alone: %v", commas)
	}
}
