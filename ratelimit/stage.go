// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"errors"
	"net/netip"

	"durward"
)

// kind says what a limit counts by.
type kind uint8

const (
	byAddress kind = iota // also ranges: a shorter prefix
	byGroup
	byNothing // in total
	byConsumer
	bySubject
	byCredential
)

// limit is one limit of a stage.
type limit struct {
	kind         kind
	name         string // of the policy, in answers
	rate         rate
	counter      *counter
	bits4, bits6 int
	ranges       []netip.Prefix
	fields       fields
	exceeded     error
}

// stage checks a request against limits, the narrowest first.
//
// All must pass. A limit that refuses has the charges of those before it taken
// back, so that a refused request uses up nobody's quota. Requests that come
// within those few hundred nanoseconds see the charge: one may be refused for
// it, or the charge stand where they moved the counter. None is ever let
// through for it, and the last limit (the total) never sees such a charge.
type stage struct {
	name     string
	report   bool
	counters *Counters
	limits   []limit
	headers  headers
}

// ByClient makes the stage "ratelimit" of cfg, which must have passed Check. It
// gives nil when nothing is limited. Stages of the same scope share their
// counters; limits that differ need scopes that differ.
func ByClient(cfg *Config, scope string, c *Counters) durward.Stage {
	if cfg == nil || cfg.Mode == durward.Off {
		return nil
	}
	s := &stage{name: "ratelimit", report: cfg.Mode == durward.Report, counters: c}
	if cfg.PerAddress != nil {
		s.add(scope, "per-address", cfg.PerAddress, limit{
			kind: byAddress, bits4: 32, bits6: orDefault(cfg.IPv6Prefix, 64)})
	}
	if r := cfg.PerRange; r != nil {
		s.add(scope, "per-range", &r.Limit, limit{
			kind: byAddress, bits4: orDefault(r.IPv4, 24), bits6: orDefault(r.IPv6, 48)})
	}
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		s.add(scope, g.Name, &g.Limit, limit{kind: byGroup, ranges: g.Ranges})
	}
	if cfg.Total != nil {
		s.add(scope, "total", cfg.Total, limit{kind: byNothing})
	}
	return s.done(cfg.Headers)
}

// ByPrincipal makes the stage "quota" of cfg, which must have passed Check. It
// gives nil when nothing is limited. A request of nobody (of a public
// operation) is not counted: it has no principal, only a client.
func ByPrincipal(cfg *PrincipalConfig, scope string, c *Counters) durward.Stage {
	if cfg == nil || cfg.Mode == durward.Off {
		return nil
	}
	own := ofPlan(cfg, cfg.own(), scope, c)
	if own == nil || len(cfg.Plans) == 0 {
		return own
	}
	s := &planned{own: own, counters: c, plans: make(map[string]durward.Stage, len(cfg.Plans))}
	for name, p := range cfg.Plans {
		// Counters of its own: rates that differ cannot share them.
		s.plans[name] = ofPlan(cfg, p, scope+"/plan/"+name, c)
	}
	return s
}

// ofPlan makes the stage of one set of limits, nil when it has none.
func ofPlan(cfg *PrincipalConfig, p Plan, scope string, c *Counters) durward.Stage {
	s := &stage{name: "quota", report: cfg.Mode == durward.Report, counters: c}
	if p.PerCredential != nil {
		s.add(scope, "per-credential", p.PerCredential, limit{kind: byCredential})
	}
	if p.PerSubject != nil {
		s.add(scope, "per-subject", p.PerSubject, limit{kind: bySubject})
	}
	if p.PerConsumer != nil {
		s.add(scope, "per-consumer", p.PerConsumer, limit{kind: byConsumer})
	}
	return s.done(cfg.Headers)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// maxLimits is the most limits of a stage: the groups and three others.
const maxLimits = maxGroups + 3

func (s *stage) add(scope, name string, from *Limit, l limit) {
	l.name, l.rate = name, newRate(from)
	keyed := l.kind != byGroup && l.kind != byNothing
	l.counter = s.counters.get(scope+"/"+s.name+"/"+name, keyed)
	l.exceeded = errors.New("limit " + name + " of " + scope + " is used up")
	s.limits = append(s.limits, l)
}

func (s *stage) done(h Headers) durward.Stage {
	if len(s.limits) == 0 {
		return nil
	}
	s.headers = newHeaders(h, s.limits)
	return s
}

// Name is "ratelimit" or "quota".
func (s *stage) Name() string { return s.name }

// Request counts the request, or refuses it with CodeRateLimited and a
// Retry-After field.
func (s *stage) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	now := s.counters.clock()
	var tightest *limit
	var least, leastTAT int64
	var charged [maxLimits]int64
	for i := range s.limits {
		l := &s.limits[i]
		key, applies := l.key(s.counters, x)
		if !applies {
			continue
		}
		tat, ok := l.counter.charge(&l.rate, key, now)
		if !ok {
			s.refund(x, charged[:i])
			return s.refuse(x, l, tat, now)
		}
		charged[i] = tat
		if left, _ := l.rate.state(tat, now); tightest == nil || left < least {
			tightest, least, leastTAT = l, left, tat
		}
	}
	if tightest != nil && !s.report {
		left, reset := tightest.rate.state(leastTAT, now)
		s.headers.add(x, tightest, left, seconds(reset))
	}
	return durward.Proceed()
}

// refund takes back the charges of the first limits.
func (s *stage) refund(x *durward.Exchange, charged []int64) {
	for i, tat := range charged {
		l := &s.limits[i]
		if key, applies := l.key(s.counters, x); applies {
			l.counter.refund(&l.rate, key, tat)
		}
	}
}

func (s *stage) refuse(x *durward.Exchange, l *limit, tat, now int64) durward.Decision {
	if !s.report {
		wait := max(seconds(l.rate.wait(tat, now)), 1)
		x.Extra.Add("Retry-After", decimal(wait))
		s.headers.add(x, l, 0, wait)
		x.Violated = append(x.Violated, l.name)
	}
	return durward.Refuse(durward.CodeRateLimited, l.exceeded)
}

// key gives the key that a request counts under, and whether the limit applies
// to it at all.
func (l *limit) key(c *Counters, x *durward.Exchange) (key uint64, applies bool) {
	p := &x.Principal
	switch l.kind {
	case byAddress:
		return c.hashRange(x.Client.Address, l.bits4, l.bits6), true
	case byGroup:
		for i := range l.ranges {
			if l.ranges[i].Contains(x.Client.Address) {
				return 0, true
			}
		}
		return 0, false
	case byNothing:
		return 0, true
	}
	switch {
	case !p.Known():
		return 0, false
	case l.kind == byConsumer && p.Consumer != "":
		return c.hashNames('c', p.Consumer, ""), true
	case l.kind == byCredential && p.Credential != "":
		return c.hashNames('k', p.Issuer, p.Credential), true
	case p.Subject != "":
		return c.hashNames('s', p.Issuer, p.Subject), true
	}
	// Known, but without any name: all such share one counter.
	return c.hashNames('n', p.Issuer, p.Method), true
}
