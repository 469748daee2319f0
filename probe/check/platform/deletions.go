// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"net/http"
	"slices"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// deletions looks for methods that delete without asking who calls: somebody
// whose DELETE is refused sends another method, and the owner looks whether the
// object is still there.
func deletions(ctx context.Context, env *check.Env, op *spec.Operation) error {
	reader := env.World.Reader(op)
	if reader == nil || reader.Path != op.Path || len(env.Users) == 0 {
		return nil
	}
	for _, owner := range env.Users[:min(len(env.Users), 3)] {
		d := &deletion{env: env, op: op, reader: reader, owner: owner}
		if !d.fresh(ctx) {
			if d.err != nil {
				return d.err
			}
			continue
		}
		other, ok := d.refused(ctx)
		if d.err != nil || !ok {
			return d.err
		}
		for _, method := range []string{"PURGE", "FOO", "delete"} {
			steps := d.gone(ctx, other, method)
			if d.err != nil {
				return d.err
			}
			if steps != nil {
				report(env, op, methodBypass, finding.Firm, "method."+method, method+" deletes an object for somebody whose DELETE is refused.", steps...)
				return nil
			}
		}
		return nil
	}
	return nil
}

// deletion is one object at a time that its owner can read and delete.
type deletion struct {
	env        *check.Env
	op, reader *spec.Operation
	owner      *identity.Identity
	call       *call.Call
	seen       *check.Exchange
	err        error
}

// fresh gets an object that its owner can read.
func (d *deletion) fresh(ctx context.Context) bool {
	c, err := d.env.World.Call(ctx, d.op, d.owner)
	if check.Fatal(ctx, err) {
		d.err = err
	}
	if err != nil {
		return false
	}
	d.call = c
	return d.there(ctx)
}

// there asks the owner whether the object is there.
func (d *deletion) there(ctx context.Context) bool {
	c := &call.Call{Op: d.reader, Path: d.call.Clone().Path}
	e, err := d.env.World.Send(ctx, c, d.owner)
	if check.Fatal(ctx, err) {
		d.err = err
	}
	if err != nil || e == nil || e.Answer == nil {
		return false
	}
	d.seen = e
	return e.Answer.OK()
}

// refused finds who may not delete the object, which then is still there: the
// last of the users who may not, or nobody.
func (d *deletion) refused(ctx context.Context) (*identity.Identity, bool) {
	others := append(slices.Clone(d.env.Users), nil)
	slices.Reverse(others)
	others = append(others[1:], others[0])
	for _, other := range others[:min(len(others), 4)] {
		if other == d.owner {
			continue
		}
		e, err := d.env.World.Send(ctx, d.call.Clone(), other)
		if check.Fatal(ctx, err) {
			d.err = err
			return nil, false
		}
		if err == nil && e.Answer.Status >= 400 && e.Answer.Status < 500 && d.there(ctx) {
			return other, true
		}
		if d.err != nil || !d.fresh(ctx) {
			return nil, false
		}
	}
	return nil, false
}

// gone sends another method, twice with an object each; it gives the steps when
// the objects are gone.
func (d *deletion) gone(ctx context.Context, other *identity.Identity, method string) []finding.Step {
	var steps []finding.Step
	for range 2 {
		if !d.there(ctx) && !d.fresh(ctx) {
			return nil
		}
		before := d.seen
		r, err := d.env.World.Request(ctx, d.call.Clone(), other)
		if err != nil {
			return nil
		}
		r.Method = method
		e, err := do(ctx, d.env, r)
		if err != nil {
			d.err = err
			return nil
		}
		if e == nil || e.Answer.Status == http.StatusMethodNotAllowed || e.Answer.Status == http.StatusNotImplemented || d.there(ctx) || d.err != nil ||
			d.seen.Answer.Status != http.StatusNotFound && d.seen.Answer.Status != http.StatusGone {
			return nil
		}
		steps = append(steps, d.env.Step("the owner reads it", before), d.env.Step("somebody who may not delete it sends "+method, e), d.env.Step("the owner reads it again", d.seen))
	}
	return steps
}
