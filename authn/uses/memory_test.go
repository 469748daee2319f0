// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package uses

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward"
	"durward/authn/uses/usestest"
	"durward/internal/allocs"
)

// hand is a clock without a monotonic reading that a test moves.
type hand struct{ at atomic.Int64 }

func newHand() *hand {
	h := &hand{}
	h.at.Store(1_800_000_000 * int64(time.Second))
	return h
}

func (h *hand) now() time.Time           { return time.Unix(0, h.at.Load()) }
func (h *hand) advance(by time.Duration) { h.at.Add(int64(by)) }

func TestMemoryKeepsTheContract(t *testing.T) {
	usestest.Test(t, func(*testing.T) usestest.Backend {
		h := newHand()
		return usestest.Backend{Nodes: []usestest.Uses{New(0, h.now)}, Now: h.now, Advance: h.advance}
	})
}

func TestWithTheSystemsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(0, nil)
		until := time.Now().Add(time.Minute)
		want := func(ok bool) {
			t.Helper()
			if got, err := m.Use(t.Context(), "s", usestest.ID(1), 1, until); got != ok || err != nil {
				t.Fatalf("%v, %v; want %v", got, err, ok)
			}
		}
		want(true)
		want(false)
		<-time.After(59 * time.Second)
		want(false)
		<-time.After(2 * time.Second)
		want(false) // its end has passed
		until = time.Now().Add(time.Minute)
		want(true)
		want(false)
	})
}

// TestAClockThatIsSetNeverMakesAnIDUsableAgain moves the wall clock and the
// monotonic one apart, as time.Now does when somebody sets the system's clock.
func TestAClockThatIsSetNeverMakesAnIDUsableAgain(t *testing.T) {
	const minute = int64(time.Minute)
	start := instant{wall: 1e18, mono: 0}
	for _, row := range []struct {
		name  string
		steps []instant // relative to start; the id is used at each, until 1 minute after the start
		until int64
		after bool // whether it is granted at the last step with an end an hour later
	}{
		{"time goes on", []instant{{30e9, 30e9}, {61e9, 61e9}}, minute, true},
		{"set ahead", []instant{{60 * minute, 1e9}}, minute, false},
		{"set ahead, and back", []instant{{60 * minute, 1e9}, {2e9, 2e9}}, minute, false},
		{"set ahead, and the minute is over", []instant{{60 * minute, 1e9}, {61 * minute, minute}}, minute, true},
		{"set back", []instant{{-60 * minute, 1e9}, {-59 * minute, minute + 1e9}}, minute, false},
		{"set back, until its end comes again", []instant{{-60 * minute, 1e9}, {59e9, 61 * minute}}, minute, false},
		{"set back, until its end has passed", []instant{{-60 * minute, 1e9}, {61e9, 61 * minute}}, minute, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var s shard
			s.init(1000)
			use := func(n int, at instant, end int64) bool {
				ok, err := s.use("s", usestest.ID(n), 1, end, at)
				if err != nil {
					t.Fatal(err)
				}
				return ok
			}
			for n := range 10 { // more than one call clears away
				if !use(n, start, start.wall+row.until) {
					t.Fatal("not granted at first")
				}
			}
			for i, step := range row.steps {
				at := instant{start.wall + step.wall, start.mono + step.mono}
				for n := range 10 {
					for range 3 { // lets the queue move
						s.forget(at)
					}
					last := i == len(row.steps)-1
					if got := use(n, at, at.wall+60*minute); got != (last && row.after) {
						t.Errorf("step %d: granted %v", i, got)
					}
				}
			}
		})
	}
}

func TestAClockWithoutMonotonicReadingNeverGoesBack(t *testing.T) {
	h := newHand()
	m := New(0, h.now)
	use := func(id int, until time.Time) bool {
		ok, err := m.Use(t.Context(), "s", usestest.ID(id), 1, until)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	until := h.now().Add(time.Minute)
	if !use(1, until) {
		t.Fatal("not granted")
	}
	h.advance(time.Hour)
	for n := range 10 {
		use(100+n, h.now().Add(time.Minute)) // clears id 1 away
	}
	h.advance(-time.Hour)
	if use(1, until) {
		t.Error("granted again after the clock was set ahead and back")
	}
	if use(2, h.now().Add(time.Minute)) {
		t.Error("an end that has been seen passing is granted")
	}
}

func TestWhatIsFullRefusesAndForgetsNothing(t *testing.T) {
	h := newHand()
	m := New(8*minShard, h.now)
	until := h.now().Add(time.Minute)
	granted := []int{}
	refused := 0
	for i := range 20 * minShard {
		ok, err := m.Use(t.Context(), "flood", usestest.ID(i), 1, until)
		away, isAway := errors.AsType[*durward.Unavailable](err)
		switch {
		case ok && err == nil:
			granted = append(granted, i)
		case !ok && isAway && away.Code == durward.CodeStoreUnavailable:
			refused++
		default:
			t.Fatalf("use %d: %v, %v", i, ok, err)
		}
	}
	if n := len(granted); n > 8*minShard || n < 5*minShard || refused == 0 || m.Len() != n {
		t.Fatalf("%d of at most %d granted, %d remembered, %d refused", n, 8*minShard, m.Len(), refused)
	}
	for _, i := range granted {
		if ok, err := m.Use(t.Context(), "flood", usestest.ID(i), 1, until); ok || err != nil {
			t.Fatalf("id %d was forgotten: %v, %v", i, ok, err)
		}
	}
	// Other spaces have their reserve, each of them.
	for s := range 20 {
		for i := range 8 {
			if ok, err := m.Use(t.Context(), fmt.Sprint("quiet", s), usestest.ID(i), 1, until); !ok || err != nil {
				t.Fatalf("space %d is starved at its use %d: %v", s, i, err)
			}
		}
	}
	// Once their time is over there is room again, without a pause.
	h.advance(2 * time.Minute)
	until = h.now().Add(time.Minute)
	for i := range 4 * minShard {
		if ok, err := m.Use(t.Context(), "flood", usestest.ID(-1-i), 1, until); !ok || err != nil {
			t.Fatalf("after the flood, use %d: %v, %v", i, ok, err)
		}
	}
	if n := m.Len(); n > 4*minShard+64*perCall {
		t.Errorf("%d remembered of %d that can matter", n, 4*minShard)
	}
}

func TestManySpacesCannotExceedTheBound(t *testing.T) {
	h := newHand()
	const bound = 2000
	m := New(bound, h.now)
	for round := range 3 {
		until := h.now().Add(time.Minute)
		granted := 0
		for i := range 3 * bound {
			ok, _ := m.Use(t.Context(), fmt.Sprint("space", round, i%300), usestest.ID(i), 1, until)
			if ok {
				granted++
			}
			if n := m.Len(); n > bound {
				t.Fatalf("%d remembered", n)
			}
		}
		if granted < bound*7/10 {
			t.Errorf("round %d: only %d granted", round, granted)
		}
		h.advance(2 * time.Minute)
	}
}

func TestMemoryShrinksAfterAFlood(t *testing.T) {
	h := newHand()
	m := New(256*minShard, h.now)
	for i := range 150 * minShard {
		_, _ = m.Use(t.Context(), "s", usestest.ID(i), 1, h.now().Add(time.Second))
	}
	h.advance(time.Minute)
	for i := range 150 * minShard {
		_, _ = m.Use(t.Context(), "s", usestest.ID(i%4096), 1, h.now().Add(time.Second))
	}
	for i := range m.shards {
		if s := &m.shards[i]; cap(s.queue) > minShard/2 || s.most > minShard/2 {
			t.Errorf("shard %d still has room for %d, and a map that had %d", i, cap(s.queue), s.most)
		}
	}
}

// TestAModelAgrees runs random uses beside a model that forgets nothing that has
// not ended.
func TestAModelAgrees(t *testing.T) {
	type name struct {
		space string
		id    int
	}
	type state struct {
		count int
		end   time.Time
	}
	r := rand.New(rand.NewPCG(1, 2))
	h := newHand()
	m := New(0, h.now)
	model := map[name]state{}
	for step := range 200_000 {
		k := name{[]string{"a", "b"}[r.IntN(2)], r.IntN(500)}
		limit, life := 1+r.IntN(3), time.Duration(r.IntN(120)-10)*time.Second
		s, end := model[k], h.now().Add(life)
		if !h.now().Before(s.end) {
			s = state{}
		}
		want := life > 0 && s.count < limit
		if want {
			s.count++
			if end.After(s.end) {
				s.end = end
			}
			model[k] = s
		}
		if got, err := m.Use(t.Context(), k.space, usestest.ID(k.id), limit, end); got != want || err != nil {
			t.Fatalf("step %d: %v, %v; the model says %v", step, got, err, want)
		}
		if r.IntN(20) == 0 {
			h.advance(time.Duration(r.IntN(5000)) * time.Millisecond)
		}
	}
}

func TestConcurrentFloodsStayWithinTheBound(t *testing.T) {
	h := newHand()
	const bound = 4 * minShard
	m := New(bound, h.now)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 4000 {
				_, _ = m.Use(t.Context(), "s", usestest.ID(i*8+g), 1, h.now().Add(time.Second))
				if i%500 == 0 {
					h.advance(300 * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	if n := m.Len(); n > bound {
		t.Errorf("%d remembered, of at most %d", n, bound)
	}
}

func TestAUseOfAKnownIDAllocatesNothing(t *testing.T) {
	m := New(0, time.Now)
	id, until := usestest.ID(1), time.Now().Add(time.Hour)
	if n := allocs.PerRun(100, func() {
		if _, err := m.Use(t.Context(), "dpop", id, 1<<30, until); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
