// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
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
	errBound     = errors.New("jwt: bound to a key (cnf), whose possession nothing proves here")
	errProfile   = errors.New("jwt: a claim that RFC 9068 demands is missing")
)

const (
	maxName = 256 // bytes of a subject, role, scope, audience
	maxList = 256 // roles or scopes
)

// verified is what stays of a token that was found good. It is shared by the
// requests that bring the token again, and never changed.
type verified struct {
	principal durward.Principal
	until     int64 // Unix nanoseconds; from then on the token is refused
	issuer    *issuer
	key       *verifyKey
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
	if _, bound := claims["cnf"]; bound {
		// RFC 7800: taken as a mere bearer token it would serve a thief as
		// well as its owner.
		return nil, errBound
	}
	v := &verified{issuer: s}
	exp, err := s.checkTimes(claims, now)
	if err != nil {
		return nil, err
	}
	v.until = exp.until.UnixNano()
	v.principal.Expires = exp.exp
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

type lifetime struct{ exp, until time.Time }

func (s *issuer) checkTimes(claims map[string]any, now time.Time) (l lifetime, err error) {
	skew := s.config.Skew.Std()
	exp, ok, err := date(claims, "exp")
	if err != nil {
		return l, err
	}
	if !ok {
		return l, errNoExp
	}
	l = lifetime{exp: exp, until: exp.Add(skew)}
	nbf, hasNbf, err := date(claims, "nbf")
	if err != nil {
		return l, err
	}
	iat, hasIat, err := date(claims, "iat")
	if err != nil {
		return l, err
	}
	if hasNbf && nbf.After(now.Add(skew)) || hasIat && iat.After(now.Add(skew)) {
		return l, errNotYet
	}
	if !now.Before(l.until) || hasIat && !exp.After(iat) {
		return l, errExpired
	}
	if age := s.config.MaxAge.Std(); age > 0 {
		oldest := iat.Add(age + skew)
		if !hasIat || !now.Before(oldest) {
			return l, errTooOld
		}
		if oldest.Before(l.until) {
			l.until = oldest
		}
	}
	return l, nil
}

// date reads a NumericDate (RFC 7519, section 2): a JSON number of seconds,
// here from 1970 to 9999.
func date(claims map[string]any, name string) (time.Time, bool, error) {
	v, ok := claims[name]
	if !ok {
		return time.Time{}, false, nil
	}
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false, errClaimType
	}
	const last = 253402300799
	if s, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		if s < 0 || s > last {
			return time.Time{}, false, errClaimType
		}
		return time.Unix(s, 0), true, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || !(f >= 0 && f <= last) {
		return time.Time{}, false, errClaimType
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e9)), true, nil
}

// fill reads the principal. A claim that is there must have the right type,
// even where it is not required.
func (s *issuer) fill(p *durward.Principal, t *token, claims map[string]any) error {
	names := &s.config.Claims
	var errs [5]error
	p.Method, p.Issuer, p.Claims = "jwt", s.name, t.payload
	p.Subject, errs[0] = text(claims, names.Subject, "sub")
	p.Consumer, errs[1] = text(claims, names.Consumer, "client_id", "azp")
	p.Roles, errs[2] = list(claims, false, names.Roles, "roles")
	p.Scopes, errs[3] = list(claims, true, names.Scopes, "scope", "scp")
	p.Credential, errs[4] = text(claims, "", "jti")
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if p.Subject == "" {
		return errSubject
	}
	if p.Credential == "" {
		sum := sha256.Sum256([]byte(t.signed))
		p.Credential = "sha256:" + hex.EncodeToString(sum[:8])
	}
	return nil
}

// find gives the first claim that is there: of the configured name, or of the
// defaults where none is configured.
func find(claims map[string]any, configured string, defaults []string) any {
	if configured != "" {
		return lookup(claims, configured)
	}
	for _, name := range defaults {
		if v, ok := claims[name]; ok {
			return v
		}
	}
	return nil
}

func lookup(claims map[string]any, path string) any {
	if v, ok := claims[path]; ok {
		return v
	}
	var v any = claims
	for name := range strings.SplitSeq(path, ".") {
		o, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

func text(claims map[string]any, configured string, defaults ...string) (string, error) {
	v := find(claims, configured, defaults)
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || len(s) > maxName {
		return "", errClaimType
	}
	return s, nil
}

func list(claims map[string]any, split bool, configured string, defaults ...string) ([]string, error) {
	switch v := find(claims, configured, defaults).(type) {
	case nil:
		return nil, nil
	case string:
		if !split {
			return checkNames([]string{v})
		}
		return checkNames(strings.Fields(v))
	case []any:
		out := make([]string, 0, len(v))
		for _, one := range v {
			s, ok := one.(string)
			if !ok {
				return nil, errClaimType
			}
			out = append(out, s)
		}
		return checkNames(out)
	}
	return nil, errClaimType
}

func checkNames(names []string) ([]string, error) {
	if len(names) > maxList {
		return nil, errClaimType
	}
	for _, n := range names {
		if n == "" || len(n) > maxName {
			return nil, errClaimType
		}
	}
	return names, nil
}
