// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"durward"
	"durward/internal/pkitest"
)

// book is a store of consumers.
type book map[string]durward.Consumer

var errAway = errors.New("the store is away")

func (b book) LookUp(id string) (durward.Consumer, error) {
	c, ok := b[id]
	switch {
	case !ok:
		return c, durward.ErrNotFound
	case id == "away":
		return durward.Consumer{}, errAway
	}
	return c, nil
}

// people are the consumers of most tests.
var people = book{
	"billing":  {ID: "billing", Roles: []string{"reader", "payer"}, Plan: "gold"},
	"shipping": {ID: "shipping"},
	"gone":     {ID: "gone", Disabled: true},
	"away":     {ID: "away"},
}

// newMethod makes a method that trusts root.
func newMethod(t testing.TB, root *pkitest.Entity, consumers Consumers, cfg Config) *Method {
	t.Helper()
	cfg.CA = pkitest.File(t, pkitest.Certificates(root))
	m, err := New(cfg, Deps{Consumers: consumers, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// over is a request on a connection with the certificates.
func over(certs ...*x509.Certificate) *durward.Exchange {
	x := &durward.Exchange{}
	x.In.TLS = &tls.ConnectionState{PeerCertificates: certs}
	return x
}

// throughProxy is a request of a trusted proxy with fields of RFC 9440.
func throughProxy(fields ...string) *durward.Exchange {
	x := &durward.Exchange{Client: durward.Client{Trusted: true}}
	for i := 0; i < len(fields); i += 2 {
		x.In.Header.Add(fields[i], fields[i+1])
	}
	return x
}

func sequence(c *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
}
