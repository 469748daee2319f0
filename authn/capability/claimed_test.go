// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"testing"
	"time"

	"durward/internal/allocs"
)

// Failures are counted by what a request claims and presents, before anything
// is verified.
func TestATokenClaimsItsId(t *testing.T) {
	good := minted(t, after(time.Hour))
	forgedText := good.Text()[:len(good.Text())-4] + "AAAA"
	for name, row := range map[string]struct{ field, text, id, presented string }{
		"good":              {"", "Capability " + good.Text(), good.ID, good.Text()},
		"forged":            {"", "Capability " + forgedText, good.ID, forgedText},
		"no token":          {"", "Capability dwc_x", "", "dwc_x"},
		"empty":             {"", "Capability ", "", ""},
		"of another scheme": {"", "Bearer " + good.Text(), "", ""},
		"another field":     {"X-Pass", good.Text(), good.ID, good.Text()},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMethod(t, func(c *Config) { c.Header = row.field })
			x := newExchange("")
			x.In.Header = x.In.Header[:0]
			x.In.Header.Add(m.field, row.text)
			if id, presented := m.Claimed(x); id != row.id || presented != row.presented {
				t.Errorf("claims %q, presents %q", id, presented)
			}
			x.In.Header.Add(m.field, row.text)
			if id, presented := m.Claimed(x); id != "" || row.presented != "" && presented != "" {
				t.Errorf("two claim %q, present %q", id, presented)
			}
		})
	}
	m, x := newMethod(t), newExchange(good.Text())
	p, err := m.Authenticate(t.Context(), x)
	if id, _ := m.Claimed(x); err != nil || id != p.Credential {
		t.Errorf("%v: claimed %q, proven %q", err, id, p.Credential)
	}
	if n := allocs.PerRun(100, func() { m.Claimed(x) }); n > 1 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

// Who has a genuine token whose time is over has guessed nothing; a forged one
// is a guess whatever time it says.
func TestOnlyAGenuineTokenHasEnded(t *testing.T) {
	m := newMethod(t)
	short, long := minted(t, after(time.Hour)).Text(), minted(t).Text()
	m.now = start.Add(25 * time.Hour)
	for name, row := range map[string]struct {
		text  string
		ended bool
	}{
		"not-after is over":   {short, true},
		"max_age is over":     {long, true},
		"over, and forged":    {short[:len(short)-4] + "AAAA", false},
		"for another request": {minted(t, Methods("PUT")).Text(), true},
	} {
		_, err := m.Authenticate(t.Context(), newExchange(row.text))
		if err == nil || Ended(err) != row.ended {
			t.Errorf("%s: %v", name, err)
		}
	}
	m.now = start
	if _, err := m.Authenticate(t.Context(), newExchange(minted(t, Methods("PUT")).Text())); err != errMethod || Ended(err) {
		t.Errorf("another method: %v", err)
	}
}
