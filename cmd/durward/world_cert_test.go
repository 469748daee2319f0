// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	commands["client-cert"] = (*world).cmdClientCert
	commands["revoke-certs"] = (*world).cmdRevokeCerts
}

// cmdClientCert: "client-cert NAME [-ca CA] [-cn TEXT] [-org TEXT] [-dns NAME]
// [-email ADDRESS] [-uri URI] [-age D] [-ttl D]" makes NAME.crt and NAME.key for
// the client's side of TLS, below the authority CA.crt ("ca" when not said),
// which is made when there is none. NAME_X5T gets what a token says that is
// bound to it, NAME_FIELD what RFC 9440 says of it.
func (w *world) cmdClientCert(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: client-cert NAME [-ca CA] ...")
	}
	o, rest, err := options(args[1:])
	if err != nil || len(rest) > 0 {
		return errors.New("usage: client-cert NAME [-ca CA] ...")
	}
	ca, err := w.authority(o["ca"])
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: o["cn"]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if err := fillLeaf(leaf, o); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca.Leaf, &key.PublicKey, ca.PrivateKey)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(der)
	ts.Setenv(args[0]+"_X5T", base64.RawURLEncoding.EncodeToString(sum[:]))
	ts.Setenv(args[0]+"_FIELD", ":"+base64.StdEncoding.EncodeToString(der)+":")
	return writePair(filepath.Join(w.dir, args[0]), der, key)
}

// fillLeaf fills in what the options say.
func fillLeaf(leaf *x509.Certificate, o map[string]string) error {
	if o["org"] != "" {
		leaf.Subject.Organization = []string{o["org"]}
	}
	if o["dns"] != "" {
		leaf.DNSNames = []string{o["dns"]}
	}
	if o["email"] != "" {
		leaf.EmailAddresses = []string{o["email"]}
	}
	if o["uri"] != "" {
		u, err := url.Parse(o["uri"])
		if err != nil {
			return err
		}
		leaf.URIs = []*url.URL{u}
	}
	for name, at := range map[string]*time.Time{"age": &leaf.NotBefore, "ttl": &leaf.NotAfter} {
		if o[name] == "" {
			continue
		}
		d, err := time.ParseDuration(o[name])
		if err != nil {
			return err
		}
		if name == "age" {
			d = -d
		}
		*at = time.Now().Add(d)
	}
	return nil
}

// authority reads an authority that a script has, or makes it.
func (w *world) authority(name string) (tls.Certificate, error) {
	if name == "" || name == "ca" {
		if _, _, err := loadOrMakeCA(w.dir); err != nil {
			return tls.Certificate{}, err
		}
		return w.pair("ca")
	}
	if pair, err := w.pair(name); err == nil {
		return pair, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := writePair(filepath.Join(w.dir, name), der, key); err != nil {
		return tls.Certificate{}, err
	}
	return w.pair(name)
}

func (w *world) pair(name string) (tls.Certificate, error) {
	base := filepath.Join(w.dir, name)
	return tls.LoadX509KeyPair(base+".crt", base+".key")
}

func withCertificate(pair tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// cmdRevokeCerts: "revoke-certs CA FILE [NAME...]" writes the authority's
// revocation list, with these certificates on it.
func (w *world) cmdRevokeCerts(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: revoke-certs CA FILE [NAME...]")
	}
	ca, err := w.authority(args[0])
	if err != nil {
		return err
	}
	list := &x509.RevocationList{
		Number: big.NewInt(time.Now().UnixNano()), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	for _, name := range args[2:] {
		pair, err := w.pair(name)
		if err != nil {
			return err
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: pair.Leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Minute),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.Leaf, ca.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return err
	}
	// Renamed into place, so that nobody reads half of it.
	path := ts.MkAbs(args[1])
	if err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
