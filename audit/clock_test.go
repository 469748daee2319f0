// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

func TestASetClockIsToldFromOneThatDrifts(t *testing.T) {
	start := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		wall, running time.Duration
		want          time.Duration
	}{
		"both run":              {time.Hour, time.Hour, 0},
		"drift of 500 ppm":      {1800900 * time.Millisecond, 30 * time.Minute, 0},
		"set forward":           {time.Hour + 5*time.Second, 5 * time.Second, time.Hour},
		"set back":              {-time.Hour + 5*time.Second, 5 * time.Second, -time.Hour},
		"set by just a second":  {6 * time.Second, 5 * time.Second, 0},
		"set by more than that": {6*time.Second + time.Millisecond, 5 * time.Second, time.Second + time.Millisecond},
	} {
		var w clockWatch
		w.look(start, 0)
		if got := w.look(start.Add(tc.wall), tc.running); got != tc.want {
			t.Errorf("%s: set by %s, want %s", name, got, tc.want)
		}
	}
}

func TestASetClockIsRecordedOnceAndAgainWhenItCouldNotBe(t *testing.T) {
	dir := t.TempDir()
	var state atomic.Value
	state.Store(durward.ClockSynchronised)
	// With a clock that is given the log does not look on its own.
	l := open(t, Config{Directory: dir}, Options{Now: time.Now, Clock: func() durward.Clock {
		return durward.Clock{State: state.Load().(string), Error: 1500 * time.Microsecond}
	}})
	start := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	w := clockWatch{state: durward.ClockSynchronised}
	w.look(start, 0)
	l.lookAtClock(&w, start.Add(time.Hour), time.Second)
	l.lookAtClock(&w, start.Add(time.Hour+time.Second), 2*time.Second)
	state.Store(durward.ClockUnsynchronised)
	l.lookAtClock(&w, start.Add(time.Hour+2*time.Second), 3*time.Second)
	l.lookAtClock(&w, start.Add(time.Hour+3*time.Second), 4*time.Second)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.lookAtClock(&w, start, 5*time.Second) // closed: it stays to be told
	if got := w.look(start, 5*time.Second); got >= 0 {
		t.Errorf("what could not be recorded was forgotten: %s", got)
	}
	var told []string
	for _, ev := range readEvents(t, dir) {
		if strings.HasPrefix(ev.Message, "clock") {
			told = append(told, ev.Message+" "+ev.Detail+" "+ev.Clock.State)
		}
	}
	want := []string{"clock set by +3599.000s synchronised", "clock state changed synchronised before unsynchronised"}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("records %q, want %q", told, want)
	}
	if line := readLines(t, dir)[1]; !strings.Contains(line, `"clock":{"source":"system","state":"synchronised","error_us":1500}`) {
		t.Errorf("the record of the start does not tell what its time is worth: %s", line)
	}
}

func TestTheSystemsClockHasAState(t *testing.T) {
	switch c := systemClock(); c.State {
	case durward.ClockSynchronised, durward.ClockUnsynchronised, durward.ClockUnknown:
	default:
		t.Errorf("state %q", c.State)
	}
}

func TestTheSystemsClockIsWatchedAndNoOther(t *testing.T) {
	for name, watched := range map[string]bool{"the system's": true, "one that is given": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				var state atomic.Value
				state.Store(durward.ClockSynchronised)
				opts := Options{Clock: func() durward.Clock { return durward.Clock{State: state.Load().(string)} }}
				if !watched {
					opts.Now = time.Now
				}
				l := open(t, Config{Directory: dir}, opts)
				state.Store(durward.ClockUnsynchronised)
				time.Sleep(2 * clockEvery) // of the bubble's clock
				synctest.Wait()
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			})
			told := 0
			for _, ev := range readEvents(t, dir) {
				if ev.Message == messageClockState {
					told++
				}
			}
			if told > 1 || (told == 1) != watched {
				t.Errorf("told %d times", told)
			}
		})
	}
}
