// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"errors"
	"fmt"

	"durward"
	"durward/internal/clientca"
)

const maxRules = 1000

// Config is `client_certificate`: the caller shows a certificate.
type Config struct {
	// CA is a PEM file with the authorities whose certificates are taken. Each
	// is trusted by itself, whether it is a root or not.
	CA string `yaml:"ca" path:"true"`
	// CRL are files with revocation lists, PEM or DER, at most 16. With any,
	// each certificate below an authority of `ca` needs a current list of its
	// issuer; without, nothing is ever revoked. Default none.
	CRL []string `yaml:"crl" path:"true"`
	// Map says which consumer a certificate stands for. The first rule that fits
	// decides; a certificate that none fits is refused.
	Map []Rule `yaml:"map"`
	// FromProxy takes the certificate from the Client-Cert field (RFC 9440) of
	// trusted proxies, and not from their own connection. Nobody else's field
	// is believed. Default false.
	FromProxy bool `yaml:"from_proxy"`
}

// Rule takes certificates by one kind of name, as a pattern: `*` stands for one
// or more characters of one part of the name, `{consumer}` too and gives the
// consumer's id. Parts are what stands between the dots of a DNS name, the
// slashes of a URI, and before and after the @ of an address.
type Rule struct {
	// Subject is the whole distinguished name as RFC 4514 writes it, the last
	// part first: `CN=billing,OU=Payments,O=Example`.
	Subject string `yaml:"subject"`
	// CommonName is the subject's one common name.
	CommonName string `yaml:"common_name"`
	// DNS is a DNS name among the alternative names.
	DNS string `yaml:"dns"`
	// Email is an address among the alternative names.
	Email string `yaml:"email"`
	// URI is a URI among the alternative names, byte by byte.
	URI string `yaml:"uri"`
	// SPIFFE is the SPIFFE id, the certificate's only URI:
	// `spiffe://prod.example/ns/{consumer}/sa/*`.
	SPIFFE string `yaml:"spiffe"`
	// Consumer is the consumer's id, where the pattern does not give it.
	Consumer string `yaml:"consumer"`
	// Roles are given beside those that the consumer has in the store.
	Roles []string `yaml:"roles"`
}

// kind says which of a certificate's names a rule is about.
type kind uint8

const (
	bySubject kind = iota
	byCommonName
	byDNS
	byEmail
	byURI
	bySPIFFE
	kinds
)

var kindNames = [kinds]string{"subject", "common_name", "dns", "email", "uri", "spiffe"}

// what gives the kind and the pattern of a rule that passed Check.
func (r *Rule) what() (kind, string) {
	for k, text := range r.patterns() {
		if text != "" {
			return kind(k), text
		}
	}
	return bySubject, ""
}

func (r *Rule) patterns() [kinds]string {
	return [kinds]string{r.Subject, r.CommonName, r.DNS, r.Email, r.URI, r.SPIFFE}
}

// Check reports every fault that can be found without reading files.
func (c *Config) Check() error {
	var errs []error
	if c.CA == "" {
		errs = append(errs, durward.Invalid("ca", "is required"))
	}
	if len(c.CRL) > clientca.MaxCRLs {
		errs = append(errs, durward.Invalid("crl", "has more than %d files", clientca.MaxCRLs))
	}
	for i, name := range c.CRL {
		if name == "" {
			errs = append(errs, durward.Invalid(fmt.Sprintf("crl[%d]", i), "is empty"))
		}
	}
	if n := len(c.Map); n == 0 || n > maxRules {
		errs = append(errs, durward.Invalid("map", "needs 1 to %d rules: a certificate that none fits is refused", maxRules))
	}
	for i := range c.Map {
		errs = append(errs, durward.InvalidIn(fmt.Sprintf("map[%d]", i), c.Map[i].check()))
	}
	return errors.Join(errs...)
}

func (r *Rule) check() error {
	var errs []error
	named, captures := 0, false
	for k, text := range r.patterns() {
		if text == "" {
			continue
		}
		named++
		p, err := compile(kind(k), text)
		if err != nil {
			errs = append(errs, durward.Invalid(kindNames[k], "%v", err))
			continue
		}
		captures = p.captures
	}
	switch {
	case named != 1:
		errs = append(errs, durward.Invalid("", "needs exactly one of subject, common_name, dns, email, uri and spiffe"))
	case len(errs) > 0:
	case captures == (r.Consumer != ""):
		errs = append(errs, durward.Invalid("consumer", "needs an id here or {consumer} in the pattern, and not both"))
	case !captures && !isConsumer(r.Consumer):
		errs = append(errs, durward.Invalid("consumer", "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"))
	}
	for i, role := range r.Roles {
		if role == "" || len(role) > 128 {
			errs = append(errs, durward.Invalid(fmt.Sprintf("roles[%d]", i), "must be 1 to 128 bytes"))
		}
	}
	return errors.Join(errs...)
}

// isConsumer tells whether s has the form of a consumer's id.
func isConsumer(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || i > 0 && (c == '_' || c == '-')) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 63
}
