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
	case !mayCallFrom(k.Addresses, k.Denied, from):
		return &durward.Forbidden{Err: errKeyAddress}
	}
	return nil
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// union joins two lists without copying where one is enough.
func union(a, b []string) []string {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	}
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// mayCallFrom judges an address by the lists of a consumer or key: denied wins,
// and an empty list of allowed ones allows all.
func mayCallFrom(allowed, denied []netip.Prefix, a netip.Addr) bool {
	return !within(denied, a) && (len(allowed) == 0 || within(allowed, a))
}
