// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"

	"durward"
)

// Consumers finds who a token was made for.
type Consumers interface {
	// LookUp gives durward.ErrNotFound when there is no such consumer; any
	// other error means that it could not be found out. It never blocks.
	LookUp(id string) (durward.Consumer, error)
}

// Uses counts what may be used so many times.
type Uses interface {
	// Use counts one use of id in a space. It gives false when limit uses were
	// counted before; the count is kept until the given time at least. An
	// error means that it could not be counted.
	Use(ctx context.Context, space string, id [32]byte, limit int, until time.Time) (ok bool, err error)
}

// Revocations knows what was revoked before it expired. The issuer is "capability",
// the credential the token's id: all that were made from it are revoked too. The
// subject is the principal's, and issued when the first of them was minted.
type Revocations interface {
	Revoked(issuer, credential, subject string, issued time.Time) bool
}

// Proof verifies that the caller holds the key that a token is bound to.
type Proof interface {
	// Verify is nil when x carries a proof for this request and this token
	// (RFC 9449) by the key with the JWK thumbprint jkt (RFC 7638, SHA-256,
	// base64url). It is called at most once for a request, after all that is
	// cheaper.
	Verify(ctx context.Context, x *durward.Exchange, token, jkt string) error
}

// Env is what a Method needs of the gateway.
type Env struct {
	Consumers   Consumers
	Uses        Uses
	Revocations Revocations // nil: nothing is ever revoked
	Proof       Proof       // nil: tokens that are bound to a key are refused
	Now         func() time.Time
}

// Space is the issuer of Revocations and the method of the principal. With the
// consumer behind it ("capability/acme") it is the space of Uses.
const Space = "capability"

// Why a token was refused, for the audit record.
var (
	errTwice    = errors.New("capability: sent more than once")
	errKey      = errors.New("capability: minted with a key that is not known")
	errKeyEnded = errors.New("capability: minted with a key that has ended")
	errFuture   = errors.New("capability: issued in the future")
	errAge      = errors.New("capability: older than max_age")
	errRevoked  = errors.New("capability: revoked")
	errConsumer = errors.New("capability: its consumer is not known, or disabled")
	errNoProof  = errors.New("capability: bound to a key, and proofs are not taken here")
)

// skew is how far, in seconds, the clock of a minter may be ahead.
const skew = 30

// Method takes capability tokens. It is safe for concurrent use.
type Method struct {
	field string
	age   int64 // seconds
	keys  []verifier
	env   Env
	work  sync.Pool // *work
}

// verifier is a key, made ready.
type verifier struct {
	id    string
	root  [32]byte
	until int64 // seconds; maxTime for ever
}

// work is what one verification needs, so that it does not allocate.
type work struct {
	text [MaxText]byte
	raw  [maxRaw]byte
	mac  mac
	uses [MaxCaveats]counter
	n    int // of uses
}

func (w *work) reset() {
	clear(w.text[:])
	clear(w.raw[:])
	w.mac.clear()
	w.n = 0
}

// New makes the method. Consumers and Uses must be given.
func New(cfg Config, env Env) (*Method, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if env.Consumers == nil || env.Uses == nil {
		return nil, durward.Invalid("", "needs a store of consumers and a counter of uses")
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	m := &Method{field: cfg.Field(), age: cfg.age(), env: env}
	for i := range cfg.Keys {
		k := &cfg.Keys[i]
		v := verifier{id: k.ID, root: rootKey([]byte(k.Secret)), until: maxTime}
		if !k.NotAfter.IsZero() {
			v.until = k.NotAfter.Unix()
		}
		m.keys = append(m.keys, v)
	}
	m.work.New = func() any { return &work{mac: newMAC()} }
	return m, nil
}

// Present counts the tokens that x carries, good or bad. In Authorization only
// the scheme Capability is meant.
func (m *Method) Present(x *durward.Exchange) int {
	n := 0
	for i := range x.In.Header {
		if f := &x.In.Header[i]; f.Name == m.field && (m.field != authorization || hasScheme(f.Value)) {
			n++
		}
	}
	return n
}

func hasScheme(v string) bool {
	return len(v) >= len(scheme) && strings.EqualFold(v[:len(scheme)], scheme) && (len(v) == len(scheme) || v[len(scheme)] == ' ')
}

// Challenge is the WWW-Authenticate value (RFC 9110, section 11.6.1). It is the
// same for every fault.
func (m *Method) Challenge(realm string, _ bool) string { return scheme + ` realm="` + realm + `"` }

// token gives the one token that is present.
func (m *Method) token(x *durward.Exchange) (string, error) {
	text, found := "", false
	for i := range x.In.Header {
		f := &x.In.Header[i]
		if f.Name != m.field || m.field == authorization && !hasScheme(f.Value) {
			continue
		}
		if found {
			return "", errTwice
		}
		text, found = f.Value, true
	}
	if m.field == authorization && found {
		text = strings.TrimLeft(text[len(scheme):], " ")
	}
	return text, nil
}

// Claimed is the token's id, as Principal.Credential has it, and its text.
// Nothing is verified; the id is "" for what is no token.
func (m *Method) Claimed(x *durward.Exchange) (credential, presented string) {
	text, err := m.token(x)
	if err != nil || text == "" {
		return "", ""
	}
	w := m.work.Get().(*work)
	defer func() {
		w.reset()
		m.work.Put(w)
	}()
	if len(text) > len(w.text) {
		return "", text
	}
	raw, err := decode(w.raw[:], w.text[:copy(w.text[:], text)])
	if err != nil {
		return "", text
	}
	v, err := split(raw)
	if err != nil {
		return "", text
	}
	return hexID(v.id), text
}

// Ended tells of an error of Authenticate that the token was good, and that its
// time is over: no guess.
func Ended(err error) bool { return errors.Is(err, errAge) || errors.Is(err, errExpired) }

func hexID(id []byte) string {
	var text [2 * idSize]byte
	hex.Encode(text[:], id)
	return string(text[:])
}

// Authenticate verifies the token, and judges every caveat that the head of
// the request is enough for. What is left is in the principal's Restrictions.
// The error holds nothing of the token.
func (m *Method) Authenticate(ctx context.Context, x *durward.Exchange) (p durward.Principal, err error) {
	text, err := m.token(x)
	if err != nil {
		return p, err
	}
	w := m.work.Get().(*work)
	defer func() {
		w.reset()
		m.work.Put(w)
	}()
	if len(text) > len(w.text) {
		return p, errLength
	}
	raw, err := decode(w.raw[:], w.text[:copy(w.text[:], text)])
	if err != nil {
		return p, err
	}
	v, err := split(raw)
	if err != nil {
		return p, err
	}
	key := m.key(v.keyID)
	if key == nil {
		return p, errKey
	}
	if !w.verify(key, &v) {
		return p, errChain
	}
	now := m.env.Now().Unix()
	j := judge{x: x, w: w, now: now, most: v.issued + m.age, expires: min(v.issued+m.age, key.until), ends: maxTime + 1}
	switch {
	case now >= key.until:
		return p, errKeyEnded
	case v.issued > now+skew:
		return p, errFuture
	case now >= v.issued+m.age:
		return p, errAge
	}
	if err := j.all(v.caveats); err != nil {
		return p, err
	}
	if p, err = m.principal(&v); err != nil {
		return durward.Principal{}, err
	}
	if j.bound != nil {
		if err := m.prove(ctx, x, text, j.bound); err != nil {
			return durward.Principal{}, err
		}
		p.Bound = "dpop"
	}
	p.Expires = time.Unix(j.expires, 0)
	p.Restrictions = m.late(&j, &v, p.Consumer)
	return p, nil
}

func (m *Method) key(id []byte) *verifier {
	for i := range m.keys {
		if m.keys[i].id == string(id) {
			return &m.keys[i]
		}
	}
	return nil
}

// verify computes the chain, and the counters on its way.
func (w *work) verify(k *verifier, v *view) bool {
	w.mac.tag = k.root
	w.mac.step(v.header)
	for rest := v.caveats; len(rest) > 0; {
		var t Type
		var whole, body []byte
		t, whole, body, rest, _ = nextCaveat(rest)
		w.mac.step(whole)
		if t == TypeUses {
			w.uses[w.n] = counterOf(&w.mac.tag, body)
			w.n++
		}
	}
	return hmac.Equal(w.mac.tag[:], v.tag)
}

// principal finds the consumer. A token has its consumer's roles, as they are
// now; its caveats narrow what can be done with them.
func (m *Method) principal(v *view) (p durward.Principal, err error) {
	c, err := m.env.Consumers.LookUp(string(v.consumer))
	switch {
	case errors.Is(err, durward.ErrNotFound):
		return p, errConsumer
	case err != nil:
		return p, unavailable(err)
	case c.Disabled || c.ID != string(v.consumer):
		return p, errConsumer
	}
	p = durward.Principal{Subject: c.ID, Consumer: c.ID, Method: Space, Credential: hexID(v.id), Roles: c.Roles}
	if len(v.subject) > 0 {
		p.Subject = string(v.subject)
	}
	if m.env.Revocations != nil && m.env.Revocations.Revoked(Space, p.Credential, p.Subject, time.Unix(v.issued, 0)) {
		return p, errRevoked
	}
	return p, nil
}

func (m *Method) prove(ctx context.Context, x *durward.Exchange, text string, want []byte) error {
	if m.env.Proof == nil {
		return errNoProof
	}
	var jkt [43]byte
	base64url.Encode(jkt[:], want)
	return m.env.Proof.Verify(ctx, x, text, string(jkt[:]))
}

// unavailable says that something that is needed to decide is away.
func unavailable(err error) error {
	if _, ok := errors.AsType[*durward.Unavailable](err); ok {
		return err
	}
	return &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
}
