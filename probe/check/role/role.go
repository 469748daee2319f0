// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package role tests whether operations that are for some users only are done
// for others (OWASP API5:2023).
//
// Which operations those are is taken from the document (tags, path, summary,
// scopes) and from a configuration's promises where there are some. The control
// is the call of a user who may: others send the same.
package role

import (
	"context"
	"regexp"
	"slices"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/flow"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

var function = finding.Kind{
	ID: "function-access", Title: "A user calls an operation that is for others", CWE: 285, OWASP: "API5:2023", Severity: finding.High,
	Oracle: "The document or the configuration reserves the operation; a user who may not call it gets the same kind of answer as one who may, twice.",
	Fix:    "authorize:\n  roles: {admin: [deleteUser]}  # by the operation's id\n",
	Advice: "Decide by role or scope in each operation, before its work begins; hiding it is not enough.",
}

// Checks are the tests of this package.
func Checks() []check.Check {
	return []check.Check{{Name: "function-access", Kinds: []finding.Kind{function}, Writes: true, Operation: operation, API: steps}}
}

// The document's words for operations that are not for everybody.
var (
	pathWords = []string{"admin", "administrator", "administration", "internal", "backoffice", "superuser", "superadmin", "sysadmin", "root"}
	tagWords  = append(slices.Clone(pathWords), "staff", "manager", "management", "moderator", "operator", "supervisor", "privileged", "auditor")
	sentence  = regexp.MustCompile(`(?i)\b(for|by|to) (the |an? )?(admin|administrator|manager|moderator|staff|operator|supervisor|auditor)s?( only)?\s*([.;)]|$)|` +
		`\b(admin|administrator|manager|moderator|staff|operator)s? (only|role|rights?|privileges?|permissions?|access)\b|` +
		`\bonly (the |an? )?(admin|administrator|manager|moderator|operator)s?\b|\(admins?\)|\brequires? (an? |the )?(admin|administrator|manager)\b|` +
		`\b(an? |the )?(manager|moderator|administrator)s? (approves?|has|have|may|can|pays?|sets?)\b`)
)

// reserved tells whether the document reserves an operation for some users, and
// by what.
func reserved(op *spec.Operation) (by string, ok bool) {
	for _, w := range oracle.Words(&spec.Operation{Path: op.Path, ID: op.ID}) {
		if slices.Contains(pathWords, w) {
			return "its path or name", true
		}
	}
	for _, tag := range op.Tags {
		for _, w := range oracle.Words(&spec.Operation{Tags: []string{tag}}) {
			if slices.Contains(tagWords, w) {
				return "the tag " + tag, true
			}
		}
	}
	if sentence.MatchString(op.Summary) {
		return "its summary", true
	}
	return "", false
}

// lacksScopes tells that each alternative of an operation needs a scope that a
// user, whose scopes are known, does not have.
func lacksScopes(op *spec.Operation, as *identity.Identity) bool {
	if len(as.Scopes) == 0 || len(op.Security) == 0 {
		return false
	}
	for _, alternative := range op.Security {
		lacks := false
		for _, r := range alternative {
			for _, s := range r.Scopes {
				lacks = lacks || !slices.Contains(as.Scopes, s)
			}
		}
		if !lacks {
			return false
		}
	}
	return true
}

// denied tells whether a user should be refused, and says why.
func denied(env *check.Env, op *spec.Operation, as *identity.Identity) (why string, deny bool) {
	if env.Expect != nil {
		switch env.Expect.Operation(op, as) {
		case check.Deny:
			return "the configuration", true
		case check.Allow:
			return "", false
		}
	}
	if lacksScopes(op, as) {
		return "the scopes that the document demands", true
	}
	if oracle.Privileged(as) {
		return "", false
	}
	return reserved(op)
}

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !oracle.Safe(op.Method) {
		return nil
	}
	if needs, said := oracle.Secured(op); said && !needs {
		return nil
	}
	for _, as := range env.Users {
		why, deny := denied(env, op, as)
		if !deny {
			continue
		}
		found, err := try(ctx, env, op, as, why)
		if found || err != nil {
			return err
		}
	}
	return nil
}

// steps tests the steps of workflows, which can be done in one state only.
func steps(ctx context.Context, env *check.Env) error {
	if env.ReadOnly {
		return nil
	}
	return flow.Steps(ctx, env, func(op *spec.Operation, try flow.Trial) error {
		for _, as := range env.Users {
			why, deny := denied(env, op, as)
			if !deny {
				continue
			}
			e, done, err := try(as)
			if err != nil {
				return err
			}
			if done {
				oracle.Report(env, function, finding.Firm, op, "", as.Name+" does a step that "+why+" reserves for others.",
					env.Step(as.Name+", who should not, does it", e))
				return nil
			}
		}
		return nil
	})
}

// allowed are users who may call the operation.
func allowed(env *check.Env, op *spec.Operation) []*identity.Identity {
	var out []*identity.Identity
	for _, u := range env.Users {
		if _, deny := denied(env, op, u); !deny {
			out = append(out, u)
		}
	}
	return out
}

// try sends the call of somebody who may as somebody who may not.
func try(ctx context.Context, env *check.Env, op *spec.Operation, as *identity.Identity, why string) (bool, error) {
	users := allowed(env, op)
	if len(users) == 0 {
		return alone(ctx, env, op, as, why)
	}
	for _, high := range users {
		calls, err := callsOf(ctx, env, op, high, as)
		if err != nil {
			return false, err
		}
		for _, c := range calls {
			if found, err := compare(ctx, env, c, high, as, why); found || err != nil {
				return found, err
			}
		}
	}
	return false, nil
}

// alone is the test where no user is known who may: the operation's name must
// reserve it.
func alone(ctx context.Context, env *check.Env, op *spec.Operation, as *identity.Identity, why string) (bool, error) {
	c, err := env.World.Call(ctx, op, as)
	if err != nil {
		return false, ctx.Err()
	}
	e, err := oracle.Try(ctx, env, c, as)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	oracle.Report(env, function, finding.Firm, op, "", as.Name+" calls an operation that "+why+" reserves for others.",
		env.Step("a user who should not", e))
	return true, nil
}

func compare(ctx context.Context, env *check.Env, c *call.Call, high, as *identity.Identity, why string) (bool, error) {
	var control, e *check.Exchange
	var err error
	if oracle.Safe(c.Op.Method) {
		if control, err = env.World.Send(ctx, c, high); err != nil || !oracle.Accepted(control.Answer) {
			return false, err
		}
	}
	// What changes something is tried by the other first: done once, it may not
	// be done again.
	if e, err = oracle.Try(ctx, env, c, as); err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	if control == nil {
		if control, err = env.World.Good(ctx, c.Op, high); err != nil {
			control = nil
			if ctx.Err() != nil {
				return false, err
			}
		}
	}
	if control != nil && len(control.Answer.Body)+len(e.Answer.Body) > 0 &&
		!oracle.Alike(control.Answer.Body, e.Answer.Body) && !oracle.Same(control.Answer.Body, e.Answer.Body) {
		return false, nil
	}
	steps := []finding.Step{env.Step(as.Name+", who should not, calls it", e)}
	if control != nil {
		steps = append([]finding.Step{env.Step("control: "+high.Name+" calls it", control)}, steps...)
	}
	oracle.Report(env, function, finding.Firm, c.Op, "", as.Name+" calls an operation that "+why+" reserves for others.", steps...)
	return true, nil
}

// callsOf makes the calls to try: the one that the privileged user would make,
// and the same in places that both users see.
func callsOf(ctx context.Context, env *check.Env, op *spec.Operation, high, as *identity.Identity) ([]*call.Call, error) {
	c, err := env.World.Call(ctx, op, high)
	if err != nil {
		return nil, ctx.Err()
	}
	out := []*call.Call{c}
	if len(oracle.Parameters(op.Path)) < 2 {
		return out, nil
	}
	common, err := oracle.Common(ctx, env, op, high, as)
	if err != nil {
		return nil, err
	}
	for _, id := range common {
		moved, err := oracle.Rehome(ctx, env, c, id, high)
		if err != nil {
			return nil, err
		}
		if moved != nil {
			out = append(out, moved)
		}
	}
	return out, nil
}
