// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"testing"
	"time"
)

func TestAClockThatIsSetBackProlongsNoAnswer(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, nil)
	s.set("good", `{"active":true,"sub":"cy","aud":"moot"}`)
	check(t, c, "good", "accepted")
	check(t, c, "bad", "rejected")
	s.wantAsked(t, 2)

	clock.add(-time.Second) // requests that read the clock at the same time
	check(t, c, "good", "accepted")
	check(t, c, "bad", "rejected")
	s.wantAsked(t, 2)

	clock.add(-time.Hour)
	s.set("other", `{"active":true,"sub":"cy","aud":"moot"}`)
	check(t, c, "other", "overloaded") // the bucket of new tokens is empty, for once
	clock.add(time.Second)
	s.set("good", `{"active":false}`)
	s.set("bad", `{"active":true,"sub":"cy","aud":"moot"}`)
	check(t, c, "good", "rejected")
	check(t, c, "bad", "accepted")
	s.wantAsked(t, 4)
}

func TestASpanIsThatOfTheMonotonicClock(t *testing.T) {
	now := time.Now() // with a monotonic reading, which Add keeps
	s := spanOf(now, time.Minute)
	set := func(mono, wall time.Duration) time.Time { return now.Add(mono).Round(0).Add(wall) }
	for name, row := range map[string]struct {
		at   time.Time
		want bool
	}{
		"at once":                      {now, true},
		"the last":                     {now.Add(time.Minute - 1), true},
		"over":                         {now.Add(time.Minute), false},
		"over by the wall":             {set(0, time.Hour), false},
		"before it, without a reading": {set(0, -2*time.Second), false},
		"just before it":               {now.Add(-time.Millisecond), true},
	} {
		if got := s.has(row.at); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
