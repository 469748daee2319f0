// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fuzz sends values that nobody wrote down: what schemas allow at its
// edges, what they forbid, and bytes that are no text, several at once. It looks
// for errors of the service (class 5), requests that get no answer, and
// connections that break off.
//
// What fails is sent again; the valid call must work before and after it. Then
// it is shrunk to the smallest request that still fails. Slow answers alone are
// no finding: a machine may be busy. The cases of an operation depend on the
// seed alone.
package fuzz

import (
	"context"
	"errors"
	"net/http"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/tamper"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/gen"
	"durward/probe/identity"
	"durward/probe/spec"
)

// NoAnswer is what the package finds besides tamper.UnhandledError.
var NoAnswer = finding.Kind{
	ID: "input-without-answer", Title: "Some input gets no answer", CWE: 400, OWASP: "API4:2023", Severity: finding.Low,
	Oracle: "The valid call is answered, the changed one ends twice without an answer (time-out, or the connection breaks off), and the valid one is answered after it.",
	Fix:    "validation: {mode: enforce}\nupstream: {timeout: 10s}",
	Advice: "Look for the request in the service's log: a worker hangs or ends on it. Bound the time of one request.",
}

// Check sends generated input.
func Check() check.Check {
	return check.Check{Name: "fuzz", Kinds: []finding.Kind{tamper.UnhandledError, NoAnswer}, Operation: operation}
}

// Bounds of one operation.
const (
	maxCases  = 40
	maxFound  = 1
	maxShrink = 40 // requests to make one failing request smaller
	maxLost   = 1  // requests without an answer: each may cost the time-out
)

type fuzzer struct {
	ctx  context.Context
	env  *check.Env
	op   *spec.Operation
	as   *identity.Identity
	good *check.Exchange
	// stop is an error that ends the check, kept for callbacks.
	stop  error
	login bool
	found int
	lost  int
	// throttled counts answers of 429.
	throttled int
}

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !check.Safe(op.Method) || check.EndsSession(op) || op.Method == "DELETE" {
		return nil
	}
	as, good, err := tamper.Control(ctx, env, op)
	if err != nil || good == nil || len(good.Call.Places()) == 0 {
		return err
	}
	f := &fuzzer{ctx: ctx, env: env, op: op, as: as, good: good, login: tamper.IsLogin(op)}
	cases := min(maxCases, 10+4*len(good.Call.Places()))
	if f.login {
		cases /= 2
	}
	edges := Edges(env.Rand, good.Call)
	for i := range cases {
		base, err := f.base()
		if err != nil || base == nil {
			return err
		}
		c, ok := base, false
		if i < len(edges) && i%4 != 3 {
			c, ok = edges[i].Apply(base)
		}
		if !ok {
			c = Case(env.Rand, base)
		}
		if f.login {
			c = tamper.Shield(c, call.Place{})
		}
		if e, bad := f.fails(c); bad {
			if err := f.tell(base, c, e); err != nil {
				return err
			}
		}
		if f.stop != nil || f.found >= maxFound || f.lost >= maxLost || f.throttled >= tamper.MaxThrottled {
			break
		}
	}
	if f.stop == nil && (op.Method == "PUT" || op.Method == "PATCH") {
		f.fails(good.Call) // puts the object back as it was
	}
	return f.stop
}

// base is a valid call, another one each time for what makes something.
func (f *fuzzer) base() (*call.Call, error) {
	if f.op.Method != "POST" {
		return f.good.Call, nil
	}
	c, err := f.env.World.Call(f.ctx, f.op, f.as)
	if check.Fatal(f.ctx, err) {
		return nil, err
	}
	if err != nil {
		return nil, nil //nolint:nilerr // the world does not know how any more
	}
	return c, nil
}

// fails sends a call; the exchange has no answer where none came.
func (f *fuzzer) fails(c *call.Call) (*check.Exchange, bool) {
	e, err := tamper.Send(f.ctx, f.env, c, f.as, f.login)
	switch {
	case check.Fatal(f.ctx, err):
		f.stop = err
		return nil, false
	case err != nil:
		var none *client.Error
		if !errors.As(err, &none) || none.Op == "dial" {
			return nil, false
		}
		r, err := f.env.World.Request(f.ctx, c, f.as)
		if err != nil {
			return nil, false
		}
		return &check.Exchange{Call: c, As: f.as, Request: r}, true
	case e == nil || e.Answer == nil:
		return nil, false
	}
	if e.Answer.Status == http.StatusTooManyRequests {
		f.throttled++
	}
	return e, tamper.Crash(e.Answer.Status)
}

// tell confirms a failure, shrinks it and reports what is left.
func (f *fuzzer) tell(base, c *call.Call, first *check.Exchange) error {
	if first.Answer == nil {
		f.lost++
	}
	again, bad := f.fails(c)
	if f.stop != nil || !bad || (again.Answer == nil) != (first.Answer == nil) {
		return f.stop
	}
	steps := maxShrink
	if first.Answer == nil {
		steps = 2 // each may take as long as the time-out
	}
	last := again
	small, _ := gen.Shrink(c, func(d *call.Call) bool {
		if f.stop != nil {
			return false
		}
		e, bad := f.fails(d)
		if bad && (e.Answer == nil) == (first.Answer == nil) {
			last = e
			return true
		}
		return false
	}, steps)
	if f.stop != nil {
		return f.stop
	}
	control, err := f.control()
	if err != nil {
		return err
	}
	f.found++
	f.report(base, small, first, last, control)
	return nil
}

func (f *fuzzer) control() (*check.Exchange, error) {
	c, err := f.base()
	if err != nil || c == nil {
		return nil, err
	}
	e, _ := f.fails(c)
	return e, f.stop
}

func (f *fuzzer) report(base, small *call.Call, first, last, control *check.Exchange) {
	kind, what := tamper.UnhandledError, "ends in an error of the service"
	if last.Answer == nil {
		kind, what = NoAnswer, "gets no answer"
	}
	where := Different(base, small)
	out := finding.Finding{Kind: kind, Severity: kind.Severity, Confidence: finding.Firm, Operation: f.op.ID, Method: f.op.Method, Path: f.op.Path, Where: where,
		Detail: "The smallest request that was found " + what + "; it differs from a valid one at " + where + shown(small, where) + ".",
		Steps:  []finding.Step{f.env.Step("control: the valid call", f.good), f.env.Step("the request that failed first", first)}}
	if control == nil || control.Answer == nil || !control.Answer.OK() {
		out.Confidence = finding.Tentative
	} else {
		out.Steps = append(out.Steps, f.env.Step("control: the valid call still works", control))
	}
	out.Steps = append(out.Steps, f.env.Step("the smallest request that fails", last))
	switch {
	case tamper.Exotic(last.Request):
		out.Severity = finding.Info
	case Allowed(small):
		out.Severity = finding.Low
		out.Detail += " The document allows it."
	}
	f.env.Report(out)
}
