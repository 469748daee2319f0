// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package limits tests what one caller may use up: tries of a password, items of
// a page, the time that a text takes to be looked at, what content unpacks to
// (OWASP API Security Top 10 2023, API4: unrestricted resource consumption, and
// API2 for logins).
//
// Everything is bounded: 30 failed logins, numbers that ask for 100,000 items
// once or twice, 12 MiB that are sent as a few kilobytes. An oracle compares with
// what a small value costs and repeats; one slow answer is no finding. Tests of
// logins come last in a run, since they may lock a user out, and they use a name
// that does not exist before one that does.
//
// Failure policy: an operation whose unchanged call is not answered well is not
// judged.
package limits

import (
	"context"
	"net/http"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Checks are the family's: consumption, then logins.
func Checks() []check.Check {
	return []check.Check{
		{Name: "consumption", Kinds: []finding.Kind{pageUnbounded, slowInput, inflateUnbounded, deepFails, noRateLimit}, Operation: consumption, API: burst},
		{Name: "login-limits", Kinds: []finding.Kind{loginUnlimited, userEnumeration}, Writes: true, Operation: logins},
	}
}

// target is one operation with a call that is answered well.
type target struct {
	env  *check.Env
	op   *spec.Operation
	as   *identity.Identity
	base *call.Call
	good *check.Exchange
	err  error // no further request can be made
}

// consumption tests what a call of one operation may use up.
func consumption(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !check.Safe(op.Method) || check.EndsSession(op) || op.Method == http.MethodDelete {
		return nil
	}
	as, e, err := check.Admitted(ctx, env, op)
	if err != nil || e == nil || e.Answer.Status >= 400 {
		return err
	}
	if _, secret := secretPlace(e.Call); secret && authenticates(op) {
		return nil // failed logins have a test of their own, which comes last
	}
	t := &target{env: env, op: op, as: as, base: e.Call, good: e}
	for _, test := range []func(context.Context){t.pages, t.slow, t.inflate, t.deep} {
		if test(ctx); t.err != nil {
			return t.err
		}
	}
	return nil
}

// send sends the call with a value at a place; nil where no answer came.
func (t *target) send(ctx context.Context, at call.Place, v any) *check.Exchange {
	if t.err != nil {
		return nil
	}
	c := t.base.Clone()
	c.Set(at, v)
	e, err := t.env.World.Send(ctx, c, t.as)
	return t.answered(ctx, e, err)
}

// request sends the call after its bytes were changed.
func (t *target) request(ctx context.Context, change func(*client.Request)) *check.Exchange {
	if t.err != nil {
		return nil
	}
	r, err := t.env.World.Request(ctx, t.base.Clone(), t.as)
	if err != nil {
		return nil
	}
	change(r)
	e, err := t.env.World.Do(ctx, r)
	return t.answered(ctx, e, err)
}

func (t *target) answered(ctx context.Context, e *check.Exchange, err error) *check.Exchange {
	if check.Fatal(ctx, err) {
		t.err = err
	}
	if err != nil || e == nil || e.Answer == nil || e.Answer.Status == http.StatusTooManyRequests {
		return nil
	}
	return e
}

// report tells of a finding; the unchanged call is its first step.
func (t *target) report(k finding.Kind, c finding.Confidence, where, detail string, steps ...finding.Step) {
	t.env.Report(finding.Finding{
		Kind: k, Severity: k.Severity, Confidence: c, Operation: t.op.ID, Method: t.op.Method, Path: t.op.Path, Where: where, Detail: detail,
		Steps: append([]finding.Step{t.env.Step("control: the call as it should be", t.good)}, steps...),
	})
}

func fastest(all []*check.Exchange) time.Duration {
	d := all[0].Answer.Took
	for _, e := range all {
		d = min(d, e.Answer.Took)
	}
	return d
}

func slowest(all []*check.Exchange) time.Duration {
	var d time.Duration
	for _, e := range all {
		d = max(d, e.Answer.Took)
	}
	return d
}
