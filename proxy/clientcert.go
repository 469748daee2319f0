// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"crypto/x509"
	"encoding/base64"

	"durward"
)

// The fields of RFC 9440, section 2. A client's own are dropped in any
// spelling: they are among claims.
const (
	fieldCert  = "Client-Cert"
	fieldChain = "Client-Cert-Chain"
)

// addCertificate writes the certificate that was verified for this request, and
// the chain by which it was, as structured byte sequences. What the connection
// merely showed is not written.
func (n *Identity) addCertificate(h *durward.Header, p *durward.Principal) {
	if !n.ClientCertificate || p.Certificate == nil {
		return
	}
	one := [...]*x509.Certificate{p.Certificate}
	h.Add(fieldCert, byteSequences(one[:]))
	if n.ClientCertificateChain && len(p.CertificateChain) > 0 {
		h.Add(fieldChain, byteSequences(p.CertificateChain))
	}
}

// byteSequences writes a list of byte sequences (RFC 9651, sections 3.1 and
// 3.3.5); of one element that is the element.
func byteSequences(certs []*x509.Certificate) string {
	size := 0
	for _, c := range certs {
		size += base64.StdEncoding.EncodedLen(len(c.Raw)) + 4
	}
	b := make([]byte, 0, size)
	for i, c := range certs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, ':')
		b = base64.StdEncoding.AppendEncode(b, c.Raw)
		b = append(b, ':')
	}
	return string(b)
}
