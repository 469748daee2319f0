// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"durward"
	"durward/authn/capability"
	"durward/authn/clientcert"
	"durward/authn/dpop"
	"durward/authn/httpsig"
	"durward/authn/introspect"
)

// add makes one configured method. It adds an entry also with an error, so
// that the numbering stays that of Config.Flat.
func (m *Methods) add(c *Method, bearers map[string]*bearerAuth) error {
	defer func() { m.entries[len(m.entries)-1].kind = c.kind() }()
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
		return durward.InvalidIn("jwt", m.addIssuer(b, c.JWT))
	case c.Introspection != nil:
		return durward.InvalidIn("introspection", m.addIntrospection(m.bearer(authorization, bearers), c.Introspection))
	case c.ClientCertificate != nil:
		a, err := clientcert.New(*c.ClientCertificate, clientcert.Deps{Consumers: m.env.Consumers, Now: m.env.Now, Log: m.env.Log})
		m.place(slot{authenticator: a, ambient: true})
		return durward.InvalidIn("client_certificate", err)
	case c.Signature != nil:
		a, err := httpsig.New(*c.Signature, httpsig.Deps{Consumers: m.env.Consumers, Uses: m.env.Uses, Now: m.env.Now})
		s := slot{authenticator: a}
		if err == nil {
			s.accept = a.AcceptSignature()
		}
		m.place(s)
		return durward.InvalidIn("signature", err)
	default:
		s := slot{}
		if c.Capability.Field() == authorization {
			s.schemes = []string{"Capability"}
		}
		env := capability.Env{Consumers: m.env.Consumers, Uses: m.env.Uses, Revocations: m.env.Revocations, Now: m.env.Now}
		proofs, err := m.proofs(nil)
		if proofs != nil { // a nil one would not be a nil interface
			env.Proof = proofs
		}
		if err == nil {
			s.authenticator, err = capability.New(*c.Capability, env)
		}
		m.place(s)
		return durward.InvalidIn("capability", err)
	}
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
		header: header, bound: map[*issuer]bool{}, proofs: map[*issuer]*dpop.Verifier{}, origins: map[*issuer]*origin{},
		consumers: m.env.Consumers,
		cache:     m.env.Cache, revocations: m.env.Revocations, now: m.env.Now,
	}
	known[header] = b
	s := slot{authenticator: b}
	if header == authorization {
		s.schemes = []string{"Bearer", "DPoP"}
	}
	m.place(s)
	return b
}

// addIntrospection makes b take opaque tokens.
func (m *Methods) addIntrospection(b *bearerAuth, c *Introspection) error {
	client, err := introspect.New(c.name(), c.Config, m.env.Now, m.env.Log)
	if err != nil {
		return err
	}
	m.closers = append(m.closers, client.Close)
	m.entries[len(m.entries)-1].issuer = c.name()
	b.opaque, b.opaqueBound = client, c.Bound
	b.opaqueOrigin = originOf(c.Consumers, c.NoConsumers, m.sole)
	b.dpop, err = m.proofs(nil)
	if c.Bound && b.offers == nil {
		b.offers = b.dpop
	}
	return err
}

// addIssuer makes b take the tokens of one more issuer.
func (m *Methods) addIssuer(b *bearerAuth, c *JWT) error {
	var i *issuer
	if m.env.Issuers != nil {
		i = m.env.Issuers.byName[c.Issuer]
	}
	if i == nil {
		return durward.Invalid("issuer", "no issuer is called %q", c.Issuer)
	}
	if b.issuer(i.config.Issuer) != nil {
		return durward.Invalid("issuer", "another issuer of this API has the same iss")
	}
	m.entries[len(m.entries)-1].issuer = i.name
	b.issuers = append(b.issuers, i)
	b.bound[i] = c.Bound
	o := originOf(i.config.Consumers, i.config.NoConsumers, m.sole)
	b.origins[i] = &o
	proofs, err := m.proofs(c.DPoP)
	b.proofs[i] = proofs
	if (c.Bound || c.DPoP != nil) && b.offers == nil {
		b.offers = proofs
	}
	return durward.InvalidIn("dpop", err)
}

// proofs makes a verifier of DPoP proofs; nil is the default one. Without a
// place to remember used proofs there is none, and tokens that need one are
// refused.
func (m *Methods) proofs(c *dpop.Config) (*dpop.Verifier, error) {
	if c == nil {
		if m.env.Uses == nil {
			return nil, nil
		}
		c = &dpop.Config{}
	}
	return dpop.New(*c, m.env.Uses, m.env.Now)
}
