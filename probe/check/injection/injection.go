// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package injection tests whether what a caller sends is taken for more than a
// value: SQL, a document store's or a directory's filter, XPath, a shell's line, a
// template, a file's path, an address to fetch, XML entities, a header field's
// line, markup, a redirect's target (OWASP API Security Top 10 2023, API7 and
// API8; CWE-74 and below).
//
// An oracle never looks for its own text in an answer. It looks for what only an
// interpreter would have made of it (a product of numbers, the content of a file,
// a request to the run's own listener), or for a difference between what is true
// and what is false, or between the times that were asked for; it compares with
// answers to the unchanged call, and repeats with other numbers before it
// reports. Volatile parts of answers are learned from repeating the unchanged
// call (package compare).
//
// Requests for each place are bounded, cheap tests come first, and a place that
// was found to be open to one language is not tried with its relatives. On
// methods that change or delete, no condition is sent that would widen what they
// act on ("OR true"), unless the run is destructive.
//
// Failure policy: where no call of an operation is known, nothing is reported of
// it. State is kept for one operation at a time.
package injection

import (
	"context"
	"time"

	"durward/probe/check"
	"durward/probe/spec"
)

// Check is the family.
func Check() check.Check {
	return check.Check{
		Name: "injection", Kinds: kinds(),
		Operation: operation,
	}
}

// operation tests all places of one operation.
func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !check.Safe(op.Method) {
		return nil
	}
	t, err := prepare(ctx, env, op)
	if err != nil || t == nil {
		return err
	}
	if !t.once {
		for _, p := range t.places() {
			p.all(ctx)
			if t.err != nil {
				return t.err
			}
		}
	}
	t.entities(ctx)
	t.stored(ctx)
	t.folders(ctx)
	return t.err
}

// all runs the tests of one place, the cheap and certain ones first.
func (p *place) all(ctx context.Context) {
	if p.text() {
		for _, test := range []func(context.Context){p.markup, p.lines, p.redirect, p.request} {
			test(ctx)
		}
	}
	p.operators(ctx)
	p.sql(ctx)
	if p.text() && !p.interpreted() {
		for _, test := range []func(context.Context){p.directory, p.xpath, p.template, p.shell, p.file} {
			test(ctx)
		}
	}
	if !p.interpreted() {
		p.sqlTime(ctx)
	}
	if p.text() && !p.interpreted() {
		p.shellTime(ctx)
	}
	p.requested(ctx)
}

// slowest is the longest time that an unchanged call took.
func slowest(of []*check.Exchange) time.Duration {
	var d time.Duration
	for _, e := range of {
		d = max(d, e.Answer.Took)
	}
	return d
}
