// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"time"

	"durward/authn/capability"
	"durward/authn/uses"
)

// countedUses keeps the use counts of capabilities apart from proofs and nonces.
// A proof is remembered for a minute, a use count for as long as its token lives,
// and a token's holder can make as many counts as there are ways to narrow it:
// in one memory, one capability could refuse every caller that must prove
// something.
type countedUses struct{ capabilities, once *uses.Memory }

// newUses makes room for most entries of each kind.
func newUses(most int, now func() time.Time) *countedUses {
	return &countedUses{capabilities: uses.New(most, now), once: uses.New(most, now)}
}

// Use implements authn.Uses.
func (u *countedUses) Use(ctx context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error) {
	if space == capability.Space {
		return u.capabilities.Use(ctx, space, id, limit, until)
	}
	return u.once.Use(ctx, space, id, limit, until)
}
