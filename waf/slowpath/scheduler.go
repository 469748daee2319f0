// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Outcome is what came of a wish to run the rule engine.
type Outcome string

// Outcomes. All but Ran mean that the engine did not run.
const (
	Ran       Outcome = "ran"
	NoClient  Outcome = "client"   // the client's budget is spent
	NoTotal   Outcome = "total"    // the budget of all is spent
	NoQueue   Outcome = "queue"    // too many wait already, and this client has used most
	NoWait    Outcome = "wait"     // no place within the time
	TooLarge  Outcome = "size"     // the run would take longer than MaxRun
	Abandoned Outcome = "canceled" // the client went away
)

var outcomes = []Outcome{Ran, NoClient, NoTotal, NoQueue, NoWait, TooLarge, Abandoned}

// maxClients bounds the accounts, some 150 bytes each.
const maxClients = 16384

// Scheduler lets requests run the rule engine, within limits. Safe for
// concurrent use.
type Scheduler struct {
	began time.Time
	now   func() time.Time
	cpu   func(func()) time.Duration // runs, and tells the processor time

	mu      sync.Mutex
	limits  limits
	clients clients
	total   int64 // as account.paid, for all together
	running int
	queue   []*waiter

	stats stats
}

// waiter is one request in the queue.
type waiter struct {
	client Client
	cost   int64
	ready  chan Outcome // Ran: it may run and counts as running; has room for one
}

// New makes a Scheduler with the default limits.
func New(now func() time.Time) *Scheduler {
	s := &Scheduler{
		began: now(), now: now, cpu: cpuTime,
		clients: clients{max: maxClients, known: map[Client]*account{}},
	}
	s.Configure(&Config{})
	return s
}

// Configure puts limits in force. What clients owe stays.
func (s *Scheduler) Configure(c *Config) { s.configure(c, runtime.GOMAXPROCS(0)) }

func (s *Scheduler) configure(c *Config, processors int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = c.limits(processors)
	s.dispatch()
}

// PassUnchecked tells whether requests that find nothing left go on unchecked.
func (s *Scheduler) PassUnchecked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits.passUnchecked
}

// Run runs f when the client may have it run, at once or after a bounded wait,
// on the caller's goroutine. estimate is the processor time that f is expected
// to take. When the outcome is not Ran, f was not called, and retry is a time
// after which it may be.
func (s *Scheduler) Run(ctx context.Context, c Client, estimate time.Duration, f func()) (o Outcome, retry time.Duration) {
	o, retry, _ = s.RunAfter(ctx, c, 0, estimate, f)
	return o, retry
}

// RunAfter is Run for a request that has spent something already: that is owed,
// but is no reason to end halfway what was let begin. took is what it spends now.
func (s *Scheduler) RunAfter(ctx context.Context, c Client, spent, estimate time.Duration, f func()) (o Outcome, retry, took time.Duration) {
	key, cost := c.key(), int64(max(estimate, 0))
	o, retry = s.enter(ctx, key, cost, int64(spent))
	s.stats.outcome(o)
	if o != Ran {
		return o, retry, 0
	}
	took = -1 // when f panics
	defer func() { s.leave(key, cost, took) }()
	took = s.cpu(f)
	return Ran, 0, took
}

// Spend runs f at once, on the caller's goroutine and beside the runs of the
// engine, when the client and all together may still spend its estimate: work
// on much content that needs no engine is paid from the same budgets. spent is
// what the same request has spent already, took what it spends now. Outcomes are
// Ran, NoClient, NoTotal and TooLarge.
func (s *Scheduler) Spend(c Client, spent, estimate time.Duration, f func()) (o Outcome, retry, took time.Duration) {
	key, cost := c.key(), int64(max(estimate, 0))
	s.mu.Lock()
	if o, retry = s.admit(key, cost, int64(spent), s.clock()); o == Ran {
		s.charge(key, cost)
	}
	s.mu.Unlock()
	if o != Ran {
		s.stats.outcome(o)
		return o, retry, 0
	}
	took = s.cpu(f) // what panics is paid for by estimate
	s.mu.Lock()
	s.charge(key, int64(took)-cost)
	s.mu.Unlock()
	s.stats.spent.Add(int64(took))
	return Ran, 0, took
}

func (s *Scheduler) clock() int64 { return int64(s.now().Sub(s.began)) }

// enter pays the estimate and gets a place.
func (s *Scheduler) enter(ctx context.Context, key Client, cost, spent int64) (Outcome, time.Duration) {
	s.mu.Lock()
	if o, retry := s.admit(key, cost, spent, s.clock()); o != Ran {
		s.mu.Unlock()
		return o, retry
	}
	s.charge(key, cost)
	if s.running < s.limits.concurrency {
		s.running++
		s.mu.Unlock()
		return Ran, 0
	}
	w := &waiter{client: key, cost: cost, ready: make(chan Outcome, 1)}
	if !s.enqueue(w) {
		s.charge(key, -cost)
		s.mu.Unlock()
		return NoQueue, time.Second
	}
	wait := s.limits.wait
	s.mu.Unlock()
	return s.await(ctx, w, wait)
}

// admit holds a run against the budgets. A run that is larger than a burst can
// begin when nothing is owed; what it takes is owed then. What the request itself
// has spent does not count.
func (s *Scheduler) admit(key Client, cost, spent, now int64) (Outcome, time.Duration) {
	l := &s.limits
	if cost > int64(l.maxRun) {
		return TooLarge, time.Minute
	}
	a := s.clients.get(key, now)
	owes := max(debt(a.paid, now, l.client)-spent, 0)
	if owes > 0 && owes+cost > l.burst {
		return NoClient, until(owes+cost-l.burst, owes, l.client)
	}
	room := l.totalBurst
	if a.recent(now) > float64(l.burst)/10 {
		room -= room / 4 // the last of it is for those who have used nothing of late
	}
	if all := max(debt(s.total, now, l.total)-spent, 0); all > 0 && all+cost > room {
		return NoTotal, until(all+cost-room, all, l.total)
	}
	return Ran, 0
}

// debt is the processor time that is still to be paid for, at a rate.
func debt(paid, now, rate int64) int64 {
	if paid <= now {
		return 0
	}
	return int64(float64(paid-now) * float64(rate) / float64(time.Second))
}

// until is the time in which enough of a debt is paid.
func until(excess, owes, rate int64) time.Duration {
	return time.Duration(float64(min(excess, owes)) * float64(time.Second) / float64(rate))
}

// charge adds to what a client and all owe; a negative cost gives back.
func (s *Scheduler) charge(key Client, cost int64) {
	now := s.clock()
	add := func(paid, rate int64) int64 {
		return max(paid, now) + int64(float64(cost)*float64(time.Second)/float64(rate))
	}
	a := s.clients.get(key, now)
	s.clients.move(a, add(a.paid, s.limits.client))
	a.take(cost, now)
	s.total = add(s.total, s.limits.total)
}

// enqueue finds a place in the queue, if need be that of another client that
// has used more.
func (s *Scheduler) enqueue(w *waiter) bool {
	if len(s.queue) < s.limits.queue {
		s.queue = append(s.queue, w)
		return true
	}
	now, most, highest := s.clock(), 0, -1.0
	for i, other := range s.queue {
		if used := s.clients.recent(other.client, now); used >= highest {
			most, highest = i, used
		}
	}
	out := s.queue[most]
	if highest <= s.clients.recent(w.client, now) {
		return false
	}
	s.queue = append(slices.Delete(s.queue, most, most+1), w)
	s.charge(out.client, -out.cost)
	out.ready <- NoQueue
	return true
}

func (s *Scheduler) await(ctx context.Context, w *waiter, wait time.Duration) (Outcome, time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	o := NoWait
	select {
	case o = <-w.ready:
		return o, time.Second
	case <-timer.C:
	case <-ctx.Done():
		o = Abandoned
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.queue, w); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		s.charge(w.client, -w.cost)
		return o, time.Second
	}
	return <-w.ready, time.Second // it was decided at the same moment
}

// leave gives the place back and settles what the run took; took is negative
// when that is not known.
func (s *Scheduler) leave(key Client, cost int64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if took >= 0 {
		s.charge(key, int64(took)-cost)
		s.stats.took(took)
	}
	s.running--
	s.dispatch()
}

// dispatch gives free places to those who have used least.
func (s *Scheduler) dispatch() {
	for s.running < s.limits.concurrency && len(s.queue) > 0 {
		now, least, lowest := s.clock(), 0, math.Inf(1)
		for i, w := range s.queue {
			if used := s.clients.recent(w.client, now); used < lowest {
				least, lowest = i, used
			}
		}
		w := s.queue[least]
		s.queue = slices.Delete(s.queue, least, least+1)
		s.running++
		w.ready <- Ran
	}
}

func wallTime(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
