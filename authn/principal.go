// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"durward"
)

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
