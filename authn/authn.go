// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"durward"
)

// authenticator knows one kind of credential. It is shared by all requests of
// an API, so it must be safe for concurrent use. The packages below this one
// implement it.
type authenticator interface {
	// Present counts the credentials of this kind that the request carries,
	// good or bad.
	Present(x *durward.Exchange) int
	// Authenticate decides on the credential. Without an error it is good; a
	// *durward.Unavailable means that it could not be decided, any other
	// error that it is bad, and why, for the record.
	Authenticate(ctx context.Context, x *durward.Exchange) (durward.Principal, error)
	// Challenge is the WWW-Authenticate value, "" for none; bad when a
	// credential of this kind was refused. It never says what was wrong.
	Challenge(realm string, bad bool) string
}

// claimer is an authenticator that can say, without checking anything, which
// credential a request claims to hold and what it presents: what failed
// attempts are counted by. Both may be "".
type claimer interface {
	Claimed(x *durward.Exchange) (credential, presented string)
}

// Revocations knows what was revoked before it expired. It is asked on every
// request, so it must be fast, and safe for concurrent use.
type Revocations interface {
	// Revoked tells about a token by its issuer's name in the configuration,
	// its Principal.Credential (the jti, or the hash of one without), its
	// subject, and when it was issued; the zero time when it does not say.
	Revoked(issuer, credential, subject string, issued time.Time) bool
}

// Consumers finds consumers. A store implements it, from memory.
type Consumers interface {
	// LookUp gives a consumer by its id; durward.ErrNotFound when there is
	// none. Any other error means that the store could not answer.
	LookUp(id string) (durward.Consumer, error)
}

// Uses counts what may be used a limited number of times: proofs, nonces,
// capabilities. Package authn/uses implements it for one process.
type Uses interface {
	Use(ctx context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error)
}

// Attempts slows down and locks out who guesses. Package lockout implements it.
type Attempts interface {
	// Begin tells whether the attempt may be judged at all; when not, after
	// how long the next one may.
	Begin(a durward.Attempt) (retryAfter time.Duration, blocked bool)
	Failed(a durward.Attempt)
	Succeeded(a durward.Attempt)
}

// Env is what the methods need of the gateway.
type Env struct {
	Issuers     *Issuers    // of this generation; may be nil when no jwt is configured
	Keys        Keys        // may be nil when no api_key is configured
	Consumers   Consumers   // nil: no consumer is known beyond what a credential says
	Revocations Revocations // nil: nothing is ever revoked
	Cache       *Cache      // nil: every token is verified anew
	Uses        Uses        // may be nil when nothing configured needs it
	Attempts    Attempts    // nil: failures are not counted
	// Origins is the number of issuers and of servers that are asked about
	// opaque tokens in all of the configuration (see the function); at least
	// those that New sees are counted.
	Origins int
	Now     func() time.Time
	Log     *slog.Logger // nil logs nothing
}

var (
	errNoCredential  = errors.New("no credential")
	errTwo           = errors.New("more than one credential (a request has one identity)")
	errCombination   = errors.New("the operation does not take this combination of credentials")
	errScope         = errors.New("the credential has not all the scopes that the contract demands")
	errPlace         = errors.New("the operation takes no key in this place")
	errElsewhere     = errors.New("the operation takes no tokens of this issuer")
	errBlocked       = errors.New("too many failed attempts")
	errTwoConsumers  = errors.New("credentials of two consumers (a request has one identity)")
	errDisabled      = errors.New("the consumer is disabled")
	errConsumerPlace = errors.New("the consumer may not call from this address")
)

// slot is a place of a request where a credential can stand, and what reads it.
type slot struct {
	authenticator
	claims  claimer  // nil when it cannot tell
	schemes []string // of Authorization that it reads; nil when it reads another place
	accept  string   // Accept-Signature of refusals; "" for none
	// ambient credentials belong to the connection: a request carries them
	// whether or not it means to, so they never count as a second one.
	ambient bool
}

// entry is one configured method: a slot, and the issuer that it is for.
type entry struct {
	slot   int
	kind   string   // the method's name
	issuer string   // "" takes what the slot takes
	scopes []string // that an operation needs of it
	in     string   // where a key must stand that could stand elsewhere; "" is anywhere
}

const (
	maxEntries = 16
	maxDemands = 4  // credentials that one alternative may ask for
	maxChoices = 64 // alternatives of one operation
)

// Methods are the kinds of credential of one API, made once for a generation
// of the configuration. Safe for concurrent use. Close it after its last
// request.
type Methods struct {
	env     Env
	slots   []slot
	entries []entry
	own     [][]int // the alternatives as the configuration has them
	reads   bool    // some slot reads Authorization
	sole    bool    // there is one origin of consumers' names
	closers []func()
}

// New makes the methods that cfg lists.
func New(cfg Config, env Env) (*Methods, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	m := &Methods{env: env}
	issuers := 0
	if env.Issuers != nil {
		issuers = len(env.Issuers.byName)
	}
	m.sole = max(env.Origins, Origins(issuers, cfg)) <= 1
	bearers := map[string]*bearerAuth{}
	var errs []error
	for n := range cfg {
		at := fmt.Sprintf("[%d]", n)
		if len(cfg[n].All) == 0 {
			errs = append(errs, durward.InvalidIn(at, m.add(&cfg[n], bearers)))
			m.own = append(m.own, []int{len(m.entries) - 1})
			continue
		}
		var all []int
		for k := range cfg[n].All {
			errs = append(errs, durward.InvalidIn(fmt.Sprintf("%s.all[%d]", at, k), m.add(&cfg[n].All[k], bearers)))
			all = append(all, len(m.entries)-1)
		}
		m.own = append(m.own, all)
	}
	if err := errors.Join(errs...); err != nil {
		m.Close()
		return nil, err
	}
	for _, one := range cfg.Flat() {
		for _, b := range bearers {
			b.fromProxy = b.fromProxy || one.ClientCertificate != nil && one.ClientCertificate.FromProxy
		}
	}
	for i := range m.slots {
		m.reads = m.reads || m.slots[i].schemes != nil
	}
	return m, nil
}

// Close ends what the methods have running.
func (m *Methods) Close() {
	for _, c := range m.closers {
		c()
	}
	m.closers = nil
}

// place adds a slot and an entry for it.
func (m *Methods) place(s slot) {
	s.claims, _ = s.authenticator.(claimer)
	m.slots = append(m.slots, s)
	m.entries = append(m.entries, entry{slot: len(m.slots) - 1})
}

// Demand is what one operation asks of its callers.
type Demand struct {
	// Public serves a request that carries no credential to nobody in
	// particular. One that carries a bad one is refused all the same.
	Public bool
	// Choices are the combinations that do, any one of them. nil takes those
	// that the configuration lists.
	Choices []Choice
	// PassThrough says that the upstream reads Authorization itself, where no
	// method of the API does.
	PassThrough bool
}

// Choice is one combination of credentials, all of which are needed.
type Choice struct {
	Entries []int      // methods, by their place in Config.Flat
	Scopes  [][]string // by Entries: all of which that credential needs; nil needs none
	// In says of keys that the API reads in several places where this
	// combination has them, "header" or "query", by the number in Entries.
	In map[int]string
}

// Stage makes the stage of one operation.
func (m *Methods) Stage(d Demand) (durward.Stage, error) {
	s := &stage{Methods: m, public: d.Public, foreign: !d.PassThrough && len(m.slots) > 0}
	choices := d.Choices
	if choices == nil {
		for _, all := range m.own {
			choices = append(choices, Choice{Entries: all})
		}
	}
	if len(choices) == 0 && !d.Public {
		return nil, durward.Invalid("", "takes no credential, so that the operation can be served to nobody unless it is public")
	}
	for _, c := range choices {
		if len(c.Entries) > maxDemands {
			return nil, durward.Invalid("", "an alternative needs more than %d credentials", maxDemands)
		}
		one := alternative{}
		for i, n := range c.Entries {
			e := m.entries[n]
			bit := uint32(1) << e.slot
			switch {
			case one.slots&bit != 0 || one.ambient&bit != 0:
				return nil, durward.Invalid("", "an alternative needs two credentials that stand in the same place")
			case m.slots[e.slot].ambient:
				one.ambient |= bit
			default:
				one.slots |= bit
			}
			if c.Scopes != nil {
				e.scopes = c.Scopes[i]
			}
			e.in = c.In[n]
			one.entries = append(one.entries, e)
		}
		s.alternatives = append(s.alternatives, one)
	}
	return s, nil
}

// admit holds the principal against what the store knows of its consumer, if it
// knows any.
func (m *Methods) admit(p *durward.Principal, from netip.Addr) (known bool, err error) {
	if m.env.Consumers == nil || p.Consumer == "" {
		return false, nil
	}
	c, err := m.env.Consumers.LookUp(p.Consumer)
	switch {
	case errors.Is(err, durward.ErrNotFound):
		return false, nil // an application that only its issuer knows
	case err != nil:
		return false, &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
	case c.Disabled:
		return true, errDisabled
	case !durward.MayCallFrom(c.Addresses, c.Denied, from):
		return true, &durward.Forbidden{Err: errConsumerPlace}
	}
	if p.Plan == "" {
		p.Plan = c.Plan
	}
	return true, nil
}

// cutScheme takes the credentials out of an Authorization value of that scheme,
// whose name has no case (RFC 9110, 11.1).
func cutScheme(value, scheme string) (string, bool) {
	n := len(scheme)
	if len(value) <= n || value[n] != ' ' || !strings.EqualFold(value[:n], scheme) {
		return "", false
	}
	return strings.TrimLeft(value[n:], " "), true
}

// hasScheme tells whether an Authorization value is of that scheme, with or
// without something behind it.
func hasScheme(value, scheme string) bool {
	n := len(scheme)
	return len(value) >= n && strings.EqualFold(value[:n], scheme) && (len(value) == n || value[n] == ' ')
}
