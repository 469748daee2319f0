// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"durward"
)

// add makes one configured method. It adds an entry also with an error, so
// that the numbering stays that of Config.Flat.
func (m *Methods) add(c *Method, bearers map[string]*bearerAuth) error {
	switch {
	case c.APIKey != nil:
		a, err := newKeyAuth(c.APIKey, m.env)
		s := slot{authenticator: a}
		if c.APIKey.header() == authorization {
			s.schemes = []string{"ApiKey"}
		}
		m.place(s)
		return durward.InvalidIn("api_key", err)
	case c.JWT != nil:
		b := m.bearer(c.JWT.header(), bearers)
		return durward.InvalidIn("jwt", b.add(c.JWT, m.env))
	}
	return nil
}

// bearer gives the reader of a field's tokens, one for all issuers, and adds an
// entry for it.
func (m *Methods) bearer(header string, known map[string]*bearerAuth) *bearerAuth {
	if b := known[header]; b != nil {
		for i := range m.slots {
			if m.slots[i].authenticator == authenticator(b) {
				m.entries = append(m.entries, entry{slot: i})
			}
		}
		return b
	}
	b := &bearerAuth{
		header: header, bound: map[*issuer]bool{}, proofs: map[*issuer]proofs{},
		cache: m.env.Cache, revocations: m.env.Revocations, now: m.env.Now,
	}
	known[header] = b
	s := slot{authenticator: b}
	if header == authorization {
		s.schemes = []string{"Bearer", "DPoP"}
	}
	m.place(s)
	return b
}

// add makes b take the tokens of one more issuer.
func (b *bearerAuth) add(c *JWT, env Env) error {
	var i *issuer
	if env.Issuers != nil {
		i = env.Issuers.byName[c.Issuer]
	}
	if i == nil {
		return durward.Invalid("issuer", "no issuer is called %q", c.Issuer)
	}
	if b.issuer(i.config.Issuer) != nil {
		return durward.Invalid("issuer", "another issuer of this API has the same iss")
	}
	b.issuers = append(b.issuers, i)
	b.bound[i] = c.Bound
	return nil
}
