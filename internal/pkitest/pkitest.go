// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pkitest makes authorities, certificates and revocation lists for
// tests: valid from an hour ago for a day, with P-256 keys.
package pkitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

var serial atomic.Int64

// Entity is a certificate with its key.
type Entity struct {
	Cert   *x509.Certificate
	Key    *ecdsa.PrivateKey
	Issuer *Entity // nil for one that signed itself
}

// Change changes a template before it is signed.
type Change func(*x509.Certificate)

// Root makes an authority that signed itself.
func Root(t testing.TB, name string, changes ...Change) *Entity {
	t.Helper()
	return sign(t, nil, authority(name), changes)
}

// Sub makes an authority below e.
func (e *Entity) Sub(t testing.TB, name string, changes ...Change) *Entity {
	t.Helper()
	return sign(t, e, authority(name), changes)
}

// Leaf makes a client certificate.
func (e *Entity) Leaf(t testing.TB, name string, changes ...Change) *Entity {
	t.Helper()
	return sign(t, e, leaf(name), changes)
}

// SelfSigned makes a client certificate that signed itself.
func SelfSigned(t testing.TB, name string, changes ...Change) *Entity {
	t.Helper()
	return sign(t, nil, leaf(name), changes)
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func leaf(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func sign(t testing.TB, issuer *Entity, template *x509.Certificate, changes []Change) *Entity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1000 + serial.Add(1))
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	for _, change := range changes {
		change(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	e := &Entity{Key: key, Issuer: issuer}
	if e.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return e
}

// Chain is the certificate and the authorities above it but for the root, as a
// client sends them.
func (e *Entity) Chain() []*x509.Certificate {
	out := []*x509.Certificate{e.Cert}
	for i := e.Issuer; i != nil && i.Issuer != nil; i = i.Issuer {
		out = append(out, i.Cert)
	}
	return out
}

// TLS is the certificate as a client uses it.
func (e *Entity) TLS() tls.Certificate {
	pair := tls.Certificate{PrivateKey: e.Key}
	for _, c := range e.Chain() {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair
}

// List makes a revocation list of e that is current, DER.
func (e *Entity) List(t testing.TB, revoked ...*Entity) []byte {
	t.Helper()
	return e.ListWith(t, nil, revoked...)
}

// ListWith makes a revocation list with changes.
func (e *Entity) ListWith(t testing.TB, change func(*x509.RevocationList), revoked ...*Entity) []byte {
	t.Helper()
	template := &x509.RevocationList{
		Number: big.NewInt(serial.Add(1)), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	for _, r := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: r.Cert.SerialNumber, RevocationTime: time.Now().Add(-time.Minute),
		})
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, e.Cert, e.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Certificates writes the certificates of the entities as PEM.
func Certificates(all ...*Entity) (out []byte) {
	for _, e := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Cert.Raw})...)
	}
	return out
}

// Lists writes revocation lists as PEM.
func Lists(all ...[]byte) (out []byte) {
	for _, der := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	return out
}

// Write puts content into a file, for a reader who compares times and sizes.
func Write(t testing.TB, name string, content []byte) {
	t.Helper()
	at := time.Now().Add(time.Duration(serial.Add(1)) * time.Millisecond)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

// File writes a file of a folder that ends with the test, and gives its name.
func File(t testing.TB, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	Write(t, name, content)
	return name
}

// Times sets the time of validity.
func Times(from, until time.Time) Change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, until }
}

// URIs sets the URIs among the alternative names.
func URIs(texts ...string) Change {
	return func(c *x509.Certificate) {
		for _, s := range texts {
			u, err := url.Parse(s)
			if err != nil {
				panic(err)
			}
			c.URIs = append(c.URIs, u)
		}
	}
}
