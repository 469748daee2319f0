// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"durward"
	"durward/internal/allocs"
)

func TestAFollowerGetsWholeEventsInOrder(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	f := l.Follow(10)
	x := newExchange("r1")
	exchange(l, x, okEnd)
	if err := l.System("reloaded", "generation 2"); err != nil {
		t.Fatal(err)
	}
	attempt, outcome, system := <-f.C, <-f.C, <-f.C
	if attempt.Kind != durward.EventAttempt || attempt.RequestID != "r1" || attempt.Path == "" {
		t.Errorf("first %+v", attempt)
	}
	if outcome.Kind != durward.EventOutcome || outcome.Status != 201 || outcome.UserAgent == "" || outcome.Issuer != "corp" {
		t.Errorf("second %+v", outcome)
	}
	if system.Message != "reloaded" || system.Detail != "generation 2" {
		t.Errorf("third %+v", system)
	}
	l.Close()
	if _, open := <-f.C; open {
		t.Error("C is open after Close")
	}
	// The line is as short with a follower as without.
	if ev := ofKind(readEvents(t, dir), durward.EventOutcome)[0]; ev.UserAgent != "" || ev.Peer.IsValid() {
		t.Errorf("line of the outcome %+v", ev)
	}
	if _, open := <-l.Follow(1).C; open {
		t.Error("a closed log can be followed")
	}
}

func TestASlowFollowerLosesEventsAndBlocksNobody(t *testing.T) {
	l := open(t, Config{Durability: DurabilityBuffered}, Options{})
	slow, fast := l.Follow(0), l.Follow(100)
	for range 10 {
		exchange(l, newExchange("r"), okEnd)
	}
	if slow.Dropped() != 19 || fast.Dropped() != 0 || len(fast.C) != 20 {
		t.Errorf("slow dropped %d, fast dropped %d and has %d", slow.Dropped(), fast.Dropped(), len(fast.C))
	}
	slow.Stop()
	slow.Stop()
	exchange(l, newExchange("r"), okEnd)
	if slow.Dropped() != 19 || len(fast.C) != 22 {
		t.Error("stopping one follower changed another, or nothing")
	}
}

func TestFollowersMayComeAndGoUnderLoad(t *testing.T) {
	l := open(t, Config{Durability: DurabilityBuffered}, Options{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				exchange(l, newExchange("r"+strconv.Itoa(g)), okEnd)
				if i%10 == g {
					f := l.Follow(1)
					go func() {
						for range f.C {
						}
					}()
					defer f.Stop()
				}
			}
		})
	}
	wg.Wait()
}

func TestTheHotPathAllocatesNextToNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for name, test := range map[string]struct {
		ceiling float64
		run     func(l *Log, x *durward.Exchange)
	}{
		// A caller alone pays for its group: the struct and its channel.
		"attempt and outcome": {2, func(l *Log, x *durward.Exchange) {
			d := l.Stage("").Request(context.Background(), x)
			x.Trail = append(x.Trail[:0], durward.Step{Stage: StageName, Verdict: d.Verdict})
			l.Outcome(x, okEnd)
		}},
		"refusal in a flood": {0, func(l *Log, x *durward.Exchange) {
			x.Trail = x.Trail[:0]
			l.Outcome(x, limited429)
		}},
	} {
		l := open(t, Config{Durability: DurabilityBuffered}, Options{})
		x := newExchange("r")
		for range 100 {
			test.run(l, x) // buffers grow
		}
		if n := allocs.PerRun(200, func() { test.run(l, x) }); n > test.ceiling {
			t.Errorf("%s: %v allocations", name, n)
		}
		l.Close()
	}
}
