// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package policy holds a running API against the configuration that is said to
// guard it: every user makes every call, those on other users' objects
// included, and what becomes of it is compared with what the configuration
// promises. It runs only when a run has such a configuration.
package policy

import (
	"context"
	"fmt"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

var (
	notEnforced = finding.Kind{ID: "policy-not-enforced", Title: "A call that the configuration denies is answered", CWE: 863, OWASP: "API5:2023", Severity: finding.High,
		Oracle: "the configuration, compiled, refuses the very request that the service answered 2xx, twice",
		Fix:    "# the running gateway has another configuration, or callers get past it:\n# compare `durward show` with the file, and let the service take requests of the gateway only",
		Advice: "let nobody reach the service but through the gateway"}
	tooStrict = finding.Kind{ID: "policy-refuses-allowed", Title: "A call that the configuration allows is refused", CWE: 1220, OWASP: "API8:2023", Severity: finding.Low,
		Oracle: "the configuration, compiled, lets the very request pass that was answered 401 or 403, twice",
		Fix:    "# reload the running gateway: durward reload",
		Advice: "find out whether the service or an older configuration refuses it"}
)

// Check compares answers with what a configuration promises.
func Check() check.Check {
	return check.Check{Name: "policy", Kinds: []finding.Kind{notEnforced, tooStrict}, Operation: operation}
}

// maxUsers bounds the callers of one operation: pairs grow with their square.
const maxUsers = 6

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.Expect == nil || env.ReadOnly && op.Method != "GET" && op.Method != "HEAD" {
		return nil
	}
	users := env.Users
	if len(users) > maxUsers {
		users = users[:maxUsers]
	}
	for _, owner := range users {
		for _, caller := range append(users[:len(users):len(users)], nil) {
			// A call of its own for each, for one may use its object up.
			c, err := env.World.Call(ctx, op, owner)
			if err != nil {
				break // nothing is known that owner could do here
			}
			if err := try(ctx, env, op, c, owner, caller); err != nil {
				return err
			}
		}
	}
	return nil
}

// try makes a call that was made for owner as caller, and once more when the
// answer is not as promised.
func try(ctx context.Context, env *check.Env, op *spec.Operation, c *call.Call, owner, caller *identity.Identity) error {
	r, err := env.World.Request(ctx, c, caller)
	if err != nil {
		return err
	}
	promised, why := env.Expect.Request(ctx, r, caller)
	if promised == check.Unknown {
		return nil
	}
	var steps []finding.Step
	for range 2 {
		e, err := env.World.Send(ctx, c, caller)
		if err != nil {
			return err
		}
		if !broken(promised, e.Answer.Status) {
			return nil
		}
		steps = append(steps, env.Step(fmt.Sprintf("%s calls on what is %s's", name(caller), name(owner)), e))
		if promised == check.Deny && op.Method != "GET" && op.Method != "HEAD" {
			break // it was done; again it may be refused because it was done
		}
	}
	f := finding.Finding{Kind: notEnforced, Severity: notEnforced.Severity, Confidence: finding.Certain, Operation: op.ID, Method: op.Method, Path: op.Path,
		Where: name(caller), Detail: fmt.Sprintf("the configuration says of %s's call: %s", name(caller), why), Steps: steps}
	if promised == check.Allow {
		f.Kind, f.Severity, f.Confidence = tooStrict, tooStrict.Severity, finding.Firm
		f.Detail = fmt.Sprintf("the configuration lets %s's call pass", name(caller))
	}
	env.Report(f)
	return nil
}

func broken(promised check.Verdict, status int) bool {
	if promised == check.Deny {
		return status >= 200 && status < 300
	}
	return status == 401 || status == 403
}

func name(as *identity.Identity) string {
	if as == nil {
		return "nobody"
	}
	return as.Name
}
