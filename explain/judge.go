// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"

	"durward"
	"durward/authn"
	"durward/pipeline"
)

// Judge tells what would become of a request, without what acts on it, and as
// often as it is asked: limits are left out. With as it takes that caller as
// authenticated, whatever the request carries; restrictions of a credential are
// then not asked.
func (e *Explainer) Judge(ctx context.Context, q *Request, as *durward.Principal) Verdict {
	t := pipeline.Trial{Exchange: e.exchange(q), Stand: func(stage string, x *durward.Exchange) (durward.Decision, bool) {
		switch {
		case stage == "ratelimit", stage == "quota":
			return durward.Proceed(), true
		case as == nil:
		case stage == authn.StageName:
			x.Principal = *as
			return durward.Proceed(), true
		case stage == "restrictions":
			return durward.Proceed(), true
		}
		return durward.Decision{}, false
	}}
	return verdict(e.pipe.Try(ctx, t), t.Exchange)
}
