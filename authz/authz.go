// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authz decides what an authenticated caller may do. Rules are Cedar
// policies (https://docs.cedarpolicy.com); roles and scopes per operation (NIST
// RBAC; OAuth 2.0 scopes, RFC 6749 section 3.3) and "owner only" are short
// forms that compile to such policies. A forbid that matches wins, no match
// denies, and an operation that nothing permits does not load unless it is
// declared public: OWASP API5:2023, broken function level authorization, is
// mostly a forgotten rule, and API1:2023, broken object level authorization, a
// rule that asks nobody whose the object is.
//
// Policies are held against a schema made of the contract when they load, and
// sorted by operation, so that a decision looks only at those that can match.
//
// Failure policy: a forbid that cannot be decided refuses, where Cedar would
// pass it over; a permit that cannot be decided permits nothing. A value that a
// policy reads and that has more than one reading refuses the request. When a
// directory cannot be asked the stage fails, which refuses unless on_error says
// otherwise.
//
// State kept: what package directory keeps.
package authz

import (
	"context"
	"errors"
	"fmt"

	"durward"
)

var (
	errNobody   = errors.New("nobody was authenticated")
	errNoRole   = errors.New("the caller has none of the roles that the operation needs")
	errNoScope  = errors.New("the credential has none of the scopes that the operation needs")
	errNoPermit = errors.New("no policy permits it")
)

// New makes the stage of one operation from the short forms alone; nil when
// the operation is public. An operation that no rule covers is an error: deny by
// default is said at load, not found out by a caller. Rules that need the
// contract (policies, objects, owner) are an error: they are Compile's.
func New(cfg *Config, op *durward.Operation, public bool) (durward.Stage, error) {
	if public {
		return nil, nil
	}
	if len(cfg.Policies) > 0 || len(cfg.Objects) > 0 || len(cfg.Owner) > 0 {
		return nil, durward.Invalid("", "policies, objects and owner need the contract")
	}
	api := API{Name: op.API, Operations: []Operation{{ID: op.ID, Method: op.Method}}}
	for _, id := range cfg.Named() {
		if id != op.ID {
			api.Operations = append(api.Operations, Operation{ID: id})
		}
	}
	c, err := Compile(cfg, api, nil)
	if err != nil {
		return nil, err
	}
	return c.Stage(op.ID), nil
}

// Stage is the stage in front of the contract check: it decides by all that is
// not content. Where a policy of the operation reads the content, it refuses
// only what no content could let through, and Content decides. nil when the
// operation is public.
func (c *Compiled) Stage(operation string) durward.Stage { return c.stage(operation, false) }

// Content is the stage behind the contract check: it decides by all policies
// of an operation of which some read the content; nil for others.
func (c *Compiled) Content(operation string) durward.Stage {
	if s := c.slices[operation]; s == nil || !s.late {
		return nil
	}
	return c.stage(operation, true)
}

func (c *Compiled) stage(operation string, content bool) durward.Stage {
	if c.public[operation] {
		return nil
	}
	s := c.slices[operation]
	if s == nil {
		return refuseAll{}
	}
	name := "authz"
	if content {
		name = "authz_content"
	}
	return &stage{slice: s, name: name, content: content}
}

// refuseAll stands for an operation that the rules were not compiled for.
type refuseAll struct{}

func (refuseAll) Name() string { return "authz" }
func (refuseAll) Request(context.Context, *durward.Exchange) durward.Decision {
	return durward.Refuse(durward.CodeForbidden, errNoPermit)
}

type stage struct {
	*slice
	name    string
	content bool
}

func (s *stage) Name() string { return s.name }

// Request refuses with CodeForbidden when a policy forbids or none permits.
// Nobody is an authentication matter, so it gets CodeUnauthenticated.
func (s *stage) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	if !x.Principal.Known() {
		return durward.Refuse(durward.CodeUnauthenticated, errNobody)
	}
	r := acquire(ctx, x, s.slice)
	defer r.release()
	if s.late && !s.content {
		return r.early()
	}
	d := r.final(s.content)
	if would := r.report(); would != nil && d.Verdict == durward.Allow {
		return durward.Decision{Verdict: durward.Deny, Code: durward.CodeForbidden, Reported: true, Err: would}
	}
	return d
}

// early refuses what the content cannot change: a forbid that matches without
// it, or no permit that matches and none that reads the content.
func (r *request) early() durward.Decision {
	if d, stop := r.forbidden(false); stop {
		return d
	}
	for i := range r.permits.list {
		if r.permits.list[i].late {
			return durward.Proceed()
		}
	}
	r.candidates = r.permits.candidates(&r.env, r.candidates)
	for _, i := range r.candidates {
		if holds, _ := r.permits.list[i].Run(&r.env); holds && !(r.fault != nil && r.permits.list[i].asks) {
			return durward.Proceed()
		} else if r.fault != nil && !r.away {
			return *r.fault
		}
	}
	return r.nothing()
}

// final decides by all policies.
func (r *request) final(content bool) durward.Decision {
	if d, stop := r.forbidden(content); stop {
		return d
	}
	r.candidates = r.permits.candidates(&r.env, r.candidates)
	for _, i := range r.candidates {
		p := &r.permits.list[i]
		holds, _ := p.Run(&r.env)
		// What could not be looked up must not look like what is not there.
		if holds && !(r.fault != nil && p.asks) {
			r.x.Policies = append(r.x.Policies, p.label)
			return durward.Proceed()
		}
		// A parameter that cannot be read may not depend on the order of
		// policies; a directory that is away may matter to this one only.
		if r.fault != nil && !r.away {
			return *r.fault
		}
	}
	return r.nothing()
}

func (r *request) forbidden(content bool) (d durward.Decision, stop bool) {
	r.candidates = r.forbids.candidates(&r.env, r.candidates)
	for _, i := range r.candidates {
		p := &r.forbids.list[i]
		if p.late && !content {
			continue
		}
		holds, failure := p.Run(&r.env)
		switch {
		case holds:
			r.x.Policies = append(r.x.Policies, p.label)
			return durward.Refuse(durward.CodeForbidden, p.denied), true
		case r.fault != nil:
			return *r.fault, true
		case failure != "":
			r.x.Policies = append(r.x.Policies, p.label)
			return durward.Refuse(durward.CodeForbidden, fmt.Errorf("%s could not be decided: %s", p.label, failure)), true
		}
	}
	return d, false
}

// nothing refuses because no policy permits, and says what was missing.
func (r *request) nothing() durward.Decision {
	p := &r.x.Principal
	switch {
	case r.fault != nil:
		return *r.fault
	case len(r.roles) > 0 && !overlap(r.roles, p.Roles):
		return durward.Refuse(durward.CodeForbidden, errNoRole)
	case len(r.scopes) > 0 && !overlap(r.scopes, p.Scopes):
		return durward.Refuse(durward.CodeForbidden, errNoScope)
	}
	return durward.Refuse(durward.CodeForbidden, errNoPermit)
}

// report names the policies in report mode that would have had a say.
func (r *request) report() (would error) {
	r.candidates = r.reports.candidates(&r.env, r.candidates)
	for _, i := range r.candidates {
		p := &r.reports.list[i]
		if holds, failure := p.Run(&r.env); holds || failure != "" && p.Forbid {
			r.x.Policies = append(r.x.Policies, p.would)
			if p.Forbid && would == nil {
				would = p.denied
			}
		}
	}
	return would
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
