// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"strings"
	"time"

	"durward/internal/units"
)

// IssuerConfig is one entry of `issuers`: who signs tokens, where its keys
// are, and what its tokens must say. Exactly one of Discovery, JWKSURL and
// JWKSFile is set.
type IssuerConfig struct {
	// Issuer is what a token's iss must be, character by character. Empty is
	// Discovery, where that is the issuer's own URL.
	Issuer string `yaml:"issuer"`
	// Discovery is the issuer's URL, or that of its metadata document
	// (OpenID Connect Discovery 1.0, RFC 8414), which names the key set. The
	// document's issuer must be the same as Issuer.
	Discovery string `yaml:"discovery"`
	// JWKSURL is the URL of the key set (RFC 7517).
	JWKSURL string `yaml:"jwks_url"`
	// JWKSFile is a file that holds the key set. It is read again when it
	// changes.
	JWKSFile string `yaml:"jwks_file" path:"true"`
	// Audiences are the values of which a token's aud must hold one. Required:
	// a token for another service must not work here (RFC 8725, 3.9).
	Audiences []string `yaml:"audiences"`
	// Algorithms are the signature algorithms that are taken. Empty takes
	// RS256, PS256, ES256, ES384 and EdDSA. Symmetric ones and "none" are
	// never taken.
	Algorithms []string `yaml:"algorithms"`
	// Type is which typ a token must have: "jwt" (the default) takes JWT,
	// at+jwt or none; "at+jwt" takes access tokens as RFC 9068 defines them
	// only, and demands its claims; "any" takes all.
	Type string `yaml:"type" enum:"at+jwt,jwt,any"`
	// Skew is how far the issuer's clock may be off. Default 30s, at most 5m.
	Skew units.Duration `yaml:"skew"`
	// MaxAge is how old a token may be, counted from its iat, which is then
	// required. Zero trusts exp alone.
	MaxAge units.Duration `yaml:"max_age"`
	// Claims are the names of the claims that say who calls.
	Claims ClaimNames `yaml:"claims"`
	// Consumers are the ids of the consumers of the store that its tokens may
	// name as the application that calls, or "*" for all. Any other application
	// is called ISSUER:NAME, and has no consumer's plan, limits and networks.
	// Empty is all where no other issuer is configured and no server is asked
	// about opaque tokens; where one is, tokens that name a consumer of the
	// store are refused.
	Consumers []string `yaml:"consumers"`
	// NoConsumers says that its tokens name no consumer of the store: all of
	// its applications are called ISSUER:NAME.
	NoConsumers bool `yaml:"no_consumers"`
	// RefreshInterval is how often the key set is fetched, at most; the
	// issuer's Cache-Control may shorten it. Default 1h, and 5s for a file,
	// whose change is looked for.
	RefreshInterval units.Duration `yaml:"refresh_interval"`
	// MinRefresh is the least time between two fetches that tokens with
	// unknown keys cause. Default 30s, at least 1s.
	MinRefresh units.Duration `yaml:"min_refresh"`
	// StaleFor is how long keys are trusted after the issuer last confirmed
	// them. Default 24h.
	StaleFor units.Duration `yaml:"stale_for"`
	// CA is a file of certificates (PEM) that the issuer's must chain to.
	// Empty uses the system's.
	CA string `yaml:"ca" path:"true"`
}

// ClaimNames are the claims that a principal is read from. A name with dots is
// taken literally first, then as a path into objects: realm_access.roles.
type ClaimNames struct {
	// Subject is who; the claim is required. Default sub.
	Subject string `yaml:"subject"`
	// Roles is a string or a list of strings. Default roles.
	Roles string `yaml:"roles"`
	// Scopes is a list, or a string with spaces. Default scope, then scp.
	Scopes string `yaml:"scopes"`
	// Consumer is the application. Default client_id, then azp.
	Consumer string `yaml:"consumer"`
}

var (
	knownAlgorithms   = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	defaultAlgorithms = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}
)

const wellKnown = "/.well-known/"

// withDefaults fills what the document left out.
func (c IssuerConfig) withDefaults() IssuerConfig {
	if c.Issuer == "" && !strings.Contains(c.Discovery, wellKnown) {
		c.Issuer = c.Discovery
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = defaultAlgorithms
	}
	if c.Type == "" {
		c.Type = "jwt"
	}
	orDuration(&c.Skew, 30*time.Second)
	orDuration(&c.MinRefresh, 30*time.Second)
	orDuration(&c.StaleFor, 24*time.Hour)
	if c.JWKSFile != "" {
		orDuration(&c.RefreshInterval, 5*time.Second)
	}
	orDuration(&c.RefreshInterval, time.Hour)
	return c
}

func orDuration(d *units.Duration, v time.Duration) {
	if *d == 0 {
		*d = units.Duration(v)
	}
}
