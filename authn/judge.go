// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"math/bits"
	"net/netip"
	"slices"

	"durward"
)

// judged remembers what a slot's authenticator said, so that alternatives that
// share one do not ask twice.
type judged struct {
	slots      [maxDemands + 1]int
	principals [maxDemands + 1]durward.Principal
	n          int
}

func (j *judged) of(slot int) *durward.Principal {
	for i := range j.n {
		if j.slots[i] == slot {
			return &j.principals[i]
		}
	}
	return nil
}

// judge gives the principal of the first alternative whose credentials are
// those of the request and all good. A bad one ends the search: it never falls
// through to another alternative. bad is its slot, or -1.
func (s *stage) judge(ctx context.Context, x *durward.Exchange, present uint32) (durward.Principal, int, error) {
	if len(s.alternatives) == 1 && len(s.alternatives[0].entries) == 1 && present == s.alternatives[0].slots {
		a := &s.alternatives[0]
		p, err := s.ask(ctx, x, a.entries[0])
		if err == nil && !hasAll(p.Scopes, a.entries[0].scopes) {
			err = &durward.Forbidden{Err: errScope}
		}
		return p, a.entries[0].slot, err
	}
	return s.judgeSeveral(ctx, x, present)
}

// judgeSeveral is judge where there are alternatives. As for authenticate, its
// part of the stack is its own.
//
//go:noinline
func (s *stage) judgeSeveral(ctx context.Context, x *durward.Exchange, present uint32) (durward.Principal, int, error) {
	var j judged
	var why error
	short := false // all good, but for scopes
	for i := range s.alternatives {
		a := &s.alternatives[i]
		if a.slots != present || !s.onConnection(x, a.ambient) {
			continue
		}
		good, scoped := true, true
		for _, e := range a.entries {
			p := j.of(e.slot)
			if p == nil {
				one, err := s.slots[e.slot].Authenticate(ctx, x)
				if err = settled(&one, err); err != nil {
					return durward.Principal{}, e.slot, err
				}
				j.slots[j.n], j.principals[j.n] = e.slot, one
				p = &j.principals[j.n]
				j.n++
			}
			if why = s.elsewhere(x, e, p); why != nil {
				good = false
				break
			}
			// Of this credential: those of another one say nothing of it.
			scoped = scoped && hasAll(p.Scopes, e.scopes)
		}
		switch {
		case !good:
		case !scoped:
			short = true
		default:
			return s.join(&j, a), -1, s.admitAll(&j, a, x.Client.Address)
		}
	}
	switch {
	case short:
		why = &durward.Forbidden{Err: errScope}
	case why != nil:
	case present == 0:
		why = errNoCredential
	case bits.OnesCount32(present) > 1:
		why = errTwo
	default:
		why = errCombination
	}
	return durward.Principal{}, -1, why
}

// ask lets one authenticator decide for one entry.
func (s *stage) ask(ctx context.Context, x *durward.Exchange, e entry) (durward.Principal, error) {
	p, err := s.slots[e.slot].Authenticate(ctx, x)
	if err = settled(&p, err); err == nil {
		err = s.elsewhere(x, e, &p)
	}
	return p, err
}

// elsewhere tells that a good credential is of an issuer, or in a place, that
// the entry does not take.
func (s *stage) elsewhere(x *durward.Exchange, e entry, p *durward.Principal) error {
	if e.issuer != "" && p.Issuer != e.issuer {
		return errElsewhere
	}
	if e.in != "" {
		if k, ok := s.slots[e.slot].authenticator.(*keyAuth); !ok || k.in(x) != e.in {
			return errPlace
		}
	}
	return nil
}

// settled makes an answer that names nobody a refusal: a forgotten return
// never lets anybody in.
func settled(p *durward.Principal, err error) error {
	if err == nil && !p.Known() {
		return errNoCredential
	}
	return err
}

func (s *stage) onConnection(x *durward.Exchange, ambient uint32) bool {
	for ; ambient != 0; ambient &= ambient - 1 {
		if s.slots[bits.TrailingZeros32(ambient)].Present(x) == 0 {
			return false
		}
	}
	return true
}

// join makes one principal of those of an alternative. The first that stands
// in the request itself says who calls; the others add what it leaves open.
func (s *stage) join(j *judged, a *alternative) durward.Principal {
	first := 0
	for i, e := range a.entries {
		if !s.slots[e.slot].ambient {
			first = i
			break
		}
	}
	p := *j.of(a.entries[first].slot)
	for i, e := range a.entries {
		if i == first {
			continue
		}
		other := j.of(e.slot)
		p.Method += "+" + other.Method
		if p.Consumer == "" {
			p.Consumer = other.Consumer
		}
		if p.Plan == "" {
			p.Plan = other.Plan
		}
		if p.Bound == "" {
			p.Bound = other.Bound
		}
		if p.Certificate == nil {
			p.Certificate, p.CertificateChain = other.Certificate, other.CertificateChain
		}
		if p.Restrictions == nil {
			p.Restrictions = other.Restrictions
		}
		if !other.Expires.IsZero() && (p.Expires.IsZero() || other.Expires.Before(p.Expires)) {
			p.Expires = other.Expires
		}
	}
	return p
}

// admitAll holds each of the callers of an alternative against the store: the
// rules of a consumer hold for its credential also where that stands second.
// What one consumer borrowed of another is no second proof of who calls.
func (s *stage) admitAll(j *judged, a *alternative, from netip.Addr) error {
	consumer := ""
	for _, e := range a.entries {
		p := *j.of(e.slot) // a plan that it finds is the joined principal's affair
		known, err := s.admit(&p, from)
		switch {
		case err != nil:
			return err
		case !known:
		case consumer != "" && consumer != p.Consumer:
			return errTwoConsumers
		default:
			consumer = p.Consumer
		}
	}
	return nil
}

func hasAll(have, want []string) bool {
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}
