// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyring decides what may be done with API keys: which are made, found,
// rotated, revoked, imported and denied. The command line and an administrative
// API call it; no request does.
//
// A key's text exists once, in the answer of Create or Rotate, as a [Secret]
// that prints as nothing. A store gets its HMAC-SHA-256 (RFC 2104) alone, errors
// and events its id.
//
// The threats are a key that outlives its purpose (life, rotation with a bounded
// overlap, revocation by key, by consumer and by holder), one that leaked (the
// deny list, which outlives the key's row), and one that could be guessed
// (imported texts are checked, see package foreign).
//
// Every change is all or nothing. A change that the store cannot make now fails
// with the store's error and has done nothing. The package keeps no state beside
// the store.
package keyring

import (
	"context"
	"errors"
	"time"

	"durward"
)

// Errors beside durward.ErrNotFound, ErrExists, ErrInvalid and ErrRevoked. A
// value that cannot be used is a *durward.FieldError.
var (
	// ErrExpired says that a key has expired, so that there is nothing to rotate.
	ErrExpired = errors.New("expired")
	// ErrLeaked says that a key is on the deny list.
	ErrLeaked = errors.New("on the deny list of leaked keys")
	// ErrNoKey says that a list of leaked keys names none.
	ErrNoKey = errors.New("there is no key in it")
)

// Store keeps keys. Package store implements it; see there for the contract
// between several nodes.
type Store interface {
	Pepper() []byte
	Consumer(ctx context.Context, id string) (durward.Consumer, error)
	FindKeys(ctx context.Context, match durward.KeyFilter) ([]durward.Key, error)
	AddKeys(ctx context.Context, consumers []durward.Consumer, keys []durward.Key) error
	RotateKey(ctx context.Context, id string, next durward.Key, until time.Time) error
	RevokeKeys(ctx context.Context, match durward.KeyFilter, at time.Time) ([]durward.Key, error)
	DenyKeys(ctx context.Context, leaked []durward.Denial, at time.Time) ([]durward.Key, error)
	Denied(id string, hash [32]byte) time.Time
}

// Options are what a Ring needs beside its store. The zero value is usable.
type Options struct {
	Now func() time.Time // time.Now when nil
	// Record gets one event (EventSystem) for every operation that changes
	// something or was refused; nil records nothing. Message is the operation
	// ("key.create"), Subject who did it, Credential and Consumer what it was
	// about, Detail the rest or why it was refused. It is called once the
	// change is stored, by the goroutine that made it.
	Record func(durward.Event)
}

// Ring is all operations on the keys of a store. It is safe for concurrent use.
type Ring struct {
	store  Store
	now    func() time.Time
	record func(durward.Event)
	actor  string
}

// New makes a Ring on store.
func New(store Store, opts Options) *Ring {
	r := &Ring{store: store, now: opts.Now, record: opts.Record}
	if r.now == nil {
		r.now = time.Now
	}
	if r.record == nil {
		r.record = func(durward.Event) {}
	}
	return r
}

// As gives the same ring for what actor does: the Subject of its events.
func (r *Ring) As(actor string) *Ring {
	other := *r
	other.actor = actor
	return &other
}

// note records one operation. A failed one says why instead of the detail.
func (r *Ring) note(operation, consumer, id, detail string, err error) {
	if err != nil {
		operation, detail = operation+" refused", err.Error()
	}
	r.record(durward.Event{
		Kind: durward.EventSystem, Time: r.now(), Message: operation, Detail: detail,
		Subject: r.actor, Consumer: consumer, Credential: id,
	})
}

// Secret is the text of a key. It is shown to its holder once. Whatever prints,
// formats or encodes a Secret gets no part of it, so that it stands in no log.
type Secret struct{ text string }

const hidden = "(secret)"

// Reveal gives the text.
func (s Secret) Reveal() string { return s.text }

// String, GoString and MarshalText hide the text.
func (Secret) String() string               { return hidden }
func (Secret) GoString() string             { return hidden }
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
