// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"errors"
	"net/netip"
	"slices"
	"time"
)

// What a store answers, so that who asks needs to know no store. Any other
// error means that the store could not answer.
var (
	// ErrNotFound says that nothing has the id that was asked for.
	ErrNotFound = errors.New("not found")
	// ErrExists says that the id is taken.
	ErrExists = errors.New("already exists")
	// ErrInvalid says that a value cannot be stored.
	ErrInvalid = errors.New("invalid value")
	// ErrRevoked says that the key was revoked, or is on the deny list.
	ErrRevoked = errors.New("revoked")
)

// ForeignEnvironment is the Environment of keys that were not made here but
// imported from another gateway. Their text has a form of its own.
const ForeignEnvironment = "ext"

// Consumer is an application or partner that calls: the holder of keys and the
// party that limits and roles are given to. It always lives in the store.
type Consumer struct {
	ID        string // stable, [a-z0-9][a-z0-9_-]{0,62}
	Name      string
	Roles     []string
	Addresses []netip.Prefix // from where it may call, with whatever credential; empty means anywhere
	Denied    []netip.Prefix // from where it may not; wins over Addresses
	Plan      string         // rate plan of its credentials that have none of their own; "" is the API's own quota
	Disabled  bool
	Created   time.Time
}

// Key is what the store keeps of an API key. The secret itself is shown once,
// when it is made, and kept nowhere.
type Key struct {
	ID          string // public part, in records and lists
	Environment string // "live", "test": the second part of the key's text; or ForeignEnvironment
	Consumer    string // Consumer.ID
	Name        string
	Holders     []string // people or teams that have a copy; for finding and revoking only
	Hash        [32]byte // HMAC-SHA-256 of the key's text under the store's pepper
	Roles       []string // beside the consumer's; nil adds none
	Scopes      []string
	Addresses   []netip.Prefix // from where it may be used; empty means anywhere
	Denied      []netip.Prefix // from where it may not; wins over Addresses
	Plan        string         // rate plan; "" is the consumer's
	Created     time.Time
	Expires     time.Time // zero: never
	Revoked     time.Time // zero: not
	Leaked      time.Time // since when it is on the deny list; Revoked is then set too; zero: not
	LastUsed    time.Time // to the minute; zero: never
}

// KeyFilter picks keys. What is "" picks all; the zero value picks every key.
type KeyFilter struct {
	ID       string
	Consumer string
	Holder   string
}

// Denial names a leaked key: by its public id, or by the hash that a Key with
// the leaked text has. One of the two is set.
type Denial struct {
	ID   string
	Hash [32]byte
	Note string // where it was found; never the key
}

// Attempt is one attempt to authenticate, as the request claims it and before
// anything was looked up: what failed attempts are counted by.
type Attempt struct {
	// Source is the client's address, as it was found behind trusted proxies.
	Source netip.Addr
	// Credential is the id of the credential that is claimed: an API key's id,
	// a client id. "" when there is none, or when it lives only for minutes
	// (a token's jti), so that no pair with it ever becomes known.
	Credential string
	// Account is the user or consumer that is claimed. "" when the request
	// claims none.
	Account string
	// Presented is what was presented to prove it, as text. The same once more
	// is not counted again. "" counts every time. It is only hashed.
	Presented string
}

// MayCallFrom judges an address by the lists of a consumer or key: denied wins,
// and an empty list of allowed ones allows all.
func MayCallFrom(allowed, denied []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	holds := func(p netip.Prefix) bool { return p.Contains(a) }
	return !slices.ContainsFunc(denied, holds) && (len(allowed) == 0 || slices.ContainsFunc(allowed, holds))
}

// Union joins two lists of roles or scopes, without copying where one is enough.
func Union(a, b []string) []string {
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
