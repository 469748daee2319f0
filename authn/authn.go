// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"durward"
)

// Result is what an authenticator says of a request. The zero value rejects.
type Result uint8

const (
	Rejected Result = iota // a credential of this kind is there, and is bad: the search ends
	NotMine                // no credential of this kind is there
	Accepted               // the credential is good
)

// authenticator knows one kind of credential. It is shared by all requests of
// an operation.
type authenticator interface {
	// present counts the credentials of this kind that the request carries,
	// good or bad.
	present(x *durward.Exchange) int
	// Authenticate decides on the credential. With Rejected it says why; an
	// *unavailable error means that it could not be decided.
	Authenticate(ctx context.Context, x *durward.Exchange) (durward.Principal, Result, error)
	// challenge is the WWW-Authenticate value; bad when a credential of this
	// kind was refused.
	challenge(realm string, bad bool) string
}

// unavailable says that something that is needed to decide is away.
type unavailable struct {
	code durward.Code
	err  error
}

func (e *unavailable) Error() string { return e.err.Error() }
func (e *unavailable) Unwrap() error { return e.err }

// Revocations knows what was revoked before it expired. It is asked on every
// request, so it must be fast, and safe for concurrent use.
type Revocations interface {
	// Revoked tells about a token by its issuer's name in the configuration
	// and its Principal.Credential: the jti, or the hash of one without.
	Revoked(issuer, credential string) bool
}

// Env is what the stage needs of the gateway.
type Env struct {
	Issuers     *Issuers    // of this generation; may be nil when no jwt is configured
	Keys        Keys        // may be nil when no api_key is configured
	Revocations Revocations // nil: nothing is ever revoked
	Cache       *Cache      // nil: every token is verified anew
	Now         func() time.Time
}

var (
	errNoCredential = errors.New("no credential")
	errTwo          = errors.New("more than one credential (a request has one identity)")
)

type stage struct {
	methods []authenticator
	public  bool
}

// New makes the stage of one operation. A public operation is served to nobody
// in particular when a request carries no credential of a kind that cfg names;
// one that carries a bad one is refused all the same. A cfg that takes no
// credential is an error unless the operation is public.
func New(cfg Config, env Env, public bool) (durward.Stage, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if len(cfg) == 0 && !public {
		return nil, durward.Invalid("", "takes no credential, so that the operation can be served to nobody unless it is public")
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	s := &stage{public: public}
	bearers := map[string]*bearerAuth{}
	var errs []error
	for n, m := range cfg {
		at := fmt.Sprintf("[%d]", n)
		if m.APIKey != nil {
			a, err := newKeyAuth(m.APIKey, env)
			errs = append(errs, durward.InvalidIn(at, err))
			s.methods = append(s.methods, a)
			continue
		}
		h := m.JWT.header()
		b := bearers[h]
		if b == nil {
			b = &bearerAuth{header: h, cache: env.Cache, revocations: env.Revocations, now: env.Now}
			bearers[h] = b
			s.methods = append(s.methods, b)
		}
		errs = append(errs, durward.InvalidIn(at+".jwt", b.add(m.JWT.Issuer, env.Issuers)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// add makes b take the tokens of one more issuer.
func (b *bearerAuth) add(name string, known *Issuers) error {
	var i *issuer
	if known != nil {
		i = known.byName[name]
	}
	if i == nil {
		return durward.Invalid("issuer", "no issuer is called %q", name)
	}
	if b.issuer(i.config.Issuer) != nil {
		return durward.Invalid("issuer", "another issuer of this API has the same iss")
	}
	b.issuers = append(b.issuers, i)
	return nil
}

func (s *stage) Name() string { return "authn" }

// Request finds the one credential and lets its authenticator decide.
func (s *stage) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	var mine authenticator
	count := 0
	for _, m := range s.methods {
		if n := m.present(x); n > 0 {
			count += n
			mine = m
		}
	}
	switch {
	case count == 0 && s.public:
		return durward.Proceed()
	case count == 0:
		return s.refuse(x, nil, errNoCredential)
	case count > 1:
		return s.refuse(x, nil, errTwo)
	}
	p, result, err := mine.Authenticate(ctx, x)
	if result == Accepted && err == nil {
		x.Principal = p
		return durward.Proceed()
	}
	if away, ok := errors.AsType[*unavailable](err); ok {
		return durward.Failed(away.code, away.err)
	}
	if err == nil {
		err = errNoCredential
	}
	return s.refuse(x, mine, err)
}

// refuse adds a challenge for each kind that is taken (RFC 9110, 11.6.1). Of
// what was wrong they say nothing.
func (s *stage) refuse(x *durward.Exchange, bad authenticator, err error) durward.Decision {
	realm := realmOf(x)
	for _, m := range s.methods {
		x.Extra.Add("Www-Authenticate", m.challenge(realm, m == bad))
	}
	return durward.Refuse(durward.CodeUnauthenticated, err)
}

// realmOf is the API's name, which the configuration keeps to letters, digits,
// "-" and "_"; anything else is not put between quotes.
func realmOf(x *durward.Exchange) string {
	if x.Operation == nil || x.Operation.API == "" {
		return "api"
	}
	for i := range len(x.Operation.API) {
		c := x.Operation.API[i]
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return "api"
		}
	}
	return x.Operation.API
}
