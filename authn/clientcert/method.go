// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unsafe"

	"durward"
	"durward/internal/clientca"
)

// Consumers is where the consumers are found that the map names. It answers
// from memory and must be safe for concurrent use.
type Consumers interface {
	// LookUp finds a consumer; the error is durward.ErrNotFound when there is
	// none, and any other means that the store could not answer.
	LookUp(id string) (durward.Consumer, error)
}

// Deps is what a Method needs of the gateway.
type Deps struct {
	// Consumers finds consumers. nil: there is no store, the map alone says who
	// there is, and roles are those of its rules.
	Consumers Consumers
	Now       func() time.Time // nil is time.Now
	Log       *slog.Logger     // nil logs nothing
}

// Why a certificate that is good is refused all the same.
var (
	errTwo       = errors.New("client certificate: more than one Client-Cert field")
	errUnmapped  = errors.New("client certificate: no rule of the map takes it")
	errAmbiguous = errors.New("client certificate: stands for more than one consumer")
	errSVID      = errors.New("client certificate: has a SPIFFE id and is not a valid X509-SVID")
	errForm      = errors.New("client certificate: what stands for the consumer is not the form of an id")
	errUnknown   = errors.New("client certificate: no such consumer")
	errDisabled  = errors.New("client certificate: its consumer is disabled")
)

// errAddress is a 403: who calls is known.
var errAddress error = &durward.Forbidden{Err: errors.New("client certificate: its consumer may not call from this address")}

// Method authenticates by certificate. Safe for concurrent use.
type Method struct {
	verifier  *clientca.Verifier
	rules     []rule
	svids     bool // a rule is about SPIFFE ids
	fromProxy bool
	consumers Consumers
}

type rule struct {
	pattern  *pattern
	consumer string
	roles    []string
}

// mapped is what the map makes of a certificate.
type mapped struct {
	subject, consumer, credential string
	roles                         []string
}

// New reads the files of cfg. A file that cannot be read is an error.
func New(cfg Config, deps Deps) (*Method, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m := &Method{fromProxy: cfg.FromProxy, consumers: deps.Consumers}
	for i := range cfg.Map {
		r := &cfg.Map[i]
		k, text := r.what()
		p, err := compile(k, text)
		if err != nil {
			return nil, err
		}
		m.svids = m.svids || k == bySPIFFE
		m.rules = append(m.rules, rule{p, r.Consumer, slices.Clone(r.Roles)})
	}
	var err error
	m.verifier, err = clientca.New(clientca.Files{CA: cfg.CA, CRL: cfg.CRL}, m.derive, deps.Now, deps.Log)
	if err != nil {
		return nil, durward.Invalid("", "the files cannot be used: %v", err)
	}
	return m, nil
}

// Present counts the certificates that the request comes with: that of the
// connection, or the fields of a trusted proxy, whose own certificate says
// nothing of the caller.
func (m *Method) Present(x *durward.Exchange) int {
	if m.fromProxy && x.Client.Trusted {
		return x.In.Header.Count(fieldCert)
	}
	if x.In.TLS != nil && len(x.In.TLS.PeerCertificates) > 0 {
		return 1
	}
	return 0
}

// Claimed is the id of the certificate, as Principal.Credential has it, and the
// certificate. Nothing is verified. What is presented is only to be hashed: it
// shares the connection's memory.
func (m *Method) Claimed(x *durward.Exchange) (credential, presented string) {
	if m.fromProxy && x.Client.Trusted {
		if presented = x.In.Header.Get(fieldCert); x.In.Header.Count(fieldCert) != 1 {
			return "", ""
		}
		der, ok := byteSequence(strings.Trim(presented, " "))
		if !ok {
			return "", presented
		}
		return credentialOf(der), presented
	}
	if x.In.TLS == nil || len(x.In.TLS.PeerCertificates) == 0 {
		return "", ""
	}
	raw := x.In.TLS.PeerCertificates[0].Raw
	return credentialOf(raw), unsafe.String(unsafe.SliceData(raw), len(raw))
}

func credentialOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:16])
}

// Authenticate checks the certificate for this moment and finds its consumer.
func (m *Method) Authenticate(_ context.Context, x *durward.Exchange) (durward.Principal, error) {
	v, err := m.verdict(x)
	if err != nil {
		return durward.Principal{}, err
	}
	d := v.Derived.(*mapped)
	p := durward.Principal{
		Subject: d.subject, Consumer: d.consumer, Method: "client_certificate", Credential: d.credential,
		Roles: d.roles, Expires: v.Chain[0].NotAfter, Bound: "mtls",
		Certificate: v.Chain[0], CertificateChain: v.Chain[1:],
	}
	if m.consumers == nil {
		return p, nil
	}
	c, err := m.consumers.LookUp(d.consumer)
	switch {
	case errors.Is(err, durward.ErrNotFound):
		return durward.Principal{}, errUnknown
	case err != nil:
		return durward.Principal{}, &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
	case c.Disabled:
		return durward.Principal{}, errDisabled
	case !durward.MayCallFrom(c.Addresses, c.Denied, x.Client.Address):
		return durward.Principal{}, errAddress
	}
	p.Roles, p.Plan = durward.Union(d.roles, c.Roles), c.Plan
	return p, nil
}

func (m *Method) verdict(x *durward.Exchange) (*clientca.Verdict, error) {
	if m.fromProxy && x.Client.Trusted {
		ders, err := fromField(x.In.Header)
		if err != nil {
			return nil, err
		}
		return m.verifier.CheckDER(ders)
	}
	if x.In.TLS == nil {
		return nil, clientca.ErrNone
	}
	return m.verifier.Check(x.In.TLS.PeerCertificates)
}

// Challenge is empty: there is no scheme of WWW-Authenticate that asks for a
// certificate, since that is a matter of the handshake.
func (m *Method) Challenge(string, bool) string { return "" }

// derive finds the consumer of a certificate whose chain is good.
func (m *Method) derive(leaf *x509.Certificate) (any, error) {
	n := namesOf(leaf)
	if m.svids && n.badSPIFFE {
		return nil, errSVID
	}
	for i := range m.rules {
		r := &m.rules[i]
		d, err := r.apply(&n)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		d.credential = credentialOf(leaf.Raw)
		return d, nil
	}
	return nil, errUnmapped
}

// apply gives nil when the rule does not take any of the names.
func (r *rule) apply(n *names) (*mapped, error) {
	var d *mapped
	for _, value := range n.byKind[r.pattern.kind] {
		consumer, ok := r.pattern.match(value)
		if !ok {
			continue
		}
		if !r.pattern.captures {
			consumer = r.consumer
		}
		switch {
		case !isConsumer(consumer):
			return nil, errForm
		case d != nil && d.consumer != consumer:
			return nil, errAmbiguous
		case d == nil:
			d = &mapped{subject: value, consumer: consumer, roles: r.roles}
		}
	}
	return d, nil
}
