// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// lifetime is that of a token; iat is zero when it does not say.
type lifetime struct{ iat, exp, until time.Time }

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
	l.iat = iat
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
