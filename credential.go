// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"errors"
	"net/netip"
	"time"
)

// ErrNotFound is what a store answers when nothing has the id that was asked
// for. Any other error means that the store could not answer.
var ErrNotFound = errors.New("not found")

// Consumer is an application or partner that calls: the holder of keys and the
// party that limits and roles are given to. It always lives in the store.
type Consumer struct {
	ID       string // stable, [a-z0-9][a-z0-9_-]{0,62}
	Name     string
	Roles    []string
	Disabled bool
	Created  time.Time
}

// Key is what the store keeps of an API key. The secret itself is shown once,
// when it is made, and kept nowhere.
type Key struct {
	ID          string // public part, in records and lists
	Environment string // "live", "test": the second part of the key's text
	Consumer    string // Consumer.ID
	Name        string
	Hash        [32]byte // HMAC-SHA-256 of the key's text under the store's pepper
	Roles       []string // beside the consumer's; nil adds none
	Scopes      []string
	Addresses   []netip.Prefix // from where it may be used; empty means anywhere
	Created     time.Time
	Expires     time.Time // zero: never
	Revoked     time.Time // zero: not
	LastUsed    time.Time // to the minute; zero: never
}
