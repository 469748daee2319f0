// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"errors"

	"durward"
)

// ErrUnknownPlan is the Err of a decision about a caller whose rate plan the API
// does not name, when it is let through: it was counted against the API's own
// quota.
var ErrUnknownPlan = errors.New("the caller's rate plan is not one of this API: its own quota counts")

// planned is the stage "quota" of an API with plans: it chooses the limits by
// the caller's plan, and leaves the rest to them.
type planned struct {
	own      durward.Stage
	plans    map[string]durward.Stage
	counters *Counters
}

// Name is "quota".
func (s *planned) Name() string { return s.own.Name() }

// Request counts the request against its plan. A caller of an unknown plan has
// the API's own quota, never none: which plans exist is known to whoever writes
// the configuration, and a plan that was taken out of it must not lift limits.
// That it happened stands in the decision and in Counters.UnknownPlans.
func (s *planned) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	if x.Principal.Plan == "" || !x.Principal.Known() {
		return s.own.Request(ctx, x)
	}
	if plan, ok := s.plans[x.Principal.Plan]; ok && plan != nil {
		return plan.Request(ctx, x)
	}
	s.counters.unknownPlans.Add(1)
	d := s.own.Request(ctx, x)
	if d.Verdict == durward.Allow {
		d.Err = ErrUnknownPlan
	}
	return d
}

// UnknownPlans is how many requests were counted against an API's own quota
// because it does not name their caller's plan.
func (c *Counters) UnknownPlans() uint64 { return c.unknownPlans.Load() }
