// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package platform tests what a service is built on rather than what it does:
// whether another method is a way around the credential, TRACE, who may read
// answers from other origins (CORS, WebSocket), how the connection is protected,
// fields of the header, and what errors tell (OWASP API Security Top 10 2023,
// API8: security misconfiguration).
//
// A bypass is compared with the answer that the credential gets and with the one
// that nobody gets. Fields of the header are looked at in answers that were good.
// What is common and harmless by itself (a missing nosniff on JSON, a version in
// Server, any origin without credentials) is info: it counts for no exit code.
//
// Failure policy: an operation without a good answer is not judged by it.
package platform

import (
	"context"
	"math/rand/v2"
	"sync"

	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/spec"
)

// Checks are the family's: methods, origins, headers, errors, tls.
func Checks() []check.Check {
	said := &once{}
	fields := func(ctx context.Context, env *check.Env, op *spec.Operation) error { return fields(ctx, env, op, said) }
	origins := func(ctx context.Context, env *check.Env, op *spec.Operation) error {
		return origins(ctx, env, op, said)
	}
	return []check.Check{
		{Name: "methods", Kinds: []finding.Kind{methodBypass, overrideBypass, traceEnabled}, Operation: methods, API: trace},
		{Name: "origins", Kinds: []finding.Kind{corsAny, corsNull, corsWildcard, websocketOrigin}, Operation: origins},
		{Name: "headers", Kinds: []finding.Kind{sniffing, noHSTS, personalCacheable, versionShown}, Operation: fields},
		{Name: "errors", Kinds: []finding.Kind{verboseError}, Operation: malformed},
		{Name: "tls", Kinds: []finding.Kind{oldTLS, weakCipher, badCertificate}, API: transport},
	}
}

// once remembers, for one list of checks, what is said of a service as a whole:
// what each operation has alike is told at the first.
type once struct {
	mu   sync.Mutex
	said map[string]bool
}

func (o *once) first(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said[what] {
		return false
	}
	if o.said == nil {
		o.said = map[string]bool{}
	}
	o.said[what] = true
	return true
}

// word is a text of letters, by the run's seed.
func word(r *rand.Rand) string {
	const letters = "bcdfghjklmnpqrstvwxz"
	b := make([]byte, 8)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// report tells of a finding at an operation.
func report(env *check.Env, op *spec.Operation, k finding.Kind, c finding.Confidence, where, detail string, steps ...finding.Step) {
	f := finding.Finding{Kind: k, Severity: k.Severity, Confidence: c, Where: where, Detail: detail, Steps: steps}
	if op != nil {
		f.Operation, f.Method, f.Path = op.ID, op.Method, op.Path
	}
	env.Report(f)
}

// good gives an exchange of an operation that was answered well, by a user who
// is let in; nil where there is none. The error is a check.Fatal one.
func good(ctx context.Context, env *check.Env, op *spec.Operation) (*check.Exchange, error) {
	if env.ReadOnly && !check.Safe(op.Method) || check.EndsSession(op) {
		return nil, nil
	}
	_, e, err := check.Admitted(ctx, env, op)
	if err != nil || e == nil || e.Answer.Status >= 400 {
		return nil, err
	}
	return e, nil
}
