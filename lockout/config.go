// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"cmp"
	"errors"
	"time"

	"durward"
	"durward/internal/units"
)

// Config says how many failures are taken. The zero value is the default. All
// counts leak: a count of lock_after is forgotten evenly over one window.
type Config struct {
	// Mode is enforce, report (what would be refused is counted) or off.
	Mode durward.Mode `yaml:"mode"`
	// Window is the time in which a full count of failures is forgotten; 0
	// means 15m.
	Window units.Duration `yaml:"window"`
	// DelayAfter is how many failures of a source, or of a source with one
	// claimed id, are answered without a delay; 0 means 20.
	DelayAfter int `yaml:"delay_after"`
	// DelayBase is the first delay; each further failure doubles it. 0 means
	// 1s.
	DelayBase units.Duration `yaml:"delay_base"`
	// DelayMax is the longest delay; 0 means 30s.
	DelayMax units.Duration `yaml:"delay_max"`
	// LockAfter is how many failures lock a source, or a source with one
	// claimed id; 0 means 60.
	LockAfter int `yaml:"lock_after"`
	// LockFor is how long a lock holds; 0 means 5m.
	LockFor units.Duration `yaml:"lock_for"`
	// SprayIDs is how many different ids that fail lock a source; 0 means 30.
	SprayIDs int `yaml:"spray_ids"`
	// RangeAfter is how many failures lock a range of sources; 0 means 200.
	RangeAfter int `yaml:"range_after"`
	// RangeIDs is how many different ids that fail lock a range of sources; 0
	// means 50.
	RangeIDs int `yaml:"range_ids"`
	// IdentityAfter is how many failures lock a claimed credential or account
	// for sources from which it has not succeeded lately; 0 means 50.
	IdentityAfter int `yaml:"identity_after"`
	// IdentityRanges is from how many different ranges these failures must
	// come; 0 means 8.
	IdentityRanges int `yaml:"identity_ranges"`
	// AlarmAfter is how many failures in all, of one window, raise the alarm;
	// 0 means 1000.
	AlarmAfter int `yaml:"alarm_after"`
	// KnownFor is how long a source counts as known to a credential or an
	// account after a success; 0 means 7d.
	KnownFor units.Duration `yaml:"known_for"`
	// IPv6Prefix is how many bits of an IPv6 address name one source; 0 means
	// 64, since one host can use a whole /64.
	IPv6Prefix int `yaml:"ipv6_prefix"`
	// IPv4Range is the prefix length of an IPv4 range; 0 means 24.
	IPv4Range int `yaml:"ipv4_range"`
	// IPv6Range is the prefix length of an IPv6 range; 0 means 48.
	IPv6Range int `yaml:"ipv6_range"`
}

// maxDistinct is the most different ids or ranges that the sketch tells apart
// well enough (see distinct).
const maxDistinct = 200

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	w := c.withDefaults()
	faults := []error{
		within("window", w.Window, time.Minute, 24*time.Hour),
		within("delay_base", w.DelayBase, 10*time.Millisecond, time.Minute),
		within("delay_max", w.DelayMax, w.DelayBase.Std(), 15*time.Minute),
		within("lock_for", w.LockFor, time.Second, 24*time.Hour),
		within("known_for", w.KnownFor, time.Hour, 90*24*time.Hour),
		count("delay_after", c.DelayAfter, w.DelayAfter, 1, 10_000),
		count("lock_after", c.LockAfter, w.LockAfter, w.DelayAfter, 100_000),
		count("spray_ids", c.SprayIDs, w.SprayIDs, 2, maxDistinct),
		count("range_after", c.RangeAfter, w.RangeAfter, 2, 1_000_000),
		count("range_ids", c.RangeIDs, w.RangeIDs, 2, maxDistinct),
		count("identity_after", c.IdentityAfter, w.IdentityAfter, 2, 1_000_000),
		count("identity_ranges", c.IdentityRanges, w.IdentityRanges, 2, maxDistinct),
		count("alarm_after", c.AlarmAfter, w.AlarmAfter, 1, 1_000_000_000),
		count("ipv6_prefix", c.IPv6Prefix, w.IPv6Prefix, 1, 128),
		count("ipv4_range", c.IPv4Range, w.IPv4Range, 1, 32),
		count("ipv6_range", c.IPv6Range, w.IPv6Range, 1, w.IPv6Prefix),
	}
	return errors.Join(faults...)
}

func (c *Config) withDefaults() Config {
	w := *c
	w.Window = cmp.Or(c.Window, units.Duration(15*time.Minute))
	w.DelayAfter = cmp.Or(c.DelayAfter, 20)
	w.DelayBase = cmp.Or(c.DelayBase, units.Duration(time.Second))
	w.DelayMax = cmp.Or(c.DelayMax, max(w.DelayBase, units.Duration(30*time.Second)))
	w.LockAfter = cmp.Or(c.LockAfter, max(w.DelayAfter, 60))
	w.LockFor = cmp.Or(c.LockFor, units.Duration(5*time.Minute))
	w.SprayIDs = cmp.Or(c.SprayIDs, 30)
	w.RangeAfter = cmp.Or(c.RangeAfter, 200)
	w.RangeIDs = cmp.Or(c.RangeIDs, 50)
	w.IdentityAfter = cmp.Or(c.IdentityAfter, 50)
	w.IdentityRanges = cmp.Or(c.IdentityRanges, 8)
	w.AlarmAfter = cmp.Or(c.AlarmAfter, 1000)
	w.KnownFor = cmp.Or(c.KnownFor, units.Duration(7*24*time.Hour))
	w.IPv6Prefix = cmp.Or(c.IPv6Prefix, 64)
	w.IPv4Range = cmp.Or(c.IPv4Range, 24)
	w.IPv6Range = cmp.Or(c.IPv6Range, min(w.IPv6Prefix, 48))
	return w
}

func within(field string, d units.Duration, low, high time.Duration) error {
	if d.Std() < low || d.Std() > high {
		return durward.Invalid(field, "must be from %v to %v", units.Duration(low), units.Duration(high))
	}
	return nil
}

func count(field string, given, n, low, high int) error {
	if given < 0 || n < low || n > high {
		return durward.Invalid(field, "must be from %d to %d", low, high)
	}
	return nil
}

// threshold says what follows from the count of one key.
type threshold struct {
	leak       float64 // failures forgotten in a nanosecond
	delayAfter float64 // 0: never delayed
	lockAfter  float64
	distinct   int  // different ids or ranges that lock; 0: not asked
	both       bool // lockAfter and distinct must both be reached
}

// times is t for a source that may fail n times as often.
func (t threshold) times(n int) threshold {
	t.delayAfter *= float64(n)
	t.lockAfter *= float64(n)
	if !t.both {
		t.distinct = min(t.distinct*n, maxDistinct)
	}
	return t
}

// rules is a Config in the terms of the tables. Times are nanoseconds.
type rules struct {
	mode                             durward.Mode
	window, delayBase, delayMax      int64
	lockFor, knownFor                int64
	source, ranges, pair, identity   threshold
	alarmAfter                       int64
	ipv6Prefix, ipv4Range, ipv6Range int
}

func newRules(cfg *Config) rules {
	c := cfg.withDefaults()
	r := rules{
		mode: c.Mode, window: int64(c.Window), delayBase: int64(c.DelayBase), delayMax: int64(c.DelayMax),
		lockFor: int64(c.LockFor), knownFor: int64(c.KnownFor), alarmAfter: int64(c.AlarmAfter),
		ipv6Prefix: c.IPv6Prefix, ipv4Range: c.IPv4Range, ipv6Range: c.IPv6Range,
	}
	leak := func(after int) float64 { return float64(after) / float64(r.window) }
	r.pair = threshold{leak: leak(c.LockAfter), delayAfter: float64(c.DelayAfter), lockAfter: float64(c.LockAfter)}
	r.source = r.pair
	r.source.distinct = c.SprayIDs
	r.ranges = threshold{leak: leak(c.RangeAfter), lockAfter: float64(c.RangeAfter), distinct: c.RangeIDs}
	r.identity = threshold{leak: leak(c.IdentityAfter), lockAfter: float64(c.IdentityAfter), distinct: c.IdentityRanges, both: true}
	return r
}
