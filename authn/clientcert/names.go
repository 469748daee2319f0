// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"unicode/utf8"
)

// maxValue is the longest name that a rule can take, in bytes.
const maxValue = 2048

var (
	oidSAN        = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// names are the names of a certificate that rules may take. What can be read
// in two ways, or is not what its kind says, is not among them.
type names struct {
	byKind    [kinds][]string
	badSPIFFE bool // it says that it is an SVID, and is none
}

func namesOf(c *x509.Certificate) (n names) {
	if s, ok := distinguishedName(c); ok {
		n.byKind[bySubject] = []string{s}
	}
	if s, ok := commonName(c); ok {
		n.byKind[byCommonName] = []string{s}
	}
	for _, s := range c.DNSNames {
		if s = strings.ToLower(s); isDNSName(s) {
			n.byKind[byDNS] = append(n.byKind[byDNS], s)
		}
	}
	for _, s := range c.EmailAddresses {
		if s, ok := foldEmail(s); ok {
			n.byKind[byEmail] = append(n.byKind[byEmail], s)
		}
	}
	uris := urisOf(c)
	for _, s := range uris {
		if len(s) <= maxValue && isText(s) {
			n.byKind[byURI] = append(n.byKind[byURI], s)
		}
		n.badSPIFFE = n.badSPIFFE || len(s) >= 7 && strings.EqualFold(s[:7], "spiffe:")
	}
	// X509-SVID, sections 2 and 4.3: one URI, and a key that signs no certificates.
	if len(uris) == 1 && isSPIFFE(uris[0]) && c.KeyUsage&x509.KeyUsageDigitalSignature != 0 &&
		c.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) == 0 {
		n.byKind[bySPIFFE], n.badSPIFFE = uris, false
	}
	return n
}

// distinguishedName writes the subject as it stands in the certificate (RFC
// 4514); pkix.Name would put its parts into another order.
func distinguishedName(c *x509.Certificate) (string, bool) {
	var rdns pkix.RDNSequence
	if rest, err := asn1.Unmarshal(c.RawSubject, &rdns); err != nil || len(rest) > 0 || len(rdns) == 0 {
		return "", false
	}
	for _, rdn := range rdns {
		for _, a := range rdn {
			if s, ok := a.Value.(string); !ok || !isText(s) {
				return "", false
			}
		}
	}
	s := rdns.String()
	return s, len(s) <= maxValue
}

// commonName gives the one common name.
func commonName(c *x509.Certificate) (name string, ok bool) {
	for _, a := range c.Subject.Names {
		if !a.Type.Equal(oidCommonName) {
			continue
		}
		if name != "" {
			return "", false
		}
		if name, ok = a.Value.(string); !ok || name == "" || len(name) > maxValue || !isText(name) {
			return "", false
		}
	}
	return name, ok
}

// urisOf reads the URIs as they stand in the certificate: package x509 gives
// them parsed, and two spellings may then look the same.
func urisOf(c *x509.Certificate) (uris []string) {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSAN) {
			continue
		}
		var seq asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &seq); err != nil || len(rest) > 0 {
			return nil
		}
		for rest := seq.Bytes; len(rest) > 0; {
			var name asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &name); err != nil {
				return nil
			}
			if name.Class == asn1.ClassContextSpecific && name.Tag == 6 {
				uris = append(uris, string(name.Bytes))
			}
		}
	}
	return uris
}

// isDNSName tells whether s, in lower case, is a host name of labels (RFC 1123):
// no wildcard, no dot at its end, no address.
func isDNSName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	letters := false
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			letters = letters || c >= 'a' && c <= 'z'
			if !isLowerAlnum(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return letters
}

// foldEmail puts the domain of an address into lower case. Local parts with
// quotes or other special characters are not taken.
func foldEmail(s string) (string, bool) {
	local, domain, ok := strings.Cut(s, "@")
	domain = strings.ToLower(domain)
	if !ok || local == "" || len(local) > 64 || !isDNSName(domain) {
		return "", false
	}
	for i := range len(local) {
		c := local[i]
		if !isLowerAlnum(c) && !(c >= 'A' && c <= 'Z') && strings.IndexByte("!#$%&'+-./=?^_`|~", c) < 0 {
			return "", false
		}
	}
	return local + "@" + domain, true
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLowerAlnum(c) && c != '+' && c != '-' && c != '.' || i == 0 && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// isText tells whether s is UTF-8 without control characters, and without the
// characters that turn or hide text on a screen.
func isText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
			r >= 0x2060 && r <= 0x206f || r == 0xfeff || r == utf8.RuneError {
			return false
		}
	}
	return true
}
