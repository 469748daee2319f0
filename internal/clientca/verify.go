// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"time"
)

// Limits of what a client sends.
const (
	MaxChain = 8        // certificates, the leaf among them
	MaxLeaf  = 16 << 10 // bytes, DER
	maxBytes = 32 << 10 // of all certificates
)

// Why a certificate is bad. These reach audit records, never the client, and
// quote nothing of the certificate.
var (
	ErrNone          = errors.New("client certificate: none was sent")
	ErrFiles         = errors.New("client certificate: the files of authorities and revocation lists cannot be read")
	ErrSize          = errors.New("client certificate: more than 16 KiB, or its chain more than 8 certificates or 32 KiB")
	ErrForm          = errors.New("client certificate: cannot be read")
	ErrKey           = errors.New("client certificate: its key is too weak")
	ErrIsCA          = errors.New("client certificate: is that of an authority")
	ErrUsage         = errors.New("client certificate: not made for clients (key usage)")
	ErrExpired       = errors.New("client certificate: it or one of its chain has expired")
	ErrNotYet        = errors.New("client certificate: it or one of its chain is not yet valid")
	ErrAuthority     = errors.New("client certificate: not of an authority that is trusted here")
	ErrConstraint    = errors.New("client certificate: against the constraints of its authority")
	ErrChain         = errors.New("client certificate: its chain cannot be verified")
	ErrRevoked       = errors.New("client certificate: it or one of its chain is revoked")
	ErrNoList        = errors.New("client certificate: no revocation list of its issuer")
	ErrListExpired   = errors.New("client certificate: the revocation list of its issuer is not current")
	ErrListSignature = errors.New("client certificate: the revocation list of its issuer is not signed by it")
)

// verify gives a chain from the leaf to an anchor that holds now, and until
// when it does.
func (s *state) verify(certs []*x509.Certificate, now time.Time) ([]*x509.Certificate, time.Time, error) {
	if s.fault != nil {
		return nil, time.Time{}, ErrFiles
	}
	leaf := certs[0]
	if err := checkLeaf(leaf); err != nil {
		return nil, time.Time{}, err
	}
	opts := x509.VerifyOptions{
		Roots: s.pool, Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(opts)
	if err != nil {
		return nil, time.Time{}, reason(err, now)
	}
	err = ErrAuthority
	for _, chain := range chains {
		if len(chain) < 2 {
			continue // the leaf is in the file of authorities
		}
		until, why := s.unrevoked(chain, now, lasts(chain))
		if why == nil {
			return chain, until, nil
		}
		err = why
	}
	return nil, time.Time{}, err
}

// lasts is when the first certificate of the chain expires.
func lasts(chain []*x509.Certificate) time.Time {
	until := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	return until
}

// checkLeaf judges what chain building does not.
func checkLeaf(c *x509.Certificate) error {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < 2048 || n > 8192 {
			return ErrKey
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return ErrKey
		}
	}
	switch {
	case c.IsCA:
		return ErrIsCA
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return ErrUsage // the proof in the handshake is a signature
	}
	return nil
}

// reason puts an error of package x509 into words that quote nothing.
func reason(err error, now time.Time) error {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch invalid.Reason {
		case x509.Expired:
			if invalid.Cert != nil && now.Before(invalid.Cert.NotBefore) {
				return ErrNotYet
			}
			return ErrExpired
		case x509.IncompatibleUsage:
			return ErrUsage
		case x509.CANotAuthorizedForThisName, x509.TooManyIntermediates, x509.TooManyConstraints,
			x509.UnconstrainedName, x509.CANotAuthorizedForExtKeyUsage, x509.NotAuthorizedToSign:
			return ErrConstraint
		}
		return ErrChain
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ErrAuthority
	}
	return ErrChain
}
