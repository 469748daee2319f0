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
	if len(*c) > 16 {
		errs = append(errs, durward.Invalid("", "has more than 16 alternatives"))
	}
	keys := 0
	issuers := map[string]bool{}
	for i, m := range *c {
		at := "[" + strconv.Itoa(i) + "]"
		switch {
		case (m.JWT == nil) == (m.APIKey == nil):
			errs = append(errs, durward.Invalid(at, "must name exactly one of jwt and api_key"))
		case m.JWT != nil:
			errs = append(errs, durward.InvalidIn(at+".jwt", m.JWT.check()))
			if issuers[m.JWT.Issuer] {
				errs = append(errs, durward.Invalid(at+".jwt.issuer", "is listed twice"))
			}
			issuers[m.JWT.Issuer] = true
		default:
			errs = append(errs, durward.InvalidIn(at+".api_key", m.APIKey.check()))
			if keys++; keys > 1 {
				errs = append(errs, durward.Invalid(at+".api_key", "is listed twice"))
			}
		}
	}
	return errors.Join(append(errs, c.checkPlaces())...)
}

// checkPlaces refuses a field that is read for tokens and for keys: what a
// credential is must not depend on what it looks like.
func (c *Config) checkPlaces() error {
	var token []string
	for _, m := range *c {
		if m.JWT != nil {
			token = append(token, m.JWT.header())
		}
	}
	for i, m := range *c {
		if m.APIKey == nil {
			continue
		}
		if h := m.APIKey.header(); h != "" && slices.Contains(token, h) {
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
		"Upgrade", "Cookie", "Content-Type", "Expect":
		return false
	}
	return s != "" && len(s) <= 64
}
