// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"testing"

	"durward"
	"durward/authn/clientcert"
)

// The certificate that a token is bound to may be anybody's, and say of itself
// whatever its maker likes: an upstream must not get it as one that was verified.
func TestTheCertificateOfABoundTokenIsNotOneThatWasVerified(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	own, other := &x509.Certificate{Raw: []byte("CN=admin")}, &x509.Certificate{Raw: []byte("another")}
	tok := ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"cnf": map[string]any{"x5t#S256": clientcert.Thumbprint(own)}}))
	for name, row := range map[string]struct {
		shown *x509.Certificate
		why   error
	}{
		"its own": {own, nil},
		"another": {other, errCertificate},
		"none":    {nil, errCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			x := bearer(tok)
			if row.shown != nil {
				x.In.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{row.shown}}
			}
			d := f.stage.Request(context.Background(), x)
			if row.why != nil {
				refused(t, d, row.why)
				return
			}
			allowed(t, d)
			if x.Principal.Bound != "mtls" || x.Principal.Certificate != nil {
				t.Errorf("bound %q, certificate %v", x.Principal.Bound, x.Principal.Certificate)
			}
		})
	}
}

// verifiedBy is a credential with a certificate.
type verifiedBy struct {
	fake
	chain []*x509.Certificate
}

func (v verifiedBy) Authenticate(ctx context.Context, x *durward.Exchange) (durward.Principal, error) {
	p, err := v.fake.Authenticate(ctx, x)
	p.Certificate, p.CertificateChain = v.chain[0], v.chain[1:]
	return p, err
}

func TestACertificateBesideAnotherCredentialKeepsItsChain(t *testing.T) {
	chain := []*x509.Certificate{{Raw: []byte("leaf")}, {Raw: []byte("root")}}
	m := &Methods{
		slots:   []slot{{authenticator: fake{field: "A"}}, {authenticator: verifiedBy{fake{field: "T"}, chain}, ambient: true}},
		entries: []entry{{slot: 0}, {slot: 1}},
	}
	s, err := m.Stage(Demand{Choices: []Choice{{Entries: []int{0, 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	x := exchange("A", "good", "T", "good")
	allowed(t, s.Request(t.Context(), x))
	if p := x.Principal; p.Subject != "A" || p.Certificate != chain[0] || len(p.CertificateChain) != 1 || p.CertificateChain[0] != chain[1] {
		t.Errorf("%q, certificate %v, chain %v", p.Subject, p.Certificate, p.CertificateChain)
	}
}
