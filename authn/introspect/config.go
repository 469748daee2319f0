// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// Config is one entry of `introspection:`: a server that is asked about opaque
// tokens (RFC 7662). The gateway shows either ClientID and ClientSecret, or
// BearerToken.
type Config struct {
	// URL is the introspection endpoint: https, or http to a loopback address.
	// Redirects are not followed.
	URL string `yaml:"url"`
	// ClientID is the gateway's id at the server, for HTTP Basic as RFC 6749,
	// section 2.3.1, wants it (both parts are form-encoded).
	ClientID string `yaml:"client_id"`
	// ClientSecret belongs to ClientID.
	ClientSecret string `yaml:"client_secret" secret:"true"`
	// BearerToken authenticates the gateway instead of ClientID.
	BearerToken string `yaml:"bearer_token" secret:"true"`
	// CA is a file of certificates (PEM) that the server's must chain to.
	// Empty uses the system's.
	CA string `yaml:"ca" path:"true"`
	// Timeout bounds one question, and the wait for its turn before it. 100ms
	// to 10s, default 2s.
	Timeout units.Duration `yaml:"timeout"`
	// CacheTTL is how long a good token is trusted without asking again, but
	// never beyond its exp: the longest time that a revoked token is still
	// taken. 1s to 1h, default 60s.
	CacheTTL units.Duration `yaml:"cache_ttl"`
	// NegativeTTL is how long a bad token is refused without asking. 1s to
	// 1m, default 5s.
	NegativeTTL units.Duration `yaml:"negative_ttl"`
	// CacheSize bounds the memory for good tokens, 1 MiB to 1 GiB. Those that
	// were used least recently go first. Default 32MiB.
	CacheSize units.Bytes `yaml:"cache_size"`
	// MaxConcurrent bounds the questions under way, 2 to 256. A quarter of
	// them is kept for tokens that were good before. Default 16.
	MaxConcurrent int `yaml:"max_concurrent"`
	// MissRate bounds the questions about tokens that were never seen before,
	// for all callers together; beyond it requests with such tokens get a
	// 503. Default 200/s.
	MissRate units.Rate `yaml:"miss_rate"`
	// Audiences are the values of which the answer's aud must hold one.
	// Required, unless AnyAudience is set.
	Audiences []string `yaml:"audiences"`
	// AnyAudience takes tokens whatever their aud, for a server that gives
	// none, or answers only about tokens that are for this gateway.
	AnyAudience bool `yaml:"any_audience"`
	// Issuer is what the answer's iss must be. Empty does not look at it.
	Issuer string `yaml:"issuer"`
	// TokenTypes are the values of which the answer's token_type must be one,
	// in any case. Empty takes Bearer, DPoP, access_token or none, so that a
	// refresh token is not taken.
	TokenTypes []string `yaml:"token_types"`
	// Skew is how far the server's clock may be off. Default 30s, at most 5m.
	Skew units.Duration `yaml:"skew"`
	// Claims are the names of the members that say who calls.
	Claims ClaimNames `yaml:"claims"`
}

// ClaimNames are the members of the answer that a principal is read from. A
// name with dots is taken literally first, then as a path into objects.
type ClaimNames struct {
	// Subject is who; the member is required. Default sub. A server that gives
	// none for applications needs client_id here.
	Subject string `yaml:"subject"`
	// Roles is a string or a list of strings. Default roles.
	Roles string `yaml:"roles"`
	// Scopes is a list, or a string with spaces. Default scope, then scp.
	Scopes string `yaml:"scopes"`
	// Consumer is the application. Default client_id, then azp.
	Consumer string `yaml:"consumer"`
}

var defaultTypes = []string{"Bearer", "DPoP", "access_token"}

func (c Config) withDefaults() Config {
	def := func(d *units.Duration, v time.Duration) {
		if *d == 0 {
			*d = units.Duration(v)
		}
	}
	def(&c.Timeout, 2*time.Second)
	def(&c.CacheTTL, time.Minute)
	def(&c.NegativeTTL, 5*time.Second)
	def(&c.Skew, 30*time.Second)
	if c.CacheSize == 0 {
		c.CacheSize = 32 << 20
	}
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = 16
	}
	if c.MissRate.IsZero() {
		c.MissRate = units.Rate{Count: 200, Per: time.Second}
	}
	return c
}

// Check reports every fault that can be seen without reading a file.
func (c *Config) Check() error {
	var faults []error
	bad := func(field, format string, args ...any) {
		faults = append(faults, durward.Invalid(field, format, args...))
	}
	d := c.withDefaults()
	if !goodURL(c.URL) {
		bad("url", "must be an https URL without user and fragment (http only for a loopback address)")
	}
	if (c.ClientID == "") == (c.BearerToken == "") {
		bad("", "must have exactly one of client_id and bearer_token")
	}
	if (c.ClientID == "") != (c.ClientSecret == "") {
		bad("client_secret", "goes together with client_id")
	}
	if c.BearerToken != "" && !wellFormed(c.BearerToken) {
		bad("bearer_token", "has characters that a bearer token cannot have (RFC 6750, 2.1), or is too long")
	}
	within := func(field string, v units.Duration, low, high time.Duration) {
		if v.Std() < low || v.Std() > high {
			bad(field, "must be in %v to %v", units.Duration(low), units.Duration(high))
		}
	}
	within("timeout", d.Timeout, 100*time.Millisecond, 10*time.Second)
	within("cache_ttl", d.CacheTTL, time.Second, time.Hour)
	within("negative_ttl", d.NegativeTTL, time.Second, time.Minute)
	within("skew", d.Skew, 0, 5*time.Minute)
	if d.CacheSize < 1<<20 || d.CacheSize > 1<<30 {
		bad("cache_size", "must be in 1MiB to 1GiB")
	}
	if d.MaxConcurrent < 2 || d.MaxConcurrent > 256 {
		bad("max_concurrent", "must be in 2 to 256")
	}
	if (len(c.Audiences) == 0) != c.AnyAudience {
		bad("audiences", "must list the names of this service, unless any_audience is set: a token for another service must not work here")
	}
	if slices.Contains(c.Audiences, "") {
		bad("audiences", "holds an empty name")
	}
	if slices.Contains(c.TokenTypes, "") {
		bad("token_types", "holds an empty name")
	}
	return errors.Join(faults...)
}

// goodURL keeps tokens from going over a line that others can read.
func goodURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" || strings.HasSuffix(s, "#") {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := err == nil && ip.IsLoopback() || u.Hostname() == "localhost"
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}
