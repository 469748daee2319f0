// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"net/netip"
	"slices"
	"time"

	"durward"
)

func (a *keyAuth) allowed(k *durward.Key, c *durward.Consumer, id, environment string, from netip.Addr, now time.Time) error {
	switch {
	case k.ID != id || k.Environment != environment || k.Consumer == "" || k.Consumer != c.ID:
		return errKeyUnknown // the store gave something else than was asked for
	case len(a.environments) > 0 && !slices.Contains(a.environments, environment):
		return errKeyEnvironment
	case !k.Leaked.IsZero():
		return errKeyLeaked
	case !k.Revoked.IsZero():
		return errKeyRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return errKeyExpired
	case c.Disabled:
		return errKeyConsumer
	case !durward.MayCallFrom(k.Addresses, k.Denied, from):
		return &durward.Forbidden{Err: errKeyAddress}
	}
	return nil
}
