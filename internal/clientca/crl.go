// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// list is a complete revocation list of one issuer.
type list struct {
	issuer  string // its name, DER
	crl     *x509.RevocationList
	revoked map[string]struct{} // serial numbers, big endian
	signer  atomic.Pointer[x509.Certificate]
}

var (
	oidDelta       = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidDistributor = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// readCRL reads the lists of a file. A list of an issuer among cas must be
// signed by it; one of another issuer can be that of an authority in between,
// whose certificate the clients send, and is held against it then.
func readCRL(name string, cas []*x509.Certificate) ([]*list, error) {
	data, err := readFile(name, maxCRLFile)
	if err != nil {
		return nil, err
	}
	blocks := [][]byte{data}
	if bytes.Contains(data, []byte("-----BEGIN")) {
		if blocks, err = pemBlocks(data, "X509 CRL", maxCAs); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	var out []*list
	for i, der := range blocks {
		l, err := parseList(der)
		if err == nil {
			err = l.checkAmong(cas)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: list %d: %w", name, i+1, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// parseList takes complete lists only: what a delta, indirect or partitioned
// list does not name may be revoked all the same (RFC 5280, sections 5.2.4 and
// 5.2.5).
func parseList(der []byte) (*list, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	for _, e := range crl.Extensions {
		switch {
		case e.Id.Equal(oidDelta):
			return nil, errors.New("is a delta list; a complete one is needed")
		case e.Id.Equal(oidDistributor):
			return nil, errors.New("is an indirect or partitioned list; a complete one is needed")
		case e.Critical:
			return nil, fmt.Errorf("has the unknown critical extension %v", e.Id)
		}
	}
	if crl.NextUpdate.IsZero() {
		return nil, errors.New("does not say when the next one comes (nextUpdate)")
	}
	l := &list{issuer: string(crl.RawIssuer), crl: crl, revoked: make(map[string]struct{}, len(crl.RevokedCertificateEntries))}
	for i := range crl.RevokedCertificateEntries {
		e := &crl.RevokedCertificateEntries[i]
		for _, x := range e.Extensions {
			if x.Critical {
				return nil, fmt.Errorf("has an entry with the critical extension %v", x.Id)
			}
		}
		l.revoked[string(e.SerialNumber.Bytes())] = struct{}{}
	}
	crl.RevokedCertificateEntries = nil // the map has them
	return l, nil
}

func (l *list) checkAmong(cas []*x509.Certificate) error {
	named := false
	for _, c := range cas {
		if string(c.RawSubject) == l.issuer {
			if named = true; l.signedBy(c) {
				return nil
			}
		}
	}
	if named {
		return errors.New("is not signed by the authority that it names")
	}
	return nil
}

// signedBy tells whether issuer signed the list and may sign lists. The answer
// for the last good one is remembered: a list may be megabytes long.
func (l *list) signedBy(issuer *x509.Certificate) bool {
	if last := l.signer.Load(); last != nil && last.Equal(issuer) {
		return true
	}
	if l.crl.CheckSignatureFrom(issuer) != nil {
		return false
	}
	l.signer.Store(issuer)
	return true
}

// unrevoked checks each certificate of a chain below its anchor against the
// lists of its issuer, and tells until when that holds.
func (s *state) unrevoked(chain []*x509.Certificate, now, until time.Time) (time.Time, error) {
	if !s.needLists {
		return until, nil
	}
	for i, c := range chain[:len(chain)-1] {
		next, err := s.status(c, chain[i+1], now)
		if err != nil {
			return time.Time{}, err
		}
		if next.Before(until) {
			until = next
		}
	}
	return until, nil
}

// status looks for c on every list of its issuer. One of them must be current.
func (s *state) status(c, issuer *x509.Certificate, now time.Time) (until time.Time, err error) {
	err = ErrNoList
	serial := c.SerialNumber.Bytes()
	for _, l := range s.lists {
		if l.issuer != string(issuer.RawSubject) {
			continue
		}
		if !l.signedBy(issuer) {
			err = ErrListSignature
			continue
		}
		if _, ok := l.revoked[string(serial)]; ok {
			return until, ErrRevoked
		}
		switch next := l.crl.NextUpdate; {
		case now.After(next), now.Before(l.crl.ThisUpdate):
			if until.IsZero() {
				err = ErrListExpired
			}
		case until.IsZero(), next.Before(until):
			until = next
		}
	}
	if until.IsZero() {
		return until, err
	}
	return until, nil
}
