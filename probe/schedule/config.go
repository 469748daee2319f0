// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package schedule decides when a gateway tests itself: at the times of a cron
// expression, and after each change of the configuration. What a run is, who
// keeps its results and where they are told is given to it.
//
// Standards: cron expressions of five fields in UTC (POSIX crontab, with the
// names and steps that are in common use).
//
// Threat: a schedule that loads the service, or tells outsiders where it is
// weak. So one run goes on at a time, each has a budget of requests, a rate and
// a time, changes nothing unless it may, and results stay in the store.
//
// Failure policy: a run that fails is kept and told as failed; requests are never
// touched by it. State kept: the next times, and which run goes on.
package schedule

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"durward"
	"durward/internal/units"
	"durward/probe/finding"
)

// Config is one entry of `probe:`: tests that the gateway makes of an API.
type Config struct {
	// API is the name of the API that is tested. It may be left out where there
	// is only one.
	API string `yaml:"api"`
	// URL is the base URL that the tests call, the API's prefix included. Default
	// is the first listener and the prefix. Tests call no other origin.
	URL string `yaml:"url"`
	// Users is the file of the users that the tests act as; see docs/features/probe.md.
	Users string `yaml:"users" path:"true"`
	// Cron says when, in UTC: "0 3 * * *" is every night at three. Empty is never.
	Cron string `yaml:"cron"`
	// OnChange runs the tests after each change of the configuration, the start
	// included.
	OnChange bool `yaml:"on_change"`
	// Writes lets the tests send methods that change something. Default false:
	// they only read.
	Writes bool `yaml:"writes"`
	// Checks names the checks that are made, Skip those that are not. Default all.
	Checks []string `yaml:"checks"`
	// Skip names checks that are left out.
	Skip []string `yaml:"skip"`
	// MaxRequests is the most requests of one run. Default 2000, at most 1000000.
	MaxRequests int `yaml:"max_requests"`
	// Rate is how many requests are sent in a second. Default 20, at most 1000.
	Rate int `yaml:"rate"`
	// Time is the longest that a run may take. Default 10m.
	Time units.Duration `yaml:"time"`
	// FailOn is the least severity that makes the outcome findings: info, low
	// (default), medium, high or critical.
	FailOn string `yaml:"fail_on" enum:"info,low,medium,high,critical"`
	// Baseline is a file of accepted findings.
	Baseline string `yaml:"baseline" path:"true"`
	// Seed repeats a run's requests. Default 1.
	Seed int `yaml:"seed"`
}

// Bounds of a run.
const (
	DefaultRequests = 2000
	DefaultRate     = 20
	DefaultTime     = 10 * time.Minute
	maxRequests     = 1_000_000
	maxRate         = 1000
	maxTime         = 24 * time.Hour
)

// Check reports every fault.
func (c *Config) Check() error {
	var errs []error
	fault := func(field, reason string) { errs = append(errs, durward.Invalid(field, "%s", reason)) }
	if c.Cron == "" && !c.OnChange {
		fault("cron", "says never, and on_change is false: the tests would not run")
	}
	if c.Cron != "" {
		if _, err := next(c.Cron, time.Unix(0, 0).UTC()); err != nil {
			fault("cron", err.Error())
		}
	}
	if c.URL != "" {
		if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			fault("url", "must be a base URL of http or https, without a query or credentials")
		}
	}
	for _, f := range []struct {
		name  string
		value int
		most  int
	}{{"max_requests", c.MaxRequests, maxRequests}, {"rate", c.Rate, maxRate}, {"seed", c.Seed, 1 << 31}} {
		if f.value < 0 || f.value > f.most {
			fault(f.name, fmt.Sprintf("must be from 1 to %d", f.most))
		}
	}
	if c.Time.Std() > maxTime {
		fault("time", "must be at most 24h")
	}
	return errors.Join(errs...)
}

// Bounds gives requests, requests in a second, and time of a run, defaults
// filled in.
func (c *Config) Bounds() (requests, rate int, limit time.Duration) {
	requests, rate, limit = c.MaxRequests, c.Rate, c.Time.Std()
	if requests == 0 {
		requests = DefaultRequests
	}
	if rate == 0 {
		rate = DefaultRate
	}
	if limit == 0 {
		limit = DefaultTime
	}
	return requests, rate, limit
}

// Least is FailOn with its default.
func (c *Config) Least() finding.Severity {
	if c.FailOn == "" {
		return finding.Low
	}
	return finding.Severity(c.FailOn)
}

var (
	errCron  = errors.New(`is no cron expression of five fields, as "0 3 * * *"`)
	errNever = errors.New("names a time that does not come within four years")
)

// next is the first minute after a time that a cron expression names, in UTC.
func next(cron string, after time.Time) (time.Time, error) {
	if len(cron) > 200 || strings.HasPrefix(cron, "@") || len(strings.Fields(cron)) != 5 || !gronx.IsValid(cron) {
		return time.Time{}, errCron
	}
	at, err := gronx.NextTickAfter(cron, after.UTC(), false)
	if err != nil || at.After(after.AddDate(4, 1, 0)) {
		return time.Time{}, errNever
	}
	return at, nil
}
