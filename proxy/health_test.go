// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward/durwardtest"
)

func watch(c *durwardtest.Clock, p Passive) *health {
	return newHealth(Health{Passive: p}.withDefaults(), c.Now)
}

func TestFailuresInARowTakeATargetOutForAWhile(t *testing.T) {
	c := durwardtest.NewClock()
	h := watch(c, Passive{Failures: 3})
	at := func() int64 { return c.Now().UnixNano() }
	h.failed(connectFault, "refused", false)
	h.failed(connectFault, "refused", false)
	h.succeeded()
	h.failed(connectFault, "refused", false)
	h.failed(connectFault, "refused", false)
	if !h.usable(at()) {
		t.Fatal("out after two failures in a row, want three")
	}
	if !h.failed(connectFault, "refused", false) || h.usable(at()) {
		t.Fatal("three failures in a row did not take it out")
	}
	if got := h.backIn(c.Now(), 0); got != 10*time.Second {
		t.Errorf("back in %v, want 10s", got)
	}
	c.Move(9 * time.Second)
	if h.usable(at()) {
		t.Fatal("back too early")
	}
	c.Move(time.Second)
	if !h.usable(at()) || !h.claim(at()) {
		t.Fatal("no request may try it after its time")
	}
	if h.usable(at()) || h.claim(at()) {
		t.Fatal("a second request may try it at once")
	}
	if h.failed(connectFault, "refused", false); h.usable(at()) {
		t.Fatal("a failed trial left it in service")
	}
	c.Move(10 * time.Second)
	if !h.claim(at()) || !h.succeeded() || !h.usable(at()) || !h.claim(at()) || !h.claim(at()) {
		t.Fatal("a good trial did not bring it back for all")
	}
}

func TestFailuresOutsideTheWindowDoNotAddUp(t *testing.T) {
	c := durwardtest.NewClock()
	h := watch(c, Passive{Failures: 2, Window: duration(time.Second)})
	for range 5 {
		if h.failed(connectFault, "x", false) {
			t.Fatal("taken out by failures far apart")
		}
		c.Move(2 * time.Second)
	}
}

func TestOnlyWhatIsCountedCounts(t *testing.T) {
	c := durwardtest.NewClock()
	for _, tc := range []struct {
		name string
		p    Passive
		f    fault
		want bool
	}{
		{"5xx by default", Passive{Failures: 1}, serverFault, false},
		{"5xx when listed", Passive{Failures: 1, Count: []string{"5xx"}}, serverFault, true},
		{"timeout by default", Passive{Failures: 1}, timeoutFault, true},
		{"broken by default", Passive{Failures: 1}, brokenFault, true},
		{"timeout when only connect is listed", Passive{Failures: 1, Count: []string{"connect"}}, timeoutFault, false},
		{"nothing when off", Passive{Failures: 1, Off: true}, connectFault, false},
	} {
		if got := watch(c, tc.p).failed(tc.f, "x", false); got != tc.want {
			t.Errorf("%s: taken out %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestTheLastTargetIsOutOnlyIfItCannotBeReached(t *testing.T) {
	c := durwardtest.NewClock()
	h := watch(c, Passive{Failures: 1, Count: []string{"connect", "timeout", "broken", "5xx"}})
	for _, f := range []fault{timeoutFault, brokenFault, serverFault} {
		if h.failed(f, "x", true) || !h.usable(c.Now().UnixNano()) {
			t.Errorf("%s took the last target out", faultNames[f])
		}
	}
	if !h.failed(connectFault, "x", true) {
		t.Error("a target that cannot be reached stayed in")
	}
	c.Move(time.Minute)
	if !h.claim(c.Now().UnixNano()) {
		t.Fatal("no trial")
	}
	h.failed(timeoutFault, "x", true)
	at := c.Now().UnixNano()
	if first, second := h.claim(at), h.claim(at); !first || !second {
		t.Error("a last target that is reached again did not come back for all")
	}
}

func TestAClockThatWasSetBackProlongsNothing(t *testing.T) {
	c := durwardtest.NewClock()
	h := watch(c, Passive{Failures: 1})
	h.failed(connectFault, "x", false)
	c.Move(-24 * time.Hour)
	if !h.usable(c.Now().UnixNano()) {
		t.Error("the target is out for a day")
	}
}

func TestATrialThatToldNothingIsGivenBack(t *testing.T) {
	c := durwardtest.NewClock()
	h := watch(c, Passive{Failures: 1})
	h.failed(connectFault, "x", false)
	c.Move(time.Minute)
	at := c.Now().UnixNano()
	first, second := h.claim(at), h.claim(at)
	if !first || second {
		t.Fatal("want one trial")
	}
	h.unclaim()
	if !h.claim(at) {
		t.Error("the place was lost")
	}
	c.Move(time.Minute)
	if !h.claim(c.Now().UnixNano()) {
		t.Error("a trial that never ended blocks the target for good")
	}
}

func TestActiveChecksNeedTheirThresholds(t *testing.T) {
	c := durwardtest.NewClock()
	h := watch(c, Passive{})
	a := &Active{Healthy: 2, Unhealthy: 3}
	steps := []struct {
		reason        string
		changed, sick bool
	}{
		{"x", false, false}, {"x", false, false}, {"", false, false}, {"x", false, false}, {"x", false, false},
		{"x", true, true}, {"x", false, true}, {"", false, true}, {"x", false, true}, {"", false, true}, {"", true, false}, {"", false, false},
	}
	for i, s := range steps {
		if got := h.checked(a, s.reason); got != s.changed || h.sick.Load() != s.sick {
			t.Fatalf("step %d: changed %v sick %v, want %v %v", i, got, h.sick.Load(), s.changed, s.sick)
		}
	}
}

func TestAChangedConfigurationDoesNotForgetADeadTarget(t *testing.T) {
	c := durwardtest.NewClock()
	old := watch(c, Passive{Failures: 1})
	old.failed(connectFault, "refused", false)
	old.sick.Store(true)
	at := c.Now().UnixNano()

	next := watch(c, Passive{Failures: 9})
	next.seed(old, true)
	if next.usable(at) || !next.sick.Load() {
		t.Error("forgotten")
	}
	if _, reason := next.report(); reason != "refused" {
		t.Errorf("reason %q", reason)
	}
	unchecked := watch(c, Passive{Off: true})
	unchecked.seed(old, false)
	if !unchecked.usable(at) {
		t.Error("took over a state that nothing could end")
	}
}

func TestTheProberAsksAtItsIntervalAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails atomic.Bool
		var asked []time.Duration
		var changes []bool
		began := time.Now()
		p := &prober{
			active:  Active{Interval: duration(5 * time.Second), Timeout: duration(2 * time.Second), Healthy: 1, Unhealthy: 2},
			health:  newHealth(Health{}.withDefaults(), time.Now),
			changed: func(healthy bool, _ string) { changes = append(changes, healthy) },
			check: func(ctx context.Context) error {
				asked = append(asked, time.Since(began))
				if fails.Load() {
					<-ctx.Done() // hangs until its timeout
					return errors.New("hangs")
				}
				return nil
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.run(ctx); close(done) }()
		time.Sleep(6 * time.Second) // the bubble's clock, not the wall's
		fails.Store(true)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if !p.health.sick.Load() {
			t.Error("two bad checks did not take it out")
		}
		fails.Store(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if p.health.sick.Load() {
			t.Error("a good check did not bring it back")
		}
		if len(changes) != 2 || changes[0] || !changes[1] {
			t.Errorf("changes %v, want out, back", changes)
		}
		for i, at := range asked {
			if at != time.Duration(i)*5*time.Second {
				t.Errorf("check %d came at %v", i, at)
			}
		}
		cancel()
		<-done
	})
}
