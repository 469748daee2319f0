// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"time"

	"durward"
	"durward/authn/clientcert"
	"durward/authn/dpop"
	"durward/authn/introspect"
)

var (
	errTokenTwice    = errors.New("jwt: token sent more than once")
	errTokenInQuery  = errors.New("jwt: token in the query (RFC 9700, 4.3.2)")
	errScheme        = errors.New("the field Authorization is not of a scheme that the API takes")
	errRevoked       = errors.New("jwt: revoked")
	errOpaqueRevoked = errors.New("introspection: revoked")
	errUnbound       = errors.New("jwt: bound to no key, where the API takes only tokens that are (cnf)")
	errBearer        = errors.New("jwt: bound to a key by DPoP, but sent as a mere bearer token (RFC 9449, 7.1)")
	errDowngrade     = errors.New("jwt: sent by DPoP, but not bound to a key (cnf.jkt)")
	errNoProofs      = errors.New("jwt: bound to a key by DPoP, and nothing here remembers which proofs were used")
	errCertificate   = errors.New("jwt: bound to a client certificate that the connection has not (RFC 8705)")
)

// bearerAuth takes access tokens from one field: JWTs of one or more issuers,
// and opaque ones that an authorization server is asked about.
type bearerAuth struct {
	header       string
	issuers      []*issuer
	bound        map[*issuer]bool           // takes only tokens that are bound to a key
	proofs       map[*issuer]*dpop.Verifier // of those with a configuration of their own
	opaque       *introspect.Client         // nil takes JWTs only
	opaqueBound  bool
	origins      map[*issuer]*origin
	opaqueOrigin origin
	consumers    Consumers      // nil: no consumer is known
	dpop         *dpop.Verifier // for opaque tokens
	offers       *dpop.Verifier // what challenges say of DPoP; nil: nothing
	fromProxy    bool           // trusted proxies pass on the caller's certificate
	cache        *Cache
	revocations  Revocations
	now          func() time.Time
}

func (b *bearerAuth) Present(x *durward.Exchange) int {
	if b.header != authorization {
		return x.In.Header.Count(b.header)
	}
	n := 0
	for i := range x.In.Header {
		if f := &x.In.Header[i]; f.Name == authorization && (hasScheme(f.Value, "Bearer") || hasScheme(f.Value, "DPoP")) {
			n++
		}
	}
	if x.In.RawQuery != "" {
		n += countParam(x.In.RawQuery, "access_token")
	}
	return n
}

// Challenge is RFC 6750, section 3. It says that a token was bad, not why.
func (b *bearerAuth) Challenge(realm string, bad bool) string {
	s := `Bearer realm="` + realm + `"`
	if bad {
		s += `, error="invalid_token"`
	}
	if b.offers != nil {
		s += ", " + b.offers.Challenge(realm, false, nil)
	}
	return s
}

// Authenticate verifies the token, or knows it from the cache; then, if the
// token is bound to a key, that the caller holds it.
func (b *bearerAuth) Authenticate(ctx context.Context, x *durward.Exchange) (p durward.Principal, err error) {
	raw, byDPoP, err := b.token(x)
	if err != nil {
		return p, err
	}
	v, err := b.check(ctx, raw)
	if err != nil {
		return p, err
	}
	// Asked every time, and of the token's identity, not of its spelling.
	if b.revocations != nil && b.revocations.Revoked(v.principal.Issuer, v.principal.Credential, v.principal.Subject, v.issued) {
		if v.issuer == nil {
			return p, errOpaqueRevoked
		}
		return p, errRevoked
	}
	p = v.principal
	o := &b.opaqueOrigin
	if v.issuer != nil {
		o = b.origins[v.issuer]
	}
	if err = o.resolve(&p, b.consumers); err != nil {
		return p, err
	}
	if byDPoP || v.confirmation != (confirmation{}) || b.mustBind(v) {
		err = b.confirm(ctx, x, raw, byDPoP, v, &p)
	}
	return p, err
}

// check gives what is known of the token, whatever kind it is.
func (b *bearerAuth) check(ctx context.Context, raw string) (*verified, error) {
	if b.opaque != nil && (len(b.issuers) == 0 || !b.ours(raw)) {
		return b.introspect(ctx, raw)
	}
	hash := digestOf(raw)
	now := b.now()
	v := b.cache.get(&hash, b.issuers, now)
	if v == nil {
		var err error
		if v, err = b.verify(ctx, raw, now); err != nil {
			return nil, err
		}
		b.cache.put(&hash, v)
	}
	return v, nil
}

// ours tells whether the token is a JWT of one of the issuers. What only looks
// like one may be an opaque token of the authorization server.
func (b *bearerAuth) ours(raw string) bool {
	t, err := parseToken(raw)
	if err != nil {
		return false
	}
	claims, err := readObject(t.payload)
	if err != nil {
		return false
	}
	iss, _ := claims["iss"].(string)
	return b.issuer(iss) != nil
}

func (b *bearerAuth) introspect(ctx context.Context, raw string) (*verified, error) {
	found, err := b.opaque.Check(ctx, raw)
	if err != nil {
		return nil, err
	}
	return &verified{principal: found.Principal, issued: found.Issued, confirmation: confirmation{jkt: found.JKT, x5t: found.X5T}}, nil
}

func (b *bearerAuth) mustBind(v *verified) bool {
	if v.issuer == nil {
		return b.opaqueBound
	}
	return b.bound[v.issuer]
}

// confirm checks that the caller holds the key that the token is bound to
// (RFC 7800). A token may be bound in both ways; then both are checked.
func (b *bearerAuth) confirm(ctx context.Context, x *durward.Exchange, raw string, byDPoP bool, v *verified, p *durward.Principal) error {
	c := &v.confirmation
	switch {
	case c.jkt == "" && c.x5t == "":
		if byDPoP {
			return errDowngrade
		}
		return errUnbound
	case c.x5t != "":
		// Whose certificate it is nobody has verified, only who has its key: its
		// names are not passed on (Principal.Certificate).
		if clientcert.Holds(x, c.x5t, b.fromProxy) == nil {
			return errCertificate
		}
		p.Bound = "mtls"
	}
	if c.jkt == "" {
		if byDPoP {
			return errDowngrade
		}
		return nil
	}
	if !byDPoP {
		return errBearer
	}
	proofs := b.dpop
	if v.issuer != nil {
		proofs = b.proofs[v.issuer]
	}
	if proofs == nil {
		return errNoProofs
	}
	if err := proofs.Verify(ctx, x, raw, c.jkt); err != nil {
		return &unproven{err, proofs}
	}
	p.Bound = "dpop"
	return nil
}

// Claimed is the token itself: its id lives too short to be counted by.
func (b *bearerAuth) Claimed(x *durward.Exchange) (credential, presented string) {
	raw, _, _ := b.token(x)
	return "", raw
}

// token gives the one token of the request, and whether it came by DPoP.
func (b *bearerAuth) token(x *durward.Exchange) (value string, byDPoP bool, err error) {
	if x.In.RawQuery != "" && b.header == authorization && countParam(x.In.RawQuery, "access_token") > 0 {
		return "", false, errTokenInQuery
	}
	if x.In.Header.Count(b.header) != 1 {
		return "", false, errTokenTwice
	}
	value = x.In.Header.Get(b.header)
	if b.header == authorization {
		var ok bool
		scheme := "Bearer"
		if byDPoP = hasScheme(value, "DPoP"); byDPoP {
			scheme = "DPoP"
		}
		if value, ok = cutScheme(value, scheme); !ok {
			return "", false, errScheme
		}
	}
	if value == "" || len(value) > maxToken {
		return "", false, errTokenSize
	}
	return value, byDPoP, nil
}

// verify is the long way. The claims come first: they cost less than the
// signature, and a token that is for somebody else, or has expired, must not
// be able to cause a fetch.
func (b *bearerAuth) verify(ctx context.Context, raw string, now time.Time) (*verified, error) {
	t, err := parseToken(raw)
	if err != nil {
		return nil, err
	}
	claims, err := readObject(t.payload)
	if err != nil {
		return nil, errPayload
	}
	iss, _ := claims["iss"].(string)
	i := b.issuer(iss)
	if i == nil {
		return nil, errIssuer
	}
	v, err := i.check(t, claims, now)
	if err != nil {
		return nil, err
	}
	v.key, err = i.source.verify(ctx, t)
	if errors.Is(err, errUnavailable) {
		return nil, &durward.Unavailable{Code: durward.CodeIssuerUnavailable, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// issuer finds the issuer that a token claims to be from. Only its keys are
// tried then, so a wrong claim ends in a wrong signature.
func (b *bearerAuth) issuer(iss string) *issuer {
	for _, i := range b.issuers {
		if i.config.Issuer == iss && iss != "" {
			return i
		}
	}
	return nil
}
