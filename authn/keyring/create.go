// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"durward"
	"durward/authn"
)

// MaxLife and MaxOverlap bound what a key may be given.
const (
	MaxLife    = 100 * 366 * 24 * time.Hour
	MaxOverlap = 90 * 24 * time.Hour
)

// Wish says what key is wanted. Consumer and Environment are needed.
type Wish struct {
	Consumer    string
	Environment string // 2 to 8 letters a-z, such as live; not durward.ForeignEnvironment
	Name        string
	Holders     []string // people or teams that get a copy
	Roles       []string
	Scopes      []string
	Addresses   []netip.Prefix // empty: from anywhere
	Denied      []netip.Prefix
	Plan        string
	Life        time.Duration // 0: for ever; at most MaxLife
	// MakeConsumer makes the consumer when there is none of that id.
	MakeConsumer bool
}

// Made is a key that was just made, with its text.
type Made struct {
	Key          durward.Key
	Secret       Secret
	MadeConsumer bool
}

// Create makes a key. The error is durward.ErrNotFound when there is no such
// consumer, a *durward.FieldError or durward.ErrInvalid when a value cannot be
// used.
func (r *Ring) Create(ctx context.Context, w Wish) (made Made, err error) {
	defer func() {
		detail := "name " + made.Key.Name
		if made.MadeConsumer {
			detail += ", with a new consumer"
		}
		r.note("key.create", w.Consumer, made.Key.ID, detail, err)
	}()
	if err := w.check(); err != nil {
		return Made{}, err
	}
	now := r.now()
	text, id, hash, err := authn.MintKey(r.store.Pepper(), w.Environment)
	if err != nil {
		return Made{}, durward.Invalid("environment", "%v", err)
	}
	made.Key = durward.Key{
		ID: id, Environment: w.Environment, Consumer: w.Consumer, Name: w.Name, Holders: w.Holders, Hash: hash, Roles: w.Roles,
		Scopes: w.Scopes, Addresses: w.Addresses, Denied: w.Denied, Plan: w.Plan, Created: now, Expires: after(now, w.Life),
	}
	var consumers []durward.Consumer
	if _, err := r.store.Consumer(ctx, w.Consumer); errors.Is(err, durward.ErrNotFound) && w.MakeConsumer {
		consumers = []durward.Consumer{{ID: w.Consumer, Name: w.Consumer, Created: now}}
	} else if err != nil {
		return Made{}, err
	}
	// Both or none: an operation that failed has done nothing.
	if err := r.store.AddKeys(ctx, consumers, []durward.Key{made.Key}); err != nil {
		return Made{}, err
	}
	made.Secret, made.MadeConsumer = Secret{text}, consumers != nil
	return made, nil
}

func (w *Wish) check() error {
	var faults []error
	if w.Consumer == "" {
		faults = append(faults, durward.Invalid("consumer", "is needed"))
	}
	if w.Environment == durward.ForeignEnvironment {
		faults = append(faults, durward.Invalid("environment", "%s is that of imported keys", w.Environment))
	}
	faults = append(faults, checkLife(w.Life), checkNetworks("addresses", w.Addresses), checkNetworks("denied", w.Denied))
	return errors.Join(faults...)
}

func checkLife(life time.Duration) error {
	if life < 0 || life > MaxLife {
		return durward.Invalid("life", "must be from 0, which is for ever, to 100 years")
	}
	return nil
}

// checkNetworks refuses a network that would not match what its writer meant.
func checkNetworks(field string, networks []netip.Prefix) error {
	for _, p := range networks {
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			return durward.Invalid(field, "holds what is no network such as 192.0.2.0/24 or 2001:db8::/32")
		}
	}
	return nil
}

// after is the end of a life that begins now; zero for ever.
func after(now time.Time, life time.Duration) time.Time {
	if life == 0 {
		return time.Time{}
	}
	return now.Add(life)
}

// Rotation says how a key is rotated. The zero value ends the old key at once.
type Rotation struct {
	// Overlap is how long the old key stays good beside the new one, unless it
	// expires before; at most MaxOverlap.
	Overlap time.Duration
	// Life is that of the new key: nil means as long as the old one's was from
	// its making to its expiry, 0 for ever.
	Life *time.Duration
}

// Rotate makes a key that inherits all of the key id but its text, and lets that
// one expire after the overlap. The error is durward.ErrNotFound, ErrRevoked,
// ErrLeaked or ErrExpired when there is no good key to rotate: whoever lost a
// key for a reason gets no new one by this way. A foreign key is rotated into
// one of the environment "live".
func (r *Ring) Rotate(ctx context.Context, id string, how Rotation) (made Made, old durward.Key, err error) {
	defer func() {
		r.note("key.rotate", old.Consumer, id, "next "+made.Key.ID+", until "+old.Expires.UTC().Format(time.RFC3339), err)
	}()
	if err := how.check(); err != nil {
		return Made{}, old, err
	}
	now := r.now()
	if old, err = r.Show(ctx, id); err != nil {
		return Made{}, old, err
	}
	switch StateOf(&old, now) {
	case Leaked:
		return Made{}, old, ErrLeaked
	case Revoked:
		return Made{}, old, durward.ErrRevoked
	case Expired:
		return Made{}, old, ErrExpired
	}
	next := old
	if next.Environment == durward.ForeignEnvironment {
		next.Environment = "live"
	}
	var text string
	if text, next.ID, next.Hash, err = authn.MintKey(r.store.Pepper(), next.Environment); err != nil {
		return Made{}, old, err
	}
	next.Created, next.LastUsed = now, time.Time{}
	switch {
	case how.Life != nil:
		next.Expires = after(now, *how.Life)
	case !old.Expires.IsZero():
		next.Expires = now.Add(old.Expires.Sub(old.Created))
	}
	until := now.Add(how.Overlap)
	if err := r.store.RotateKey(ctx, id, next, until); err != nil {
		return Made{}, old, err
	}
	if old.Expires.IsZero() || until.Before(old.Expires) {
		old.Expires = until
	}
	return Made{Key: next, Secret: Secret{text}}, old, nil
}

func (how *Rotation) check() error {
	var faults []error
	if how.Overlap < 0 || how.Overlap > MaxOverlap {
		faults = append(faults, durward.Invalid("overlap", "must be from 0 to 90 days"))
	}
	if how.Life != nil {
		faults = append(faults, checkLife(*how.Life))
	}
	return errors.Join(faults...)
}
