// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"durward/probe/finding"
	"durward/probe/report"
)

// Outcomes of a run.
const (
	Clean    = "clean"
	Findings = "findings"
	Untested = "untested" // could not test, or not to the end
	Failed   = "failed"   // did not run
)

// Options are what a Scheduler is given. All must be set but Now.
type Options struct {
	Now func() time.Time // time.Now when nil
	Log *slog.Logger
	// Begin notes that a run begins; false when another node has it.
	Begin func(ctx context.Context, job, trigger string) (id int64, ok bool, err error)
	// Run makes the run. It ends when ctx does.
	Run func(ctx context.Context, job string, c *Config) (*report.Run, error)
	// Finish keeps and tells how it ended.
	Finish func(ctx context.Context, id int64, r Result)
}

// Result is how a run ended.
type Result struct {
	Job, Trigger string
	Outcome      string
	Summary      string      // one line, without anything that the service sent
	Report       *report.Run // nil for Failed
	Took         time.Duration
}

// Scheduler runs jobs, one at a time. It is safe for concurrent use.
type Scheduler struct {
	opts Options
	wake chan struct{}
	end  context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	jobs    map[string]Config
	times   map[string]time.Time // next scheduled times
	changed map[string]string    // jobs to run for a change, by its trigger
}

// New starts a Scheduler without jobs.
func New(o Options) *Scheduler {
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Scheduler{opts: o, wake: make(chan struct{}, 1), end: cancel, done: make(chan struct{}), changed: map[string]string{}}
	go s.loop(ctx)
	return s
}

// changeSlot is the time within which a change that several nodes see, or that
// is made again, is tested once.
const changeSlot = 10 * time.Minute

// Set takes the jobs of a configuration that is now in force. Scheduled times
// that stay the same keep their turn; a run under way goes on.
func (s *Scheduler) Set(jobs map[string]Config, fingerprint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	times := map[string]time.Time{}
	waiting := map[string]string{}
	for name, c := range jobs {
		if old, ok := s.jobs[name]; ok && old.Cron == c.Cron && !s.times[name].IsZero() {
			times[name] = s.times[name]
		} else if at, err := next(c.Cron, now); err == nil {
			times[name] = at
		}
		if c.OnChange {
			waiting[name] = fmt.Sprintf("configuration %.12s, %s", fingerprint, now.UTC().Truncate(changeSlot).Format(time.RFC3339))
		}
	}
	s.jobs, s.times, s.changed = maps.Clone(jobs), times, waiting
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends the run under way and waits for it, until ctx ends.
func (s *Scheduler) Close(ctx context.Context) error {
	s.end()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// longestWait bounds how long a clock that was set forward goes unnoticed.
const longestWait = time.Minute

func (s *Scheduler) loop(ctx context.Context) {
	defer close(s.done)
	for {
		job, trigger, wait := s.due()
		if job != "" {
			s.run(ctx, job, trigger)
			if ctx.Err() == nil {
				continue
			}
		}
		timer := time.NewTimer(min(wait, longestWait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// due takes the job whose turn it is, or says how long there is none. Of the
// times that were missed while another job ran, one is made up for.
func (s *Scheduler) due() (job, trigger string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.changed)) {
		trigger = s.changed[name]
		delete(s.changed, name)
		return name, trigger, 0
	}
	now := s.opts.Now()
	first := now.Add(longestWait)
	for _, name := range slices.Sorted(maps.Keys(s.times)) {
		at := s.times[name]
		if at.After(now) {
			if at.Before(first) {
				first = at
			}
			continue
		}
		delete(s.times, name)
		if after, err := next(s.jobs[name].Cron, now); err == nil {
			s.times[name] = after
		}
		return name, at.UTC().Format(time.RFC3339), 0
	}
	return "", "", first.Sub(now)
}

func (s *Scheduler) run(ctx context.Context, job, trigger string) {
	s.mu.Lock()
	c := s.jobs[job]
	s.mu.Unlock()
	id, ok, err := s.opts.Begin(ctx, job, trigger)
	if err != nil {
		s.opts.Log.Error("security tests could not begin", "job", job, "error", err)
		return
	}
	if !ok {
		return // another node makes it
	}
	_, _, limit := c.Bounds()
	// A run ends by its own limit; this one is for a run that does not.
	inTime, cancel := context.WithTimeout(ctx, limit+time.Minute)
	started := s.opts.Now()
	out, err := s.guarded(inTime, job, &c)
	cancel()
	r := Result{Job: job, Trigger: trigger, Report: out, Took: s.opts.Now().Sub(started)}
	r.Outcome, r.Summary = outcome(out, err, c.Least())
	// The end of the gateway ends the run, and not the note of it.
	keep, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	s.opts.Finish(keep, id, r)
}

// guarded makes a programmer's error in a test cost the run and not the gateway.
func (s *Scheduler) guarded(ctx context.Context, job string, c *Config) (out *report.Run, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, fmt.Errorf("internal error: %v", v)
		}
	}()
	return s.opts.Run(ctx, job, c)
}

func outcome(r *report.Run, err error, least finding.Severity) (outcome, summary string) {
	if err != nil || r == nil {
		return Failed, fmt.Sprintf("%.300v", err)
	}
	switch r.ExitCode(least, 0) {
	case report.Found:
		outcome = Findings
	case report.Untested:
		outcome = Untested
	default:
		outcome = Clean
	}
	counts := map[finding.Severity]int{}
	for i := range r.Findings {
		if f := &r.Findings[i]; report.Counts(f, least) {
			counts[f.Severity]++
		}
	}
	reached, all := r.Reached()
	summary = fmt.Sprintf("%d of %d operations reached, %d requests", reached, all, r.Requests)
	for _, s := range []finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Info} {
		if counts[s] > 0 {
			summary += fmt.Sprintf(", %d %s", counts[s], s)
		}
	}
	return outcome, summary
}
