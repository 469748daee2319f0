// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/internal/units"
	"durward/probe/finding"
	"durward/probe/report"
)

func TestAConfigurationThatWouldNotRunIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    Config
		want []string // fields that are at fault
	}{
		{"every night", Config{Cron: "0 3 * * *"}, nil},
		{"after each change", Config{OnChange: true}, nil},
		{"names and steps", Config{Cron: "*/15 8-18 * jan-mar MON-FRI"}, nil},
		{"the last day of a leap February", Config{Cron: "0 0 29 2 *"}, nil},
		{"never", Config{}, []string{"cron"}},
		{"seconds", Config{Cron: "* * * * * *"}, []string{"cron"}},
		{"a nickname", Config{Cron: "@daily"}, []string{"cron"}},
		{"no such minute", Config{Cron: "60 * * * *"}, []string{"cron"}},
		{"a day that does not come", Config{Cron: "0 0 30 2 *"}, []string{"cron"}},
		{"words", Config{Cron: "now and then at noon"}, []string{"cron"}},
		{"a URL", Config{OnChange: true, URL: "https://api.example.org/v1"}, nil},
		{"a URL with a password", Config{OnChange: true, URL: "https://a:b@api.example.org/"}, []string{"url"}},
		{"another scheme", Config{OnChange: true, URL: "file:///etc/passwd"}, []string{"url"}},
		{"bounds", Config{OnChange: true, MaxRequests: -1, Rate: maxRate + 1, Seed: -1, Time: units.Duration(25 * time.Hour)}, []string{"max_requests", "rate", "seed", "time"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.c.Check()
			for _, field := range tt.want {
				if err == nil || !strings.Contains(err.Error(), field) {
					t.Errorf("%v says nothing of %s", err, field)
				}
			}
			if len(tt.want) == 0 && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTimesAreThoseOfTheExpressionInUTC(t *testing.T) {
	for _, tt := range []struct{ cron, after, want string }{
		{"0 3 * * *", "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"},
		{"0 3 * * *", "2026-11-22T02:59:59Z", "2026-11-22T03:00:00Z"},
		{"0 3 * * *", "2026-11-22T04:00:00+02:00", "2026-11-22T03:00:00Z"},
		{"*/15 * * * *", "2026-12-31T23:50:00Z", "2027-01-01T00:00:00Z"},
		{"0 0 29 2 *", "2026-11-22T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"30 12 * * sun", "2026-11-22T12:30:00Z", "2026-11-29T12:30:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, tt.after)
		if err != nil {
			t.Fatal(err)
		}
		got, err := next(tt.cron, after)
		if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("%s after %s: %v %v, want %s", tt.cron, tt.after, got, err, tt.want)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, cron := range []string{"0 3 * * *", "*/15 8-18 * jan-mar MON-FRI", "0 0 L * *", "0 0 30 2 *", "? ? ? ? ?", "1-5/0 * * * *"} {
		f.Add(cron, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, cron string, unix int64) {
		after := time.Unix(unix%4_000_000_000, 0).UTC()
		if at, err := next(cron, after); err == nil && !at.After(after) {
			t.Errorf("%q after %v is %v", cron, after, at)
		}
	})
}

// log is what a Scheduler did.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(parts ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, strings.Join(parts, " "))
}

func (l *log) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

func scheduler(l *log, run func(ctx context.Context, job string) (*report.Run, error)) *Scheduler {
	return New(Options{Log: slog.New(slog.DiscardHandler),
		Begin: func(_ context.Context, job, trigger string) (int64, bool, error) {
			l.add("begin", job, trigger)
			switch {
			case job == "elsewhere":
				return 0, false, nil
			case job == "storeless":
				return 0, false, errors.New("the store is away")
			}
			return 7, true, nil
		},
		Run: func(ctx context.Context, job string, _ *Config) (*report.Run, error) { return run(ctx, job) },
		Finish: func(ctx context.Context, id int64, r Result) {
			if ctx.Err() != nil || id != 7 {
				l.add("kept", "too", "late")
			}
			l.add(r.Outcome, r.Job, r.Summary)
		},
	})
}

func clean(context.Context, string) (*report.Run, error) { return &report.Run{Requests: 3}, nil }

func TestJobsRunAtTheirTimesOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble's clock starts at midnight UTC, 2000-01-01
		l := &log{}
		s := scheduler(l, func(ctx context.Context, job string) (*report.Run, error) {
			if job == "long" {
				time.Sleep(150 * time.Second)
			}
			return clean(ctx, job)
		})
		defer s.Close(t.Context())
		s.Set(map[string]Config{"hourly": {Cron: "0 * * * *"}, "long": {Cron: "0 * * * *"}, "minutely": {Cron: "1-9 1 * * *"}}, "a")
		time.Sleep(time.Hour + 5*time.Minute + time.Second)
		synctest.Wait()
		want := []string{
			"begin hourly 2000-01-01T01:00:00Z", "clean hourly 0 of 0 operations reached, 3 requests",
			"begin long 2000-01-01T01:00:00Z", "clean long 0 of 0 operations reached, 3 requests",
			// 01:01 and 01:02 came while another ran: they are made up for by one.
			"begin minutely 2000-01-01T01:01:00Z", "clean minutely 0 of 0 operations reached, 3 requests",
			"begin minutely 2000-01-01T01:03:00Z", "clean minutely 0 of 0 operations reached, 3 requests",
			"begin minutely 2000-01-01T01:04:00Z", "clean minutely 0 of 0 operations reached, 3 requests",
			"begin minutely 2000-01-01T01:05:00Z", "clean minutely 0 of 0 operations reached, 3 requests",
		}
		if diff := cmp.Diff(want, l.take()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAChangeIsTestedOnceAndTheNewestOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		s := scheduler(l, func(ctx context.Context, job string) (*report.Run, error) {
			time.Sleep(time.Minute)
			return clean(ctx, job)
		})
		defer s.Close(t.Context())
		jobs := map[string]Config{"smoke": {OnChange: true}, "nightly": {Cron: "0 3 * * *"}}
		s.Set(jobs, "a")
		synctest.Wait()
		time.Sleep(time.Second)
		s.Set(jobs, "b") // while the run for a goes on
		s.Set(jobs, "c")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		want := []string{
			"begin smoke configuration a, 2000-01-01T00:00:00Z", "clean smoke 0 of 0 operations reached, 3 requests",
			"begin smoke configuration c, 2000-01-01T00:00:00Z", "clean smoke 0 of 0 operations reached, 3 requests",
		}
		if diff := cmp.Diff(want, l.take()); diff != "" {
			t.Error(diff)
		}
		s.Set(nil, "d") // no jobs any more
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if lines := l.take(); len(lines) > 0 {
			t.Errorf("jobs that are gone ran: %v", lines)
		}
	})
}

func TestHowARunEndedIsKeptWhateverItWas(t *testing.T) {
	bad := finding.Finding{Kind: finding.Kind{ID: "x"}, Severity: finding.High, Confidence: finding.Firm}
	for _, tt := range []struct {
		name, job string
		run       func(context.Context, string) (*report.Run, error)
		want      []string
	}{
		{"findings", "j", func(context.Context, string) (*report.Run, error) {
			return &report.Run{Requests: 9, Operations: []report.Operation{{Reached: true}, {}}, Findings: []finding.Finding{bad}}, nil
		}, []string{"findings j 1 of 2 operations reached, 9 requests, 1 high"}},
		{"could not test", "j", func(context.Context, string) (*report.Run, error) { return &report.Run{Failed: "nobody answers"}, nil }, []string{"untested j 0 of 0 operations reached, 0 requests"}},
		{"an error", "j", func(context.Context, string) (*report.Run, error) { return nil, errors.New("no such file") }, []string{"failed j no such file"}},
		{"a panic", "j", func(context.Context, string) (*report.Run, error) { panic("oh") }, []string{"failed j internal error: oh"}},
		{"a run that does not end by itself", "j", func(ctx context.Context, _ string) (*report.Run, error) { <-ctx.Done(); return nil, ctx.Err() }, []string{"failed j context deadline exceeded"}},
		{"another node has it", "elsewhere", clean, nil},
		{"the store is away", "storeless", clean, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &log{}
				s := scheduler(l, tt.run)
				defer s.Close(t.Context())
				s.Set(map[string]Config{tt.job: {OnChange: true}}, "a")
				time.Sleep(DefaultTime + 2*time.Minute)
				synctest.Wait()
				lines := l.take()
				if lines = slices.DeleteFunc(lines, func(s string) bool { return strings.HasPrefix(s, "begin") }); len(lines) == 0 {
					lines = nil
				}
				if diff := cmp.Diff(tt.want, lines); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestTheEndOfTheGatewayEndsTheRunAndNotItsNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		s := scheduler(l, func(ctx context.Context, _ string) (*report.Run, error) {
			<-ctx.Done()
			return &report.Run{Stopped: "interrupted"}, nil
		})
		s.Set(map[string]Config{"j": {OnChange: true}}, "a")
		synctest.Wait()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"begin j configuration a, 2000-01-01T00:00:00Z", "untested j 0 of 0 operations reached, 0 requests"}, l.take()); diff != "" {
			t.Error(diff)
		}
	})
}
