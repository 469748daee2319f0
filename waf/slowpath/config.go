// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"errors"
	"time"

	"durward"
	"durward/internal/units"
)

// Config bounds what clients can make the firewall's rule engine work. A client
// is who was authenticated, else its address; of an IPv6 address the first 64 bits.
type Config struct {
	// CPUPerClient is the processor time that the requests of one client may
	// take of the rule engine in each second, and those with 32 KiB and more of
	// the gate before it. Default 200ms.
	CPUPerClient units.Duration `yaml:"cpu_per_client"`
	// Burst is the processor time that a client may take at once after a rest.
	// Default five times cpu_per_client.
	Burst units.Duration `yaml:"burst"`
	// CPUTotal is the part of all processors, in percent, that the same may
	// take for the requests of all clients. Default 50.
	CPUTotal int `yaml:"cpu_total"`
	// Concurrency is how many requests run the rule engine at a time. Default
	// one less than there are processors, at least 1.
	Concurrency int `yaml:"concurrency"`
	// Queue is how many requests wait for one of these places. Default 64.
	Queue int `yaml:"queue"`
	// Wait is the longest time that one waits. Default 100ms.
	Wait units.Duration `yaml:"wait"`
	// MaxRun is the most processor time that a request may be expected to take,
	// by its size and number of values. Default 5s.
	MaxRun units.Duration `yaml:"max_run"`
	// OnExhausted says what happens to a request for which nothing of this is
	// left: refuse (default) answers 503, and pass_unchecked lets it go on without
	// the rules; the record says so.
	OnExhausted string `yaml:"on_exhausted" enum:"refuse,pass_unchecked"`
}

// PassUnchecked is the value of OnExhausted that lets requests go on.
const PassUnchecked = "pass_unchecked"

const (
	longest  = units.Duration(time.Minute)
	maxQueue = 4096
)

// Check reports every field that cannot be used.
func (c *Config) Check() error {
	var faults []error
	bad := func(field, text string) { faults = append(faults, durward.Invalid(field, "%s", text)) }
	for _, d := range []struct {
		field string
		value units.Duration
	}{{"cpu_per_client", c.CPUPerClient}, {"burst", c.Burst}, {"wait", c.Wait}, {"max_run", c.MaxRun}} {
		if d.value != 0 && (d.value < units.Duration(time.Millisecond) || d.value > longest) {
			bad(d.field, "must be from 1ms to 1m")
		}
	}
	if c.CPUTotal < 0 || c.CPUTotal > 100 {
		bad("cpu_total", "must be from 1 to 100 percent")
	}
	if c.Concurrency < 0 || c.Concurrency > 1024 {
		bad("concurrency", "must be from 1 to 1024")
	}
	if c.Queue < 0 || c.Queue > maxQueue {
		bad("queue", "must be from 1 to 4096")
	}
	if c.OnExhausted != "" && c.OnExhausted != "refuse" && c.OnExhausted != PassUnchecked {
		bad("on_exhausted", "must be refuse, or pass_unchecked")
	}
	return errors.Join(faults...)
}

// limits are a Config with its defaults, for a number of processors. Rates are
// nanoseconds of processor time per second.
type limits struct {
	client, burst      int64
	total, totalBurst  int64
	concurrency, queue int
	wait, maxRun       time.Duration
	passUnchecked      bool
}

func (c *Config) limits(processors int) limits {
	or := func(d units.Duration, byDefault time.Duration) int64 {
		if d == 0 {
			return int64(byDefault)
		}
		return int64(d)
	}
	l := limits{client: or(c.CPUPerClient, 200*time.Millisecond), concurrency: c.Concurrency, queue: c.Queue}
	l.wait, l.maxRun = time.Duration(or(c.Wait, 100*time.Millisecond)), time.Duration(or(c.MaxRun, 5*time.Second))
	percent := int64(c.CPUTotal)
	if percent == 0 {
		percent = 50
	}
	l.total = percent * int64(processors) * int64(time.Second) / 100
	l.totalBurst = 2 * l.total
	// One client alone can never spend what is there for all.
	l.client = min(l.client, max(l.total/2, 1))
	l.burst = min(or(c.Burst, 5*time.Duration(l.client)), max(l.totalBurst/2, 1))
	if l.concurrency == 0 {
		l.concurrency = max(processors-1, 1)
	}
	if l.queue == 0 {
		l.queue = 64
	}
	l.passUnchecked = c.OnExhausted == PassUnchecked
	return l
}
