// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits

import (
	"context"
	"fmt"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/compare"
	"durward/probe/finding"
	"durward/probe/spec"
)

// enumeration compares how wrong passwords of a user and of nobody are answered,
// twice each. right is the login that was taken: without one nothing tells that
// the user is known. It tells whether the login may be tried further.
func enumeration(ctx context.Context, env *check.Env, op *spec.Operation, known, strange *call.Call, secret call.Place, right *check.Exchange) (goOn bool, err error) {
	if !oracle.Accepted(right.Answer) {
		return true, nil
	}
	var sides [2]struct {
		same  compare.Baseline
		first *check.Exchange
		sent  []string
	}
	for range 2 {
		for i, c := range []*call.Call{strange, known} {
			wrong := fmt.Sprintf("Wrong-%d", env.Rand.IntN(1_000_000_000))
			try := c.Clone()
			try.Set(secret, wrong)
			e, err := env.World.Send(ctx, try, nil)
			if err != nil {
				return false, fatalOnly(ctx, err)
			}
			if oracle.Accepted(e.Answer) || refuses(e.Answer) {
				return false, nil
			}
			s := &sides[i]
			sent := append(texts(c), wrong)
			s.same.Learn(e.Answer, sent...)
			if s.first == nil {
				s.first, s.sent = e, sent
			}
		}
	}
	nobody, user := &sides[0], &sides[1]
	a, b := compare.Text{Answer: nobody.first.Answer, Sent: nobody.sent}, compare.Text{Answer: user.first.Answer, Sent: user.sent}
	if nobody.same.Same(a, b) || user.same.Same(a, b) {
		return true, nil
	}
	env.Report(finding.Finding{
		Kind: userEnumeration, Severity: userEnumeration.Severity, Confidence: finding.Firm, Operation: op.ID, Method: op.Method, Path: op.Path,
		Detail: "A wrong password of a user is answered otherwise than one of a name that nobody has.",
		Steps: []finding.Step{env.Step("control: the right password", right), env.Step("a wrong password of a user", user.first),
			env.Step("a wrong password of nobody", nobody.first)},
	})
	return true, nil
}

// texts are what a call says in words: an answer may give them back.
func texts(c *call.Call) []string {
	var out []string
	for _, at := range c.Places() {
		if v, _ := c.Get(at); v != nil {
			if s, ok := v.(string); ok && s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}
