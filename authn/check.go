// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"durward"
)

// Check reports every fault. That the issuers exist is checked by New.
func (c *Config) Check() error {
	var errs []error
	if len(c.Flat()) > maxEntries {
		errs = append(errs, durward.Invalid("", "has more than %d methods", maxEntries))
	}
	seen := places{}
	for i := range *c {
		at, m := "["+strconv.Itoa(i)+"]", &(*c)[i]
		if len(m.All) == 0 {
			errs = append(errs, durward.InvalidIn(at, m.check(seen)))
			continue
		}
		if m.kind() != "" || len(m.Schemes) > 0 {
			errs = append(errs, durward.Invalid(at, "has all, and must have nothing beside it"))
		}
		if len(m.All) < 2 || len(m.All) > maxDemands {
			errs = append(errs, durward.Invalid(at+".all", "must list 2 to %d methods", maxDemands))
		}
		for k := range m.All {
			deeper := at + ".all[" + strconv.Itoa(k) + "]"
			if len(m.All[k].All) > 0 {
				errs = append(errs, durward.Invalid(deeper+".all", "cannot stand within another all"))
				continue
			}
			errs = append(errs, durward.InvalidIn(deeper, m.All[k].check(seen)))
			if slices.ContainsFunc(m.All[:k], func(o Method) bool { return o.place() == m.All[k].place() }) {
				errs = append(errs, durward.Invalid(deeper, "stands in the same place as another one, so that no request could have both"))
			}
		}
	}
	return errors.Join(append(errs, c.checkPlaces())...)
}

// kind is the name of the one field that is set: "" for none, "several" for
// more than one.
func (m *Method) kind() string {
	kind := ""
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"jwt", m.JWT != nil}, {"api_key", m.APIKey != nil}, {"introspection", m.Introspection != nil},
		{"client_certificate", m.ClientCertificate != nil}, {"signature", m.Signature != nil}, {"capability", m.Capability != nil},
	} {
		if k.set {
			if kind != "" {
				return "several"
			}
			kind = k.name
		}
	}
	return kind
}

// places are the methods that were seen, so that none is listed twice: what
// stands in one place is read by one method, but for the tokens of several
// issuers.
type places map[string]bool

func (p places) again(name string) bool {
	again := p[name]
	p[name] = true
	return again
}

func (m *Method) check(seen places) error {
	kind := m.kind()
	switch kind {
	case "", "several":
		return durward.Invalid("", "must name exactly one of jwt, api_key, introspection, client_certificate, signature, capability and all")
	case "jwt":
		err := m.JWT.check()
		if seen.again("jwt " + m.JWT.Issuer) {
			err = errors.Join(err, durward.Invalid("issuer", "is listed twice"))
		}
		return durward.InvalidIn(kind, err)
	}
	var err error
	switch {
	case m.APIKey != nil:
		err = m.APIKey.check()
	case m.Introspection != nil:
		err = errors.Join(m.Introspection.Check(), checkConsumers(m.Introspection.Consumers, m.Introspection.NoConsumers))
	case m.ClientCertificate != nil:
		err = m.ClientCertificate.Check()
	case m.Signature != nil:
		err = m.Signature.Check()
	case m.Capability != nil:
		err = m.Capability.Check()
	}
	if seen.again(kind) {
		err = errors.Join(err, durward.Invalid("", "is listed twice"))
	}
	return durward.InvalidIn(kind, err)
}

// checkPlaces refuses a field that is read for tokens and for keys: what a
// credential is must not depend on what it looks like.
func (c *Config) checkPlaces() error {
	var token []string
	for _, m := range c.Flat() {
		switch {
		case m.JWT != nil:
			token = append(token, m.JWT.header())
		}
	}
	for i, m := range c.Flat() {
		if m.APIKey == nil {
			continue
		}
		if h := m.APIKey.header(); h != "" && h != authorization && slices.Contains(token, h) {
			return durward.Invalid("["+strconv.Itoa(i)+"].api_key.header", "%s is read for tokens already", h)
		}
	}
	return nil
}

func (j *JWT) check() error {
	var errs []error
	if j.Issuer == "" {
		errs = append(errs, durward.Invalid("issuer", "is required"))
	}
	if j.Header != "" && !fieldName(j.Header) {
		errs = append(errs, durward.Invalid("header", "is not a field name"))
	}
	if j.DPoP != nil {
		errs = append(errs, durward.InvalidIn("dpop", j.DPoP.Check()))
	}
	if j.header() != authorization && j.DPoP != nil {
		errs = append(errs, durward.Invalid("dpop", "needs the token in Authorization (RFC 9449, 7.1)"))
	}
	return errors.Join(errs...)
}

func (k *APIKey) check() error {
	var errs []error
	if k.Header != "" && !fieldName(k.Header) {
		errs = append(errs, durward.Invalid("header", "is not a field name"))
	}
	if strings.ContainsAny(k.Query, "&=#%+ ") || k.Query == "access_token" {
		errs = append(errs, durward.Invalid("query", "cannot be the name of a parameter that holds a key"))
	}
	for i, e := range k.Environments {
		if !validEnvironment(e) {
			errs = append(errs, durward.Invalid("environments["+strconv.Itoa(i)+"]", "must be 2 to 8 letters a-z"))
		}
	}
	return errors.Join(errs...)
}

// fieldName tells whether s can carry a credential: a token of RFC 9110,
// section 5.6.2, and none of the fields that HTTP itself reads.
func fieldName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	switch durward.CanonicalName(s) {
	case "Host", "Connection", "Content-Length", "Transfer-Encoding", "Te", "Trailer",
		"Upgrade", "Cookie", "Content-Type", "Expect", "Dpop", "Signature", "Signature-Input":
		return false
	}
	return s != "" && len(s) <= 64
}
