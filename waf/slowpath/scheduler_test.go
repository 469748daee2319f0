// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"durward/internal/units"
)

const ms = time.Millisecond

// scheduler makes one for two processors whose runs take as much processor time
// as time goes by in them.
func scheduler(c Config) *Scheduler {
	s := New(time.Now)
	s.cpu = wallTime
	s.configure(&c, 2)
	return s
}

func client(name string) Client { return Client{Principal: name} }

// work is a run that takes d.
func work(d time.Duration) func() { return func() { <-time.After(d) } }

func (s *Scheduler) mustRun(t *testing.T, name string, d time.Duration) {
	t.Helper()
	if o, _ := s.Run(context.Background(), client(name), d, work(d)); o != Ran {
		t.Fatalf("a run of %v for %s: %s", d, name, o)
	}
}

func (s *Scheduler) refused(t *testing.T, name string, d time.Duration, want Outcome) (retry time.Duration) {
	t.Helper()
	o, retry := s.Run(context.Background(), client(name), d, func() { t.Error("it ran all the same") })
	if o != want {
		t.Fatalf("a run of %v for %s: %s, want %s", d, name, o, want)
	}
	return retry
}

func TestASpentBudgetRefusesThatClientAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUPerClient: units.Duration(100 * ms), Burst: units.Duration(300 * ms)})
		for range 3 {
			s.mustRun(t, "a", 100*ms)
		}
		// In the 300 ms that this took, 30 of the 300 were paid for.
		retry := s.refused(t, "a", 100*ms, NoClient)
		if retry != 700*ms {
			t.Errorf("retry after %v, want 700ms", retry)
		}
		s.mustRun(t, "b", 100*ms)
		<-time.After(retry - 100*ms) // which b's run took
		s.mustRun(t, "a", 100*ms)
	})
}

func TestOverAnyTimeAClientGetsItsRateAndOneBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUPerClient: units.Duration(50 * ms), Burst: units.Duration(200 * ms)})
		began, used := time.Now(), time.Duration(0)
		for i := 0; time.Since(began) < 20*time.Second; i++ {
			d := time.Duration(1+i%40) * ms
			if o, _ := s.Run(context.Background(), client("a"), d/3, work(d)); o == Ran {
				used += d
			} else {
				<-time.After(5 * ms)
			}
		}
		// Estimates are a third of what runs take: each can overdraw by one run.
		if most := 20*50*ms + 200*ms + 40*ms; used > most || used < 20*50*ms {
			t.Errorf("used %v, want 1s to %v", used, most)
		}
	})
}

func TestWhatARunTookIsSettledAgainstItsEstimate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUPerClient: units.Duration(100 * ms), Burst: units.Duration(200 * ms)})
		s.cpu = func(f func()) time.Duration { f(); return 0 } // it took nothing
		for range 50 {
			if o, _ := s.Run(context.Background(), client("a"), 150*ms, func() {}); o != Ran {
				t.Fatal("an estimate stayed on the account")
			}
		}
		s.cpu = func(f func()) time.Duration { f(); return time.Second }
		if o, _ := s.Run(context.Background(), client("a"), ms, func() {}); o != Ran {
			t.Fatal(o)
		}
		// 1 s is owed, at 100 ms a second; 199 may be left.
		if retry := s.refused(t, "a", ms, NoClient); retry != 8010*ms {
			t.Errorf("retry after %v, want 8.01s", retry)
		}
	})
}

func TestARunLargerThanABurstNeedsARestBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUPerClient: units.Duration(100 * ms), Burst: units.Duration(200 * ms), MaxRun: units.Duration(time.Second)})
		s.mustRun(t, "a", 500*ms)
		s.refused(t, "a", ms, NoClient)
		<-time.After(5 * time.Second)
		s.mustRun(t, "a", ms)
		s.refused(t, "a", 500*ms, NoClient) // a millisecond is owed
		s.refused(t, "b", time.Second+1, TooLarge)
	})
}

func TestTheBudgetOfAllIsHeldAndItsLastQuarterIsForNewcomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two processors, 10 percent: 200 ms a second, 400 at once.
		s := scheduler(Config{CPUTotal: 10, CPUPerClient: units.Duration(time.Second), Burst: units.Duration(time.Second)})
		s.cpu = func(f func()) time.Duration { f(); return 100 * ms }
		instantly := func(name string) Outcome {
			o, _ := s.Run(context.Background(), client(name), 100*ms, func() {})
			return o
		}
		for i, want := range []Outcome{Ran, Ran, NoClient} { // 100 ms a second and 200 at once is half of all
			if o := instantly("a"); o != want {
				t.Fatalf("run %d of a: %s, want %s", i, o, want)
			}
		}
		if o := instantly("b"); o != Ran {
			t.Fatal(o)
		}
		if o := instantly("b"); o != NoTotal {
			t.Errorf("b took of what is for newcomers: %s", o)
		}
		if o := instantly("c"); o != Ran {
			t.Errorf("a newcomer was refused: %s", o)
		}
		if o := instantly("d"); o != NoTotal {
			t.Errorf("more was given than there is: %s", o)
		}
	})
}

// What is spent beside the engine takes no place and waits for nobody, but comes
// from the same account.
func TestWhatIsSpentBesideTheEngineIsPaidFromTheSameBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUPerClient: units.Duration(100 * ms), Burst: units.Duration(300 * ms), MaxRun: units.Duration(time.Second), Concurrency: 1})
		free := make(chan struct{})
		s.cpu = func(f func()) time.Duration { f(); return 0 }
		go s.Run(context.Background(), client("hog"), ms, func() { <-free })
		synctest.Wait()
		s.cpu = func(f func()) time.Duration { f(); return 120 * ms }
		ran := 0
		spend := func(name string, estimate time.Duration) Outcome {
			o, retry, _ := s.Spend(client(name), 0, estimate, func() { ran++ })
			if (o == Ran) != (retry == 0) {
				t.Errorf("%s, retry after %v", o, retry)
			}
			return o
		}
		for i, want := range []Outcome{Ran, Ran, NoClient, NoClient} { // 120 ms each, 100 expected
			if o := spend("a", 100*ms); o != want {
				t.Errorf("%d: %s, want %s", i, o, want)
			}
		}
		if o := spend("a", 2*time.Second); o != TooLarge {
			t.Errorf("more than max_run: %s", o)
		}
		if o := spend("b", 100*ms); o != Ran || ran != 3 || s.Spent() != 360*ms || s.running != 1 {
			t.Errorf("b: %s; %d ran, %v spent, %d running", o, ran, s.Spent(), s.running)
		}
		s.refused(t, "a", 100*ms, NoClient) // nor is anything left for the engine
		<-time.After(2 * time.Second)
		if o := spend("a", 100*ms); o != Ran {
			t.Errorf("when it is paid for: %s", o)
		}
		if n := count(s, NoClient); n != 3 {
			t.Errorf("%d refusals are counted", n)
		}
		close(free)
		synctest.Wait()
	})
}

// A request that was let begin is not ended halfway because of what it has spent
// itself; the next one is.
func TestWhatARequestHasSpentIsNoReasonToEndItHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUPerClient: units.Duration(100 * ms), Burst: units.Duration(200 * ms), CPUTotal: 10})
		s.cpu = func(f func()) time.Duration { f(); return 150 * ms }
		once := func() (first, second Outcome) {
			first, _, took := s.Spend(client("a"), 0, 100*ms, func() {})
			if first != Ran {
				return first, ""
			}
			second, _, _ = s.RunAfter(context.Background(), client("a"), took, time.Second, func() {})
			return first, second
		}
		if first, second := once(); first != Ran || second != Ran {
			t.Errorf("%s, %s", first, second)
		}
		if first, _ := once(); first != NoClient {
			t.Errorf("the next: %s", first)
		}
	})
}

func TestWhatPanicsBesideTheEngineIsPaidByEstimate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{Burst: units.Duration(200 * ms)})
		func() {
			defer func() { _ = recover() }()
			s.Spend(client("a"), 0, 150*ms, func() { panic("x") })
		}()
		s.refused(t, "a", 100*ms, NoClient)
		s.mustRun(t, "b", ms)
	})
}

func TestOnlySoManyRunAtATimeAndOthersWaitForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{Wait: units.Duration(100 * ms)})
		go s.Run(context.Background(), client("a"), ms, work(150*ms))
		synctest.Wait()
		began := time.Now()
		s.refused(t, "b", ms, NoWait)
		if waited := time.Since(began); waited != 100*ms {
			t.Errorf("waited %v", waited)
		}
		s.mustRun(t, "b", ms) // 50 ms later there is a place
		if now := time.Since(began); now != 151*ms {
			t.Errorf("ran until %v, want 151ms", now)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go s.Run(context.Background(), client("a"), ms, work(50*ms))
		synctest.Wait()
		cancel()
		if o, _ := s.Run(ctx, client("c"), ms, work(ms)); o != Abandoned || s.Waiting() != 0 {
			t.Errorf("%s, %d waiting", o, s.Waiting())
		}
		<-time.After(time.Second)
	})
}

func TestTheClientThatHasUsedLeastGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{Wait: units.Duration(time.Second)})
		s.mustRun(t, "heavy", 100*ms)
		order := make(chan string, 9)
		start := func(name string) {
			go s.Run(context.Background(), client(name), 5*ms, func() { <-time.After(5 * ms); order <- name })
			synctest.Wait()
		}
		for range 4 {
			start("heavy") // the first of them has the place, three wait
		}
		start("light")
		start("new")
		<-time.After(time.Second)
		close(order)
		var got []string
		for name := range order {
			got = append(got, name)
		}
		if want := "[heavy light new heavy heavy heavy]"; fmt.Sprint(got) != want {
			t.Errorf("order %v, want %s", got, want)
		}
	})
}

func TestAFullQueuePutsOutWhoHasUsedMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{Queue: 3, Wait: units.Duration(time.Second)})
		results := make(chan string, 9)
		start := func(name string) {
			go func() {
				o, _ := s.Run(context.Background(), client(name), 5*ms, work(5*ms))
				results <- name + " " + string(o)
			}()
			synctest.Wait()
		}
		for range 4 {
			start("heavy") // one has the place, three fill the queue
		}
		start("heavy") // has used most itself
		if got := <-results; got != "heavy queue" {
			t.Errorf("the fifth: %s", got)
		}
		start("new")
		if got := <-results; got != "heavy queue" {
			t.Errorf("for the newcomer made room: %s", got)
		}
		<-time.After(time.Second)
		if ran := count(s, Ran); ran != 4 || s.Waiting() != 0 || s.running != 0 {
			t.Errorf("%d ran, %d wait, %d running", ran, s.Waiting(), s.running)
		}
	})
}

func TestARunThatPanicsGivesItsPlaceBackAndIsPaidByEstimate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{Burst: units.Duration(200 * ms)})
		func() {
			defer func() { _ = recover() }()
			s.Run(context.Background(), client("a"), 150*ms, func() { panic("x") })
		}()
		s.refused(t, "a", 100*ms, NoClient)
		s.mustRun(t, "b", ms)
	})
}

// Twenty clients send without end. Whoever comes now and then is never refused,
// and waits for at most the run under way, since it has used least.
func TestAFloodRefusesItselfAndNotWhoComesNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler(Config{CPUTotal: 50})
		ctx, cancel := context.WithCancel(context.Background())
		for i := range 20 {
			for range 4 {
				go func() {
					for ctx.Err() == nil {
						if o, _ := s.Run(ctx, client(fmt.Sprint("flood", i)), 10*ms, work(30*ms)); o != Ran {
							<-time.After(20 * ms)
						}
					}
				}()
			}
		}
		for range 15 {
			<-time.After(time.Second)
			began := time.Now()
			o, _ := s.Run(ctx, client("guest"), 10*ms, work(5*ms))
			if took := time.Since(began); o != Ran || took > 35*ms {
				t.Fatalf("the guest: %s after %v", o, took)
			}
		}
		cancel()
		synctest.Wait()
		<-time.After(time.Second)
		_, used, _ := s.Seconds()
		if used > 16+2+1 { // a second each second, and one burst
			t.Errorf("the runs took %.1f s in 16", used)
		}
		if count(s, NoClient)+count(s, NoTotal)+count(s, NoWait)+count(s, NoQueue) == 0 {
			t.Error("nobody was refused")
		}
	})
}

func count(s *Scheduler, o Outcome) (n int64) {
	s.Outcomes(func(c int64, outcome string) {
		if outcome == string(o) {
			n = c
		}
	})
	return n
}

func TestAddressesOfOneIPv6NetworkAreOneClient(t *testing.T) {
	of := func(text string) Client { return Client{Address: netip.MustParseAddr(text)}.key() }
	if of("2001:db8::1") != of("2001:db8::ffff:1") || of("2001:db8::1") == of("2001:db8:0:1::1") {
		t.Error("the first 64 bits make the client")
	}
	if of("192.0.2.1") == of("192.0.2.2") || of("192.0.2.1") != of("::ffff:192.0.2.1") {
		t.Error("an IPv4 address is a client")
	}
	a, b := Client{Address: netip.MustParseAddr("192.0.2.1"), Principal: "p"}, Client{Address: netip.MustParseAddr("192.0.2.2"), Principal: "p"}
	if a.key() != b.key() || a.key() == of("192.0.2.1") {
		t.Error("who is authenticated is the same from everywhere")
	}
}
