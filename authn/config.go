// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"cmp"
	"encoding"
	"errors"
	"slices"

	"durward"
	"durward/authn/capability"
	"durward/authn/clientcert"
	"durward/authn/dpop"
	"durward/authn/httpsig"
	"durward/authn/introspect"
)

// Config is the `authenticate` list of an API: the kinds of credential that
// it takes, any one of which will do. An empty list takes none, so that only
// public operations can be served.
type Config []Method

// Method is one kind of credential, or several that are needed together.
// Exactly one field, beside schemes, is set.
type Method struct {
	// JWT takes bearer tokens of an issuer; a plain name is the issuer's.
	JWT *JWT `yaml:"jwt"`
	// APIKey takes API keys from the store.
	APIKey *APIKey `yaml:"api_key"`
	// Introspection takes opaque bearer tokens that an authorization server
	// is asked about (RFC 7662).
	Introspection *Introspection `yaml:"introspection"`
	// ClientCertificate takes the client certificate of the TLS connection.
	// The listener must ask for one.
	ClientCertificate *clientcert.Config `yaml:"client_certificate"`
	// Signature takes requests that are signed (RFC 9421).
	Signature *httpsig.Config `yaml:"signature"`
	// Capability takes capability tokens.
	Capability *capability.Config `yaml:"capability"`
	// All needs every one of the listed credentials in one request.
	All []Method `yaml:"all"`
	// Schemes are the security schemes of the contract that this method is,
	// by their names there. Empty goes by the scheme's type and place.
	Schemes []string `yaml:"schemes"`
}

// JWT says which tokens are taken, and where they stand.
type JWT struct {
	// Issuer is the issuer's name below `issuers`.
	Issuer string `yaml:"issuer"`
	// Header is the field that carries the token. Empty is Authorization, in
	// the form "Bearer TOKEN"; any other field holds the token alone.
	Header string `yaml:"header"`
	// Bound takes only tokens that are bound to a key of the caller (cnf): by
	// DPoP (RFC 9449) or a client certificate (RFC 8705). A token that is
	// bound needs its key whatever is set here.
	Bound bool `yaml:"bound"`
	// DPoP says how proofs of possession are checked. It needs setting only
	// where the defaults do not fit.
	DPoP *dpop.Config `yaml:"dpop"`
}

// Introspection says whom to ask about opaque tokens, and what they must say.
type Introspection struct {
	// Config is the authorization server.
	introspect.Config `yaml:",inline"`
	// Bound takes only tokens that are bound to a key of the caller, as for
	// jwt.
	Bound bool `yaml:"bound"`
	// Consumers are the ids of the consumers of the store that its tokens may
	// name, or "*" for all, as for issuers. Other applications are called
	// SERVER:NAME, where SERVER is issuer, or else url.
	Consumers []string `yaml:"consumers"`
	// NoConsumers says that its tokens name no consumer of the store.
	NoConsumers bool `yaml:"no_consumers"`
}

// name is what its tokens have as their issuer. They are those of the server,
// whichever API takes them.
func (i *Introspection) name() string { return cmp.Or(i.Issuer, i.URL) }

var _ encoding.TextUnmarshaler = (*JWT)(nil)

// UnmarshalText reads the short form, `jwt: corp`.
func (j *JWT) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("names no issuer")
	}
	*j = JWT{Issuer: string(text)}
	return nil
}

// Flat lists the methods one by one, those that are needed together in the
// order in which they are listed: the numbering that Choice.Entries refers to.
func (c Config) Flat() []Method {
	var flat []Method
	for _, m := range c {
		if len(m.All) > 0 {
			flat = append(flat, m.All...)
			continue
		}
		flat = append(flat, m)
	}
	return flat
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
	// Empty takes all, but those of other gateways that were imported: they
	// are taken only where "ext" stands here.
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

// CredentialHeaders gives the canonical names of the fields that carry
// credentials, for the proxy to keep from the upstream.
func CredentialHeaders(cfg Config) []string {
	var names []string
	for _, m := range cfg.Flat() {
		switch {
		case m.JWT != nil:
			if names = append(names, m.JWT.header()); m.JWT.header() == authorization {
				names = append(names, "Dpop")
			}
		case m.APIKey != nil && m.APIKey.header() != "":
			names = append(names, m.APIKey.header())
		case m.Introspection != nil:
			names = append(names, authorization, "Dpop")
		case m.Capability != nil:
			names = append(names, m.Capability.Field(), "Dpop")
		case m.Signature != nil:
			names = append(names, httpsig.CredentialHeaders()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CredentialParameters gives the names of the query parameters that carry
// credentials. HideQuery keeps them from the upstream.
func CredentialParameters(cfg Config) []string {
	var names []string
	for _, m := range cfg.Flat() {
		if m.APIKey != nil && m.APIKey.Query != "" {
			names = append(names, m.APIKey.Query)
		}
	}
	return names
}
