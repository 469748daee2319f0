// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"

	"durward"
)

// Thumbprint is what a token says in cnf.x5t#S256 that is bound to the
// certificate (RFC 8705, section 3.1): base64url of SHA-256 of its DER.
func Thumbprint(c *x509.Certificate) string { return encode(c.Raw) }

func encode(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Bound tells whether the connection of x was made with the certificate whose
// thumbprint want is, the value of cnf.x5t#S256. The handshake has proven that
// the caller has its key; RFC 8705 asks for no more, so neither authority nor
// expiry of the certificate matters. The comparison takes constant time.
func Bound(x *durward.Exchange, want string) bool {
	return x.In.TLS != nil && len(x.In.TLS.PeerCertificates) > 0 &&
		same(x.In.TLS.PeerCertificates[0].Raw, want)
}

// BoundFromProxy is Bound where a trusted proxy ended the caller's TLS: the
// certificate is that of its Client-Cert field (RFC 9440), and the proxy's own
// does not count. For any other peer it is Bound.
func BoundFromProxy(x *durward.Exchange, want string) bool {
	if !x.Client.Trusted {
		return Bound(x, want)
	}
	ders, err := fromField(x.In.Header)
	return err == nil && same(ders[0], want)
}

// Holds gives the certificate of the caller if it is the one whose thumbprint
// want is, nil if not: Bound, or BoundFromProxy where fromProxy.
func Holds(x *durward.Exchange, want string, fromProxy bool) *x509.Certificate {
	if !fromProxy || !x.Client.Trusted {
		if !Bound(x, want) {
			return nil
		}
		return x.In.TLS.PeerCertificates[0]
	}
	if !BoundFromProxy(x, want) {
		return nil
	}
	ders, _ := fromField(x.In.Header)
	c, err := x509.ParseCertificate(ders[0])
	if err != nil {
		return nil // what is no certificate binds nothing
	}
	return c
}

func same(der []byte, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(encode(der)), []byte(want)) == 1
}
