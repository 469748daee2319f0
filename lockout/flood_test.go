// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood is n failures, each from another source with another id.
func flood(s *scene, r *rand.Rand, n int) {
	for range n {
		s.view.Failed(Attempt{Source: randomSource(r), Credential: strconv.FormatUint(r.Uint64(), 36)})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAFloodOfRandomSourcesNeitherGrowsNorFrees(t *testing.T) {
	total := 2_000_000
	if testing.Short() || raceEnabled {
		total /= 10 // a table of 4096 is full many times over all the same
	}
	s := newSceneOf(t, Config{}, 1<<12)
	r := rand.New(rand.NewPCG(7, 7))
	s.succeed(by(office, "good"))
	burst(s, attacker, "victim", 20)
	flood(s, r, 10_000)
	before := heap()
	guesses := 0
	for done := 10_000; done < total; done += total / 100 {
		flood(s, r, total/100)
		s.pass(time.Second)
		s.mustWait("the locked attacker", by(attacker, "victim"), 5*time.Minute-time.Duration(guesses+1)*time.Second)
		guesses++
		if t.Failed() {
			t.FailNow()
		}
	}
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	s.mustPass("a known pair", by(office, "good"))
	s.mustPass("a source that never failed", by("192.0.2.99", "new"))
	s.view.Failed(by("192.0.2.99", "new"))
	if d := s.wait(by("192.0.2.99", "new")); d > 30*time.Second {
		t.Errorf("one failure in a flood costs %v", d)
	}
	st := s.view.Stats()
	if st.Tracked > kinds*1<<12 || st.Evicted < uint64(total) || st.Locked[KindSource] != 1 {
		t.Errorf("the state is %+v", st)
	}
}

func TestAnAttackerWithinAFloodIsLocked(t *testing.T) {
	s := newSceneOf(t, Config{}, 1<<12)
	r := rand.New(rand.NewPCG(8, 8))
	flood(s, r, 10_000)
	for range 100 {
		s.view.Failed(by(attacker, "victim"))
		if s.wait(by(attacker, "victim")) == 5*time.Minute {
			return
		}
		s.pass(s.wait(by(attacker, "victim")))
		flood(s, r, 50)
	}
	t.Error("never locked")
}

// TestAnAttackerWithinAFloodThatFillsTheTableIsSlowed displaces the attacker
// now and then, so that no lock comes.
func TestAnAttackerWithinAFloodThatFillsTheTableIsSlowed(t *testing.T) {
	s := newSceneOf(t, Config{}, 1<<12)
	r := rand.New(rand.NewPCG(8, 8))
	flood(s, r, 100_000)
	guesses := 0
	for range 100 {
		if s.fail(by(attacker, "victim")) {
			guesses++
		}
		flood(s, r, 500)
		s.pass(3 * time.Second)
	}
	if guesses > 60 {
		t.Errorf("%d guesses of 100 were checked", guesses)
	}
}

func TestALockIsNeverEvicted(t *testing.T) {
	s := newSceneOf(t, Config{}, ways) // one bucket
	for i := range ways {
		for range 20 {
			s.view.Failed(by(host(i), ""))
		}
	}
	flood(s, rand.New(rand.NewPCG(9, 9)), 10_000)
	for i := range ways {
		s.mustWait(host(i), by(host(i), ""), 5*time.Minute)
	}
	if st := s.view.Stats(); st.Untracked < 10_000 {
		t.Errorf("only %d were untracked", st.Untracked)
	}
	s.pass(5 * time.Minute)
	burst(s, attacker, "", 20)
	s.mustWait("the next attacker, once the locks are over", by(attacker, ""), 5*time.Minute)
}

func TestOneSourceHasFewGuessesADay(t *testing.T) {
	s := newScene(t, Config{})
	guesses := 0
	for end := s.time.Add(24 * time.Hour); s.time.Before(end); {
		a := by(attacker, "victim")
		if d := s.wait(a); d > 0 {
			s.pass(d)
			continue
		}
		s.view.Failed(a)
		guesses++
	}
	t.Logf("%d guesses", guesses)
	if guesses > 2000 { // a leak of 80 in an hour, and the first 20
		t.Errorf("%d guesses", guesses)
	}
}

func TestHoldersOfOneGoodCredentialCannotDisplaceKnownPairs(t *testing.T) {
	s := newScene(t, Config{})
	const good = 2000
	for i := range good {
		s.succeed(by(host(i), "user-"+strconv.Itoa(i)))
	}
	r := rand.New(rand.NewPCG(10, 10))
	for range 300_000 {
		s.view.Succeeded(Attempt{Source: randomSource(r), Credential: "own"})
	}
	lost := 0
	for i := range good {
		a := by(host(i), "user-"+strconv.Itoa(i))
		k := s.view.keys(&a)
		if !s.view.known(&k, s.guard.clock()) {
			lost++
		}
	}
	if lost > good/100 {
		t.Errorf("%d of %d known pairs were displaced", lost, good)
	}
}

// TestKnownAndUnknownIDsAreAnsweredAlike tries ids that succeed elsewhere and
// ids that nobody has, from many sources, and compares how many attempts it
// takes to a lock, and the time of each. The times are measured again when they
// differ: a difference of the code shows each time, one of the machine does not.
func TestKnownAndUnknownIDsAreAnsweredAlike(t *testing.T) {
	var median [2]float64
	for range 10 {
		attempts, times := tryKnownAndUnknown(t)
		mean, deviation := [2]float64{}, [2]float64{}
		for i := range 2 {
			n := float64(len(attempts[i]))
			for _, a := range attempts[i] {
				mean[i] += a / n
			}
			for _, a := range attempts[i] {
				deviation[i] += (a - mean[i]) * (a - mean[i]) / n / n
			}
			slices.Sort(times[i])
			median[i] = times[i][len(times[i])/2]
		}
		if z := math.Abs(mean[0]-mean[1]) / math.Sqrt(deviation[0]+deviation[1]); z > 4 {
			t.Fatalf("attempts to a lock: %.2f and %.2f (%.1f standard errors)", mean[0], mean[1], z)
		}
		t.Logf("attempts %.2f and %.2f, medians %.0f and %.0f ns", mean[0], mean[1], median[0], median[1])
		if ratio := median[0] / median[1]; ratio > 0.7 && ratio < 1.4 {
			return
		}
	}
	t.Errorf("medians of time: %v and %v ns", median[0], median[1])
}

// tryKnownAndUnknown gives, for ids that are known and for those that are not,
// the attempts to a lock of each source, and the nanoseconds of each attempt.
func tryKnownAndUnknown(t *testing.T) (attempts, times [2][]float64) {
	s := newScene(t, Config{IdentityAfter: 100_000})
	const tries, most = 1500, 30
	for i := range tries * most {
		s.succeed(by(host(5000), "known-"+strconv.Itoa(i)))
	}
	for n := range tries {
		for which, prefix := range [2]string{"known-", "nobody-"} {
			source := "172." + strconv.Itoa(16+which) + "." + strconv.Itoa(n>>8) + "." + strconv.Itoa(n&255)
			count := 0
			for i := range most { // spraying, at once
				a := by(source, prefix+strconv.Itoa(n*most+i))
				start := time.Now()
				_, _ = s.view.Begin(a)
				s.view.Failed(a)
				times[which] = append(times[which], float64(time.Since(start)))
				count++
				if d, _ := s.view.Begin(a); d > time.Minute {
					break
				}
			}
			attempts[which] = append(attempts[which], float64(count))
		}
		s.pass(time.Hour) // ranges calm down
	}
	return attempts, times
}

func TestOneOfManyIsLetThroughAtOnce(t *testing.T) {
	s := newScene(t, Config{})
	burst(s, attacker, "victim", 8)
	s.pass(time.Minute)
	burst(s, attacker, "victim", 1)
	s.pass(30 * time.Second)
	var through atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, blocked := s.view.Begin(by(attacker, "victim")); !blocked {
				through.Add(1)
			}
		})
	}
	all.Wait()
	if n := through.Load(); n != 1 {
		t.Errorf("%d were let through", n)
	}
}

func TestAGuardIsSafeForConcurrentUse(t *testing.T) {
	g := NewGuard(Options{Entries: 64, OnEvent: func(Event) {}})
	v, err := g.With(lowered(Config{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		v.Failed(by(attacker, "victim"))
	}
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 1))
			for i := range 5000 {
				a := Attempt{Source: randomSource(r), Credential: strconv.Itoa(r.IntN(50)), Account: strconv.Itoa(r.IntN(50))}
				if _, blocked := v.Begin(a); !blocked && i%3 == 0 {
					v.Succeeded(a)
				} else {
					v.Failed(a)
				}
				if i%1000 == 0 {
					v.Stats()
				}
				if _, blocked := v.Begin(by(attacker, "victim")); !blocked {
					t.Error("the locked attacker is let through")
					return
				}
			}
		})
	}
	all.Wait()
}

func TestMoreSourcesThanHavePlacesAreDelayedAllTheSame(t *testing.T) {
	s := newSceneOf(t, Config{}, 64)
	for range 10 { // each is displaced before its turn comes again
		for i := range 1000 {
			s.view.Failed(by(host(i), ""))
		}
	}
	for i := 2000; i < 2020; i++ {
		s.mustPass("who never failed", by(host(i), ""))
		s.view.Failed(by(host(i), ""))
		s.mustWait("who failed once, among so many", by(host(i), ""), 30*time.Second)
	}
	if st := s.view.Stats(); st.Locked != [kinds]int{} {
		t.Errorf("somebody is locked for what others did: %+v", st)
	}
}
