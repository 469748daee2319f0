// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package flow tests whether things can be done out of order, or more often than
// is meant (OWASP API6:2023): steps of a workflow that are left out, one's own
// approval, votes and vouchers that count twice.
//
// The order is taken from the document: the enumeration of the state, and the
// actions below the object. The control is the whole way in its order.
package flow

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

const owasp = "API6:2023"

var (
	skipped = finding.Kind{
		ID: "flow-step-skipped", Title: "A step of a workflow can be left out", CWE: 841, OWASP: owasp, Severity: finding.High,
		Oracle: "A fresh object goes through all steps but one; the step after that is done all the same, and the object's state says so.",
		Advice: "Let each step ask for the state before it, in the same transaction.",
	}
	ownApproval = finding.Kind{
		ID: "flow-own-approval", Title: "Somebody approves what is their own", CWE: 840, OWASP: owasp, Severity: finding.High,
		Oracle: "A user who approves what others made makes an object and approves it; the state says so. It is firm where the document says that another person approves.",
		Advice: "Refuse approvals by the person who made the object.",
	}
	repeated = finding.Kind{
		ID: "flow-repeated", Title: "What is meant to count once counts again", CWE: 799, OWASP: owasp, Severity: finding.Medium,
		Oracle: "The same user sends the same call twice; both are done, and a number grows twice, or the document says that it is done once.",
		Advice: "Keep who did it, under a unique key, and refuse the second.",
	}
)

// Checks are the tests of this package.
func Checks() []check.Check {
	return []check.Check{{Name: "business-flow", Kinds: []finding.Kind{skipped, ownApproval, repeated}, Writes: true,
		Operation: operation, API: workflows}}
}

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly || op.Method != http.MethodPost || !once(op) {
		return nil
	}
	return repeat(ctx, env, op)
}

// ordinary are the users who may least, first.
func ordinary(users []*identity.Identity) []*identity.Identity {
	out := slices.Clone(users)
	slices.SortStableFunc(out, func(a, b *identity.Identity) int {
		x, y := oracle.Privileged(a), oracle.Privileged(b)
		switch {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return out
}

// onceWords are actions that somebody does once to one thing.
var onceWords = []string{"vote", "upvote", "downvote", "like", "redeem", "redemption", "coupon", "voucher", "report", "rate", "checkin", "referral",
	"bonus", "refund", "claim", "star", "rsvp", "enroll", "apply-coupon", "applycoupon", "verify"}

// once tells that an operation's work is meant to count once.
func once(op *spec.Operation) bool {
	if says(op) {
		return true
	}
	last := op.Path[strings.LastIndexByte(op.Path, '/')+1:]
	if !strings.Contains(op.Path, "{") && !strings.Contains(strings.Trim(op.Path, "/"), "/") {
		return false // a collection of such things
	}
	return slices.ContainsFunc(oracle.Words(&spec.Operation{Path: last}), func(w string) bool { return slices.Contains(onceWords, w) })
}

// says tells that the document says so.
func says(op *spec.Operation) bool {
	text := strings.ToLower(op.Summary)
	return strings.Contains(strings.ReplaceAll(text, "at once", ""), " once") || strings.Contains(text, "one time") || strings.Contains(text, "single use") || strings.Contains(text, "only one vote")
}

// repeat sends one call twice.
func repeat(ctx context.Context, env *check.Env, op *spec.Operation) error {
	for _, as := range ordinary(env.Users) {
		c, first, err := done(ctx, env, op, as)
		if err != nil {
			return err
		}
		if first == nil {
			continue
		}
		between := see(ctx, env, c, as)
		second, err := oracle.Try(ctx, env, c, as)
		if err != nil || !oracle.Accepted(second.Answer) {
			return err
		}
		after := see(ctx, env, c, as)
		member := grown(first, second)
		if member == "" {
			member = grown(between, after)
		}
		if member == "" && !says(op) && op.Answers["409"] == nil {
			return nil
		}
		detail := "The same call of the same user is done twice."
		if member != "" {
			detail = "The same call of the same user counts twice: " + member + " grows each time."
		}
		oracle.Report(env, repeated, finding.Firm, op, "", detail, env.Step("the first time", first), env.Step("the second time", second))
		return nil
	}
	return nil
}

// done makes a call that is answered well for the first time.
func done(ctx context.Context, env *check.Env, op *spec.Operation, as *identity.Identity) (*call.Call, *check.Exchange, error) {
	c, err := env.World.Call(ctx, op, as)
	if err != nil {
		return nil, nil, ctx.Err()
	}
	for range 2 {
		e, err := env.World.Send(ctx, c, as)
		if err != nil {
			return nil, nil, err
		}
		if oracle.Accepted(e.Answer) {
			return c, e, nil
		}
		if c, err = supply(ctx, env, c); c == nil || err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, nil
}

// supply makes a thing of the collection that stands before an action, and takes
// what the action's body needs from it: a voucher's code for its redemption.
func supply(ctx context.Context, env *check.Env, c *call.Call) (*call.Call, error) {
	body, ok := c.Body.(map[string]any)
	if !ok || strings.Contains(c.Op.Path, "{") {
		return nil, nil
	}
	parent := c.Op.Path[:strings.LastIndexByte(c.Op.Path, '/')]
	for _, op := range env.API.Operations {
		if op.Method != http.MethodPost || op.Path != parent {
			continue
		}
		for _, u := range env.Users {
			mc, err := env.World.Call(ctx, op, u)
			if err != nil {
				continue
			}
			e, err := env.World.Send(ctx, mc, u)
			if err != nil {
				return nil, err
			}
			if !oracle.Accepted(e.Answer) {
				continue
			}
			for _, m := range oracle.Items(e.Answer.Body) {
				next, took := c.Clone(), false
				for name := range body {
					if v, has := m[name]; has {
						took = next.Set(call.Place{In: "body", Name: call.Member("", name)}, v)
					}
				}
				if took {
					return next, nil
				}
			}
		}
	}
	return nil, nil
}

// see is what the reader of what a call acts on shows; nil where nothing does.
func see(ctx context.Context, env *check.Env, c *call.Call, as *identity.Identity) *check.Exchange {
	reader := oracle.Reader(env.API, c.Op)
	if reader == nil || reader == c.Op || strings.Count(reader.Path, "{") > strings.Count(c.Op.Path, "{") {
		return nil
	}
	look := &call.Call{Op: reader}
	theirs := oracle.Parameters(c.Op.Path)
	for i, name := range oracle.Parameters(reader.Path) {
		look.Path = append(look.Path, call.Value{Name: name, Value: oracle.PathValue(c, theirs[i])})
	}
	e, err := oracle.Try(ctx, env, look, as)
	if err != nil || !oracle.Accepted(e.Answer) {
		return nil
	}
	return e
}

// grown names a number that is greater in the second answer.
func grown(first, second *check.Exchange) string {
	if first == nil || second == nil {
		return ""
	}
	was := map[string]string{}
	for _, l := range oracle.Leaves(first.Answer.Body) {
		was[l.Pointer] = l.Text
	}
	for _, l := range oracle.Leaves(second.Answer.Body) {
		before, has := was[l.Pointer]
		p := oracle.Plain(l.Name)
		if l.String || !has || oracle.Volatile(l) || strings.HasSuffix(p, "id") || strings.Contains(p, "version") || strings.Contains(p, "time") || p == "revision" || p == "number" {
			continue
		}
		var x, y float64
		if _, err := fmt.Sscan(before, &x); err != nil {
			continue
		}
		if _, err := fmt.Sscan(l.Text, &y); err == nil && y > x {
			return l.Name
		}
	}
	return ""
}
