// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"slices"
	"sync"
	"time"

	"durward"
	"durward/authn/keyring/foreign"
)

// Keys is where API keys and their consumers are found. A store implements it.
// All methods must be safe for concurrent use.
type Keys interface {
	// Key finds a key by its public id, with its consumer. The error is
	// durward.ErrNotFound when there is none; any other means that the store
	// could not answer.
	Key(ctx context.Context, id string) (durward.Key, durward.Consumer, error)
	// Touch remembers that a key was used. It never blocks, and does not
	// write to the store for every call.
	Touch(id string, at time.Time)
	// Pepper is the secret under which key hashes are made, at least 32 bytes.
	Pepper() []byte
}

// Why a key was refused, for the audit record.
var (
	errKeyTwice       = errors.New("api key: sent more than once")
	errKeyUnknown     = errors.New("api key: no such key")
	errKeySecret      = errors.New("api key: secret does not match")
	errKeyEnvironment = errors.New("api key: of an environment that this API does not take")
	errKeyLeaked      = errors.New("api key: on the deny list of leaked keys")
	errKeyRevoked     = errors.New("api key: revoked")
	errKeyExpired     = errors.New("api key: expired")
	errKeyConsumer    = errors.New("api key: its consumer is disabled")
	errKeyAddress     = errors.New("api key: not allowed from this address")
)

type keyAuth struct {
	header       string // canonical; "" reads none
	query        string // "" reads none
	environments []string
	foreign      bool // keys of another gateway are taken, too
	keys         Keys
	now          func() time.Time
	macs         sync.Pool // *keyMAC
}

// keyMAC hashes keys without allocating.
type keyMAC struct {
	hmac hash.Hash
	text [foreign.MaxText]byte // longer than any of ours
	sum  [sha256.Size]byte
}

func newKeyAuth(c *APIKey, env Env) (*keyAuth, error) {
	if env.Keys == nil {
		return nil, durward.Invalid("", "needs a store")
	}
	pepper := slices.Clone(env.Keys.Pepper())
	if len(pepper) < 32 {
		return nil, durward.Invalid("", "the store's %v", errPepper)
	}
	a := &keyAuth{header: c.header(), query: c.Query, environments: c.Environments, keys: env.Keys, now: env.Now}
	a.foreign = slices.Contains(c.Environments, durward.ForeignEnvironment)
	a.macs.New = func() any { return &keyMAC{hmac: hmac.New(sha256.New, pepper)} }
	return a, nil
}

func (a *keyAuth) Present(x *durward.Exchange) int {
	n := 0
	switch a.header {
	case "":
	case authorization: // other schemes are other methods'
		for i := range x.In.Header {
			if f := &x.In.Header[i]; f.Name == authorization && hasScheme(f.Value, "ApiKey") {
				n++
			}
		}
	default:
		n = x.In.Header.Count(a.header)
	}
	if a.query != "" && x.In.RawQuery != "" {
		n += countParam(x.In.RawQuery, a.query)
	}
	return n
}

func (a *keyAuth) Challenge(realm string, _ bool) string { return `ApiKey realm="` + realm + `"` }

// Authenticate finds the key and its consumer. Whatever is wrong with a key,
// the same work is done before it is refused, but for one whose form already
// shows that it cannot exist.
func (a *keyAuth) Authenticate(ctx context.Context, x *durward.Exchange) (p durward.Principal, err error) {
	if a.Present(x) != 1 {
		return p, errKeyTwice
	}
	text, ok := a.text(x)
	if !ok {
		return p, errKeyForm
	}
	environment, id, err := a.identify(text)
	if err != nil {
		return p, err
	}
	key, consumer, err := a.keys.Key(ctx, id)
	missing := errors.Is(err, durward.ErrNotFound)
	if err != nil && !missing {
		return p, &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
	}
	if match := a.matches(text, &key.Hash); missing || !match {
		if missing {
			return p, errKeyUnknown
		}
		return p, errKeySecret
	}
	now := a.now()
	if err := a.allowed(&key, &consumer, id, environment, x.Client.Address, now); err != nil {
		return p, err
	}
	a.keys.Touch(id, now)
	return durward.Principal{
		Subject: consumer.ID, Consumer: consumer.ID, Method: "api_key", Credential: id,
		Roles: durward.Union(consumer.Roles, key.Roles), Scopes: key.Scopes, Expires: key.Expires, Plan: key.Plan,
	}, nil
}

// in tells where the one key of a request stands.
func (a *keyAuth) in(x *durward.Exchange) string {
	if a.query != "" && x.In.RawQuery != "" && countParam(x.In.RawQuery, a.query) > 0 {
		return "query"
	}
	return "header"
}

// Claimed is the key's public id, when the text is that of a key.
func (a *keyAuth) Claimed(x *durward.Exchange) (credential, presented string) {
	text, ok := a.text(x)
	if !ok {
		return "", ""
	}
	_, id, err := a.identify(text)
	if err != nil {
		return "", text
	}
	return id, text
}

// text gives the one key that is present.
func (a *keyAuth) text(x *durward.Exchange) (string, bool) {
	if a.header != "" {
		for i := range x.In.Header {
			if f := &x.In.Header[i]; f.Name == a.header {
				if a.header == authorization {
					return cutScheme(f.Value, "ApiKey")
				}
				return f.Value, true
			}
		}
	}
	return paramValue(x.In.RawQuery, a.query)
}

// identify gives the environment and the id of a key of ours by its text, and of
// a foreign one, where those are taken, by the hash of its text.
func (a *keyAuth) identify(text string) (environment, id string, err error) {
	environment, id, err = ParseKey(text)
	if err == nil || !a.foreign || !foreign.Form(text) {
		return environment, id, err
	}
	m := a.macs.Get().(*keyMAC)
	m.hash(text)
	id = foreign.ID(m.sum)
	m.put(a)
	return durward.ForeignEnvironment, id, nil
}

// hash puts the hash of a text, which fits, into sum.
func (m *keyMAC) hash(text string) {
	m.hmac.Reset()
	n := copy(m.text[:], text)
	m.hmac.Write(m.text[:n])
	m.hmac.Sum(m.sum[:0])
}

// put gives m back, without what it saw.
func (m *keyMAC) put(a *keyAuth) {
	clear(m.text[:])
	clear(m.sum[:])
	a.macs.Put(m)
}

// matches compares in constant time.
func (a *keyAuth) matches(text string, want *[32]byte) bool {
	m := a.macs.Get().(*keyMAC)
	m.hash(text)
	ok := subtle.ConstantTimeCompare(m.sum[:], want[:]) == 1
	m.put(a)
	return ok
}
