// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"strconv"
	"time"

	"durward"
)

// State is whether a key is good, and if not why. A key of a disabled consumer
// is refused, too; that is a fact of the consumer.
type State string

// States of a key. One that has leaked is revoked as well, one that is revoked
// may have expired as well: the first in this order counts.
const (
	Leaked  State = "leaked"
	Revoked State = "revoked"
	Expired State = "expired"
	Valid   State = "valid"
)

// StateOf gives the state of a key at a time. A revocation counts from the
// moment it is stored, whatever its time says, as it does for requests.
func StateOf(k *durward.Key, now time.Time) State {
	switch {
	case !k.Leaked.IsZero():
		return Leaked
	case !k.Revoked.IsZero():
		return Revoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return Expired
	}
	return Valid
}

// Query picks keys for List. What is zero picks all.
type Query struct {
	Consumer string
	Holder   string
	State    State
	// ExpiringBefore picks keys that are still good and will not be then.
	ExpiringBefore time.Time
	// UnusedSince picks keys that were made before that and not used since.
	UnusedSince time.Time
}

// List gives the keys that match, in order of consumer and creation, with their
// last use as far as it is written. A state that does not exist is a
// *durward.FieldError.
func (r *Ring) List(ctx context.Context, q Query) ([]durward.Key, error) {
	switch q.State {
	case "", Leaked, Revoked, Expired, Valid:
	default:
		return nil, durward.Invalid("state", "must be valid, expired, revoked or leaked")
	}
	all, err := r.store.FindKeys(ctx, durward.KeyFilter{Consumer: q.Consumer, Holder: q.Holder})
	if err != nil {
		return nil, err
	}
	now := r.now()
	var found []durward.Key
	for i := range all {
		if q.match(&all[i], now) {
			found = append(found, all[i])
		}
	}
	return found, nil
}

func (q *Query) match(k *durward.Key, now time.Time) bool {
	state := StateOf(k, now)
	switch {
	case q.State != "" && state != q.State:
		return false
	case !q.ExpiringBefore.IsZero() && (state != Valid || k.Expires.IsZero() || !k.Expires.Before(q.ExpiringBefore)):
		return false
	case !q.UnusedSince.IsZero() && (!k.Created.Before(q.UnusedSince) || !k.LastUsed.Before(q.UnusedSince)):
		return false
	}
	return true
}

// Show gives one key, durward.ErrNotFound when there is none of that id.
func (r *Ring) Show(ctx context.Context, id string) (durward.Key, error) {
	if id == "" { // which would pick all
		return durward.Key{}, durward.ErrNotFound
	}
	found, err := r.store.FindKeys(ctx, durward.KeyFilter{ID: id})
	if err != nil {
		return durward.Key{}, err
	}
	if len(found) != 1 {
		return durward.Key{}, durward.ErrNotFound
	}
	return found[0], nil
}

// Revoke makes a key invalid at once and for ever. To revoke it again is no
// error. The error is durward.ErrNotFound when there is none of that id.
func (r *Ring) Revoke(ctx context.Context, id string) (k durward.Key, err error) {
	defer func() { r.note("key.revoke", k.Consumer, id, "", err) }()
	if k, err = r.Show(ctx, id); err != nil {
		return k, err
	}
	revoked, err := r.store.RevokeKeys(ctx, durward.KeyFilter{ID: id}, r.now())
	if err == nil && len(revoked) == 1 {
		k = revoked[0]
	}
	return k, err
}

// RevokeConsumer makes all keys of a consumer invalid, and gives those that were
// not yet. The error is durward.ErrNotFound when there is no such consumer.
func (r *Ring) RevokeConsumer(ctx context.Context, consumer string) (revoked []durward.Key, err error) {
	defer func() { r.note("key.revoke", consumer, "", count(revoked)+" of the consumer", err) }()
	if consumer == "" { // which would pick all
		return nil, durward.ErrNotFound
	}
	if _, err := r.store.Consumer(ctx, consumer); err != nil {
		return nil, err
	}
	return r.store.RevokeKeys(ctx, durward.KeyFilter{Consumer: consumer}, r.now())
}

// RevokeHolder makes all keys of which holder has a copy invalid, whichever
// consumer they are of and whoever else has one, and gives those that were not
// yet. The error is durward.ErrNotFound when no key names the holder, so that a
// slip of the pen is no success.
func (r *Ring) RevokeHolder(ctx context.Context, holder string) (revoked []durward.Key, err error) {
	defer func() { r.note("key.revoke", "", "", count(revoked)+" of the holder "+holder, err) }()
	if holder == "" {
		return nil, durward.Invalid("holder", "is needed")
	}
	held, err := r.store.FindKeys(ctx, durward.KeyFilter{Holder: holder})
	if err != nil {
		return nil, err
	}
	if len(held) == 0 {
		return nil, durward.ErrNotFound
	}
	return r.store.RevokeKeys(ctx, durward.KeyFilter{Holder: holder}, r.now())
}

func count(keys []durward.Key) string {
	if len(keys) == 1 {
		return "1 key"
	}
	return strconv.Itoa(len(keys)) + " keys"
}
