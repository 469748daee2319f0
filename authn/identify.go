// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"maps"
	"slices"
	"time"

	"durward"
)

// TokenID is what a token is revoked by.
type TokenID struct {
	Issuer     string // its name in the configuration
	Credential string // as in Principal.Credential
	Subject    string
	Ends       time.Time // from then on it is refused anyway
}

// Identify reads which token a JWT is: one answer for each of the configured
// issuers that has its iss. Nothing is verified, so the answer says nothing of
// who made the token; it is for refusing it.
func Identify(configs map[string]*IssuerConfig, raw string) ([]TokenID, error) {
	t, err := parseToken(raw)
	if err != nil {
		return nil, err
	}
	claims, err := readObject(t.payload)
	if err != nil {
		return nil, errPayload
	}
	iss, _ := claims["iss"].(string)
	var all []TokenID
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		if configs[name] == nil {
			continue
		}
		i := issuer{name: name, config: configs[name].withDefaults()}
		if iss == "" || i.config.Issuer != iss {
			continue
		}
		var p durward.Principal
		if err := i.fill(&p, t, claims); err != nil {
			return nil, err
		}
		exp, has, err := date(claims, "exp")
		switch {
		case err != nil:
			return nil, err
		case !has:
			return nil, errNoExp
		}
		all = append(all, TokenID{name, p.Credential, p.Subject, exp.Add(i.config.Skew.Std())})
	}
	if len(all) == 0 {
		return nil, errIssuer
	}
	return all, nil
}
