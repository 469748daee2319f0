// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"

	"durward"
)

// Restrictions makes the late stage that holds a request against the limits
// that its credential carries (Principal.Restrictions). It belongs behind the
// contract check, so that a request that is refused for another reason spends
// no use of the credential, and rules about the content see one that was
// checked. It is nil when no credential that cfg takes has any.
func Restrictions(cfg Config) durward.Stage {
	for _, m := range cfg.Flat() {
		if m.kind() == "capability" {
			return restrictions{}
		}
	}
	return nil
}

type restrictions struct{}

func (restrictions) Name() string { return "restrictions" }

func (restrictions) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	if x.Principal.Restrictions == nil {
		return durward.Proceed()
	}
	err := x.Principal.Restrictions.Check(ctx, x)
	if err == nil {
		return durward.Proceed()
	}
	if code := durward.BodyFault(err); code != "" {
		return durward.Refuse(code, err)
	}
	if away, ok := errors.AsType[*durward.Unavailable](err); ok {
		return durward.Failed(away.Code, away.Err)
	}
	return durward.Refuse(durward.CodeForbidden, err)
}
