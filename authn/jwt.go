// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"strings"
	"time"

	"durward"
)

var (
	errTokenTwice   = errors.New("jwt: token sent more than once")
	errTokenInQuery = errors.New("jwt: token in the query (RFC 9700, 4.3.2)")
	errScheme       = errors.New("jwt: Authorization is not of the Bearer scheme")
	errRevoked      = errors.New("jwt: revoked")
)

// bearerAuth takes the tokens of one or more issuers from one field.
type bearerAuth struct {
	header      string
	issuers     []*issuer
	cache       *Cache
	revocations Revocations
	now         func() time.Time
}

func (b *bearerAuth) present(x *durward.Exchange) int {
	n := x.In.Header.Count(b.header)
	if x.In.RawQuery != "" && b.header == authorization {
		n += countParam(x.In.RawQuery, "access_token")
	}
	return n
}

// challenge is RFC 6750, section 3. It says that a token was bad, not why.
func (b *bearerAuth) challenge(realm string, bad bool) string {
	if bad {
		return `Bearer realm="` + realm + `", error="invalid_token"`
	}
	return `Bearer realm="` + realm + `"`
}

// Authenticate verifies the token, or knows it from the cache.
func (b *bearerAuth) Authenticate(ctx context.Context, x *durward.Exchange) (p durward.Principal, r Result, err error) {
	if b.present(x) == 0 {
		return p, NotMine, nil
	}
	raw, err := b.token(x)
	if err != nil {
		return p, Rejected, err
	}
	hash := digestOf(raw)
	now := b.now()
	v := b.cache.get(&hash, b.issuers, now)
	if v == nil {
		if v, err = b.verify(ctx, raw, now); err != nil {
			return p, Rejected, err
		}
		b.cache.put(&hash, v)
	}
	// Asked every time, and of the token's identity, not of its spelling.
	if b.revocations != nil && b.revocations.Revoked(v.principal.Issuer, v.principal.Credential) {
		return p, Rejected, errRevoked
	}
	return v.principal, Accepted, nil
}

// token gives the one token of the request.
func (b *bearerAuth) token(x *durward.Exchange) (string, error) {
	if x.In.RawQuery != "" && b.header == authorization && countParam(x.In.RawQuery, "access_token") > 0 {
		return "", errTokenInQuery
	}
	if x.In.Header.Count(b.header) != 1 {
		return "", errTokenTwice
	}
	value := x.In.Header.Get(b.header)
	if b.header == authorization {
		var ok bool
		if value, ok = cutScheme(value, "Bearer"); !ok {
			return "", errScheme
		}
	}
	if value == "" || len(value) > maxToken {
		return "", errTokenSize
	}
	return value, nil
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
		return nil, &unavailable{durward.CodeIssuerUnavailable, err}
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

// cutScheme takes the credentials out of an Authorization value of that scheme,
// whose name has no case (RFC 9110, 11.1).
func cutScheme(value, scheme string) (string, bool) {
	n := len(scheme)
	if len(value) <= n || value[n] != ' ' || !strings.EqualFold(value[:n], scheme) {
		return "", false
	}
	return strings.TrimLeft(value[n:], " "), true
}
