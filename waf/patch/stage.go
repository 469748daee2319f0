// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"durward"
)

// StageName is the name of the stage in the trail.
const StageName = "patch"

// Counts are how often patches applied, by id; they outlive reloads. Safe for
// concurrent use. A nil Counts counts nothing.
type Counts struct {
	byID atomic.Pointer[map[string]*atomic.Int64]
}

// counter gives the counter of a patch. Only a compile calls it, one at a time.
func (c *Counts) counter(id string) *atomic.Int64 {
	if c == nil {
		return new(atomic.Int64)
	}
	known := map[string]*atomic.Int64{}
	if old := c.byID.Load(); old != nil {
		for k, v := range *old {
			known[k] = v
		}
	}
	if known[id] == nil {
		known[id] = new(atomic.Int64)
		c.byID.Store(&known)
	}
	return known[id]
}

// Matches gives how often each patch applied.
func (c *Counts) Matches(yield func(n int64, id string)) {
	if known := c.byID.Load(); known != nil {
		for id, n := range *known {
			yield(n.Load(), id)
		}
	}
}

// patch is a Config, compiled.
type patch struct {
	id           string
	path, method string
	at           place
	until        time.Time
	report       bool

	matches, notMatches *regexp.Regexp
	longer              int
	contains            [][]byte
	equals              []string

	applied *atomic.Int64
	because error
}

type stage struct {
	patches []*patch // enforced ones first
	now     func() time.Time
}

// Stage is the patches of an operation; nil where there is none. Those that
// were over when it was made are left out, others end by the clock.
func Stage(patches []Config, op *durward.Operation, now func() time.Time, counts *Counts) durward.Stage {
	s := &stage{now: now}
	for i := range patches {
		c := &patches[i]
		if c.Mode == durward.Off || c.Expired(now()) || c.Operation != "" && c.Operation != op.ID || c.Method != "" && c.Method != op.Method {
			continue
		}
		s.patches = append(s.patches, compile(c, counts))
	}
	if len(s.patches) == 0 {
		return nil
	}
	slices.SortStableFunc(s.patches, func(a, b *patch) int { return rank(a) - rank(b) })
	return s
}

func rank(p *patch) int {
	if p.report {
		return 1
	}
	return 0
}

func compile(c *Config, counts *Counts) *patch {
	p := &patch{id: c.ID, path: c.Path, method: c.Method, report: c.Mode == durward.Report, applied: counts.counter(c.ID)}
	p.at, _ = readPlace(c.Parameter)
	p.until, _ = c.end()
	if c.Condition.Matches != "" {
		p.matches = regexp.MustCompile(c.Condition.Matches)
	}
	if c.Condition.NotMatches != "" {
		p.notMatches = regexp.MustCompile(c.Condition.NotMatches)
	}
	p.longer, p.equals = c.Condition.LongerThan, c.Condition.Equals
	for _, t := range c.Condition.Contains {
		p.contains = append(p.contains, []byte(t))
	}
	because := "virtual patch " + c.ID
	if c.Parameter != "" {
		because += ": " + c.Parameter
	}
	p.because = errors.New(because)
	return p
}

// Name implements durward.Stage.
func (*stage) Name() string { return StageName }

// Request refuses what a patch is about.
func (s *stage) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	now := s.now()
	for _, p := range s.patches {
		if !p.until.IsZero() && !now.Before(p.until) || p.path != "" && !onPath(p.path, x.In.Path) {
			continue
		}
		applies, err := p.applies(x)
		switch {
		case err != nil:
			if code := durward.BodyFault(err); code != "" {
				return durward.Refuse(code, err)
			}
			if !errors.Is(err, errContent) {
				return durward.Failed(durward.CodeInternal, err)
			}
		case !applies:
			continue
		}
		p.applied.Add(1)
		d := durward.Refuse(durward.CodeWAFBlocked, p.because)
		if err != nil {
			d.Err = errors.New(p.because.Error() + ": " + err.Error())
		}
		d.Reported = p.report
		return d
	}
	return durward.Proceed()
}

func (p *patch) applies(x *durward.Exchange) (bool, error) {
	if p.at.in == "" {
		return true, nil
	}
	return values(x, &p.at, p.holds)
}

// holds tells whether a value is as the condition says.
func (p *patch) holds(value []byte) bool {
	switch {
	case len(value) <= p.longer && p.longer > 0,
		p.matches != nil && !p.matches.Match(value),
		p.notMatches != nil && p.notMatches.Match(value),
		len(p.equals) > 0 && !slices.Contains(p.equals, string(value)):
		return false
	}
	return len(p.contains) == 0 || slices.ContainsFunc(p.contains, func(t []byte) bool { return bytes.Contains(value, t) })
}

func itoa(n int) string { return strconv.Itoa(n) }
