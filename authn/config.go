// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"encoding"
	"errors"
	"slices"
	"strconv"
	"strings"

	"durward"
)

// Config is the `authenticate` list of an API: the kinds of credential that
// it takes, any one of which will do. An empty list takes none, so that only
// public operations can be served.
type Config []Method

// Method is one kind of credential. Exactly one field is set.
type Method struct {
	// JWT takes bearer tokens of an issuer; a plain name is the issuer's.
	JWT *JWT `yaml:"jwt"`
	// APIKey takes API keys from the store.
	APIKey *APIKey `yaml:"api_key"`
}

// JWT says which tokens are taken, and where they stand.
type JWT struct {
	// Issuer is the issuer's name below `issuers`.
	Issuer string `yaml:"issuer"`
	// Header is the field that carries the token. Empty is Authorization, in
	// the form "Bearer TOKEN"; any other field holds the token alone.
	Header string `yaml:"header"`
}

var _ encoding.TextUnmarshaler = (*JWT)(nil)

// UnmarshalText reads the short form, `jwt: corp`.
func (j *JWT) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("names no issuer")
	}
	*j = JWT{Issuer: string(text)}
	return nil
}

// APIKey says where an API key stands.
type APIKey struct {
	// Header is the field that carries the key. Empty is X-API-Key, unless
	// the key stands in the query. Authorization is read as "ApiKey KEY".
	Header string `yaml:"header"`
	// Query is the query parameter that carries the key. Empty reads none: a
	// query ends up in logs and histories.
	Query string `yaml:"query"`
	// Environments are the kinds of key that are taken ("live", "test").
	// Empty takes all.
	Environments []string `yaml:"environments"`
}

const (
	authorization = "Authorization"
	defaultKey    = "X-Api-Key" // canonical form of X-API-Key
)

func (j *JWT) header() string {
	if j.Header == "" {
		return authorization
	}
	return durward.CanonicalName(j.Header)
}

// header is "" when the key is read from the query only.
func (k *APIKey) header() string {
	switch {
	case k.Header != "":
		return durward.CanonicalName(k.Header)
	case k.Query != "":
		return ""
	}
	return defaultKey
}

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

// CredentialHeaders gives the canonical names of the fields that carry
// credentials, for the proxy to keep from the upstream.
func CredentialHeaders(cfg Config) []string {
	var names []string
	for _, m := range cfg {
		switch {
		case m.JWT != nil:
			names = append(names, m.JWT.header())
		case m.APIKey != nil && m.APIKey.header() != "":
			names = append(names, m.APIKey.header())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CredentialParameters gives the names of the query parameters that carry
// credentials. The stage removes them from Exchange.Out once it has accepted.
func CredentialParameters(cfg Config) []string {
	var names []string
	for _, m := range cfg {
		if m.APIKey != nil && m.APIKey.Query != "" {
			names = append(names, m.APIKey.Query)
		}
	}
	return names
}
