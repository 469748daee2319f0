// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"slices"
	"strings"
	"time"

	"durward"
)

var (
	errIssuer    = errors.New("jwt: iss is not an issuer of this API")
	errAlgorithm = errors.New("jwt: alg is not on the issuer's list")
	errType      = errors.New("jwt: typ is not the one that the issuer's tokens must have")
	errClaimType = errors.New("jwt: claim has the wrong type, or is too long")
	errAudience  = errors.New("jwt: aud does not name this service")
	errNoExp     = errors.New("jwt: exp is missing")
	errExpired   = errors.New("jwt: expired")
	errTooOld    = errors.New("jwt: older than max_age, or iat is missing")
	errNotYet    = errors.New("jwt: not valid yet (nbf or iat)")
	errSubject   = errors.New("jwt: subject is missing")
	errProfile   = errors.New("jwt: a claim that RFC 9068 demands is missing")
)

const (
	maxName = 256 // bytes of a subject, role, scope, audience
	maxList = 256 // roles or scopes
)

// verified is what stays of a token that was found good. It is shared by the
// requests that bring the token again, and never changed.
type verified struct {
	principal    durward.Principal
	confirmation confirmation
	issued       time.Time // zero when it does not say
	until        int64     // Unix nanoseconds; from then on the token is refused
	issuer       *issuer   // nil for an opaque token
	key          *verifyKey
}

// check decides on everything but the signature: RFC 7519 section 4.1, RFC
// 8725 section 3.
func (s *issuer) check(t *token, claims map[string]any, now time.Time) (*verified, error) {
	if !slices.Contains(s.config.Algorithms, t.alg) {
		return nil, errAlgorithm
	}
	if !s.typeFits(t.typ) {
		return nil, errType
	}
	if err := s.checkAudience(claims["aud"]); err != nil {
		return nil, err
	}
	v := &verified{issuer: s}
	var err error
	if v.confirmation, err = readConfirmation(claims); err != nil {
		return nil, err
	}
	exp, err := s.checkTimes(claims, now)
	if err != nil {
		return nil, err
	}
	v.until = exp.until.UnixNano()
	v.principal.Expires, v.issued = exp.exp, exp.iat
	if s.config.Type == "at+jwt" {
		for _, name := range []string{"sub", "client_id", "iat", "jti"} { // RFC 9068, 2.2
			if claims[name] == nil {
				return nil, errProfile
			}
		}
	}
	return v, s.fill(&v.principal, t, claims)
}

func (s *issuer) typeFits(typ string) bool {
	const prefix = "application/" // RFC 7515, 4.1.9: may be left out
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	switch s.config.Type {
	case "any":
		return true
	case "at+jwt":
		return strings.EqualFold(typ, "at+jwt")
	}
	return typ == "" || strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "at+jwt")
}

func (s *issuer) checkAudience(aud any) error {
	if one, ok := aud.(string); ok {
		aud = []any{one}
	}
	list, ok := aud.([]any)
	if !ok || len(list) > maxList {
		return errAudience
	}
	found := false
	for _, a := range list {
		name, ok := a.(string)
		if !ok {
			return errClaimType
		}
		found = found || slices.Contains(s.config.Audiences, name)
	}
	if !found {
		return errAudience
	}
	return nil
}
