// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// work does pieces of the given length for about a minute, while events come at
// that rate, and gives the share of the time that it took.
func work(t *testing.T, processors int, step time.Duration, rate float64) (share float64) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := Pace{Events: func() uint64 { return uint64(time.Since(start).Seconds() * rate) }}
		p.Begin()
		worked := time.Duration(0)
		for time.Since(start) < time.Minute {
			time.Sleep(step) // the work
			worked += step
			if err := p.Rest(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		share = worked.Seconds() / time.Since(start).Seconds()
	})
	return share
}

func TestWorkTakesAShareOfOneProcessor(t *testing.T) {
	for name, test := range map[string]struct {
		processors int
		step       time.Duration
		rate       float64
		from, to   float64
	}{
		"an eighth while nothing comes":         {1, 100 * time.Microsecond, 0, 0.12, 0.13},
		"an eighth while little comes":          {1, 100 * time.Microsecond, 100, 0.12, 0.13},
		"a hundredth while much comes":          {1, 100 * time.Microsecond, 10_000, 0.009, 0.011},
		"a hundredth in larger steps":           {1, time.Millisecond, 10_000, 0.009, 0.011},
		"a hundredth of four processors":        {4, time.Millisecond, 10_000, 0.036, 0.044},
		"never more than an eighth of one":      {64, time.Millisecond, 10_000, 0.12, 0.13},
		"more when it had to wait for its turn": {1, 20 * time.Millisecond, 10_000, 0.03, 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			if got := work(t, test.processors, test.step, test.rate); got < test.from || got > test.to {
				t.Errorf("%.4f of the time", got)
			}
		})
	}
}

func TestWithoutEventsItIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pace
		p.Begin()
		time.Sleep(10 * time.Millisecond)
		began := time.Now()
		if err := p.Rest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(began); got != 70*time.Millisecond {
			t.Errorf("rested %v", got)
		}
	})
}

func TestAShortStepIsFollowedByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pace
		p.Begin()
		began := time.Now()
		for range 9 {
			time.Sleep(piece / 10)
			if err := p.Rest(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(began); got != 9*piece/10 {
			t.Errorf("%v", got)
		}
	})
}

func TestARestEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var p Pace
		p.Begin()
		time.Sleep(time.Second)
		began := time.Now()
		time.AfterFunc(time.Millisecond, cancel)
		if err := p.Rest(ctx); err == nil || time.Since(began) != time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := p.Rest(ctx); err == nil {
			t.Error("it goes on")
		}
	})
}
