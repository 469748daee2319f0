// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"durward/internal/units"
)

func TestTheConfigurationIsCheckedWhole(t *testing.T) {
	if err := (&Config{}).Check(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	bad := Config{
		Window: 1, DelayAfter: -1, DelayBase: units.Duration(time.Hour), DelayMax: 1, LockAfter: -1,
		LockFor: 1, SprayIDs: 201, RangeAfter: 1, RangeIDs: 1, IdentityAfter: -1, IdentityRanges: 1,
		AlarmAfter: -1, KnownFor: 1, IPv6Prefix: 129, IPv4Range: 33, IPv6Range: 130,
	}
	err := bad.Check()
	for _, field := range []string{
		"window", "delay_after", "delay_base", "delay_max", "lock_after", "lock_for", "spray_ids", "range_after",
		"range_ids", "identity_after", "identity_ranges", "alarm_after", "known_for", "ipv6_prefix", "ipv4_range", "ipv6_range",
	} {
		if err == nil || !strings.Contains(err.Error(), field+": must be from ") {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
	if _, err := NewGuard(Options{}).With(bad); err == nil {
		t.Error("With takes it")
	}
	one := Config{LockAfter: 4} // below delay_after
	if err := one.Check(); err == nil || !strings.Contains(err.Error(), "lock_after") {
		t.Errorf("a lock before the first delay: %v", err)
	}
	large := Config{DelayAfter: 50, DelayBase: units.Duration(time.Minute), IPv6Prefix: 40}
	if err := large.Check(); err != nil {
		t.Errorf("what was not said does not follow: %v", err)
	}
}

func TestTheSketchTellsHowManyDiffer(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, want := range []int{2, 8, 10, 50, 100, 200} {
		sum := 0
		const tries = 300
		for range tries {
			s := state{}
			for range want {
				s.see(failure{see: r.Uint64() | 1}, 1<<40)
			}
			n := 0
			for seen := s.seen; seen != 0; seen &= seen - 1 {
				n++
			}
			sum += distinct[n]
		}
		if got := float64(sum) / tries; got < 0.8*float64(want) || got > 1.3*float64(want) {
			t.Errorf("%d are taken for %.1f", want, got)
		}
	}
}
