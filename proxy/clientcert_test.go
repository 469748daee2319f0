// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/pkitest"
)

func TestOnlyAVerifiedCertificateReachesTheUpstream(t *testing.T) {
	root := pkitest.Root(t, "root")
	sub := root.Sub(t, "sub")
	leaf := sub.Leaf(t, "a")
	sequence := func(e *pkitest.Entity) string { return ":" + base64.StdEncoding.EncodeToString(e.Cert.Raw) + ":" }
	verified := durward.Principal{
		Method: "client_certificate", Certificate: leaf.Cert, CertificateChain: []*x509.Certificate{sub.Cert, root.Cert},
	}
	spoofed := fields("Client-Cert", ":AAAA:", "Client-Cert-Chain", ":AAAA:", "Client_cert", ":AAAA:", "Client.cert_chain", ":AAAA:",
		"X-Forwarded-Client-Cert", "Hash=0", "X-Ssl-Client-Cert", "x")
	for _, tc := range []struct {
		name     string
		identity Identity
		who      durward.Principal
		want     durward.Header
	}{
		{"the certificate", Identity{ClientCertificate: true}, verified, fields("Client-Cert", sequence(leaf))},
		{"and its chain", Identity{ClientCertificate: true, ClientCertificateChain: true}, verified,
			fields("Client-Cert", sequence(leaf), "Client-Cert-Chain", sequence(sub)+", "+sequence(root))},
		{"not unless it is to be", Identity{}, verified, nil},
		{"a key beside a certificate that nobody verified", Identity{ClientCertificate: true, ClientCertificateChain: true},
			durward.Principal{Method: "api_key", Consumer: "shop"}, nil},
		{"nobody", Identity{ClientCertificate: true}, durward.Principal{}, nil},
		{"nobody, whatever is left of somebody", Identity{ClientCertificate: true}, durward.Principal{Certificate: leaf.Cert}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newExchange("GET", "/a")
			x.In.Header, x.Principal = spoofed, tc.who
			x.In.TLS = &tls.ConnectionState{PeerCertificates: leaf.Chain()}
			mustAllow(t, stage(t, Config{Forward: "off", Identity: tc.identity}).Request(t.Context(), x))
			if diff := cmp.Diff(append(fields("X-Request-Id", "req-1"), tc.want...), x.Out.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATrailerBringsNoCertificate(t *testing.T) {
	x := newExchange("POST", "/a")
	x.In.Trailer = func() durward.Header {
		return fields("Client-Cert", ":AAAA:", "client_cert_chain", ":AAAA:", "X-Sum", "1")
	}
	o := stage(t, Config{}).(*outgoing)
	if diff := cmp.Diff(fields("X-Sum", "1"), o.trailer(x)()); diff != "" {
		t.Errorf("trailer (-want +got):\n%s", diff)
	}
}
