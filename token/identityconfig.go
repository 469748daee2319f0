// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"durward"
	"durward/internal/units"
)

const (
	authorization   = "Authorization"
	defaultHeader   = "X-Durward-Identity"
	defaultLifetime = time.Minute
	minLifetime     = 5 * time.Second
	maxName         = 63
)

// IdentityConfig is the `identity_token` section of an API: a short-lived
// token, signed by the gateway, that tells the upstream who calls. A client's
// own field of that name is removed in any spelling. Requests of nobody carry
// none.
type IdentityConfig struct {
	// Header is the field that carries the token. In Authorization it stands
	// as `Bearer TOKEN`, in place of the caller's credential; in any other
	// field alone. Default X-Durward-Identity.
	Header string `yaml:"header"`
	// Audience is the token's aud: a name of the upstream, which it must
	// check, so that no other upstream can use the token. Required.
	Audience string `yaml:"audience"`
	// Lifetime is how long the token is valid, 5s to 10m, but not longer than
	// the caller's credential. Default 60s.
	Lifetime units.Duration `yaml:"lifetime"`
	// Claims says what the token tells beside the caller: `scopes`, `roles`,
	// `request` (which request it is for), `address` (the client's). Without
	// `request` a token is used for several requests of one caller, which
	// saves a signature each. Default scopes, roles and request.
	Claims []string `yaml:"claims"`
	// Type is the header's typ. Default JWT, which common libraries expect.
	Type string `yaml:"type"`
}

// claimWords are what Claims may list.
var claimWords = []string{"scopes", "roles", "request", "address"}

// ownFields are names that a token may not take the place of.
var ownFields = []string{
	"Cookie", "Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Te", "Trailer", "Upgrade",
	"Expect", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id", "Date", "Origin",
	"Proxy-Authorization", "Proxy-Authenticate", "Accept", "Accept-Encoding", "Range", "Cache-Control",
}

func (c IdentityConfig) withDefaults() IdentityConfig {
	if c.Header == "" {
		c.Header = defaultHeader
	}
	c.Header = durward.CanonicalName(c.Header)
	if c.Lifetime == 0 {
		c.Lifetime = units.Duration(defaultLifetime)
	}
	if c.Claims == nil {
		c.Claims = []string{"scopes", "roles", "request"}
	}
	if c.Type == "" {
		c.Type = "JWT"
	}
	return c
}

// Field gives the canonical name of the field that carries the token, for the
// proxy to keep a client's own from the upstream.
func (c *IdentityConfig) Field() string { return c.withDefaults().Header }

// Check reports every fault.
func (c *IdentityConfig) Check() error {
	var faults []error
	bad := func(field, format string, args ...any) {
		faults = append(faults, durward.Invalid(field, format, args...))
	}
	d := c.withDefaults()
	switch {
	case !isToken(d.Header) || len(d.Header) > maxName:
		bad("header", "must be a field name of at most %d bytes", maxName)
	case slices.Contains(ownFields, d.Header):
		bad("header", "%s has a meaning of its own", d.Header)
	}
	if c.Audience == "" || len(c.Audience) > 256 || !printable(c.Audience) {
		bad("audience", "must be 1 to 256 printable ASCII characters: a token for any upstream could be used by another")
	}
	if l := d.Lifetime.Std(); l < minLifetime || l > MaxLifetime {
		bad("lifetime", "must be in 5s to 10m")
	}
	for i, word := range c.Claims {
		if !slices.Contains(claimWords, word) || slices.Contains(c.Claims[:i], word) {
			bad(fmt.Sprintf("claims[%d]", i), "must be scopes, roles, request or address, each once")
		}
	}
	if !isToken(d.Type) && !isMediaType(d.Type) || len(d.Type) > 64 {
		bad("type", "must be a name such as JWT or identity+jwt")
	}
	return errors.Join(faults...)
}

// isMediaType tells whether s is type/subtype, both tokens.
func isMediaType(s string) bool {
	for i := range len(s) {
		if s[i] == '/' {
			return isToken(s[:i]) && isToken(s[i+1:])
		}
	}
	return false
}

// isToken tells whether s is a token (RFC 9110, 5.6.2) that needs no escaping
// in JSON.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			continue
		}
		switch c {
		case '!', '#', '$', '%', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		default:
			return false
		}
	}
	return s != ""
}
