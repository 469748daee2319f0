// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"errors"
	"slices"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// Config is how DPoP proofs are checked. Its zero value takes proofs of at most
// one minute, of every known algorithm, without nonces.
type Config struct {
	// Signature algorithms that a proof may have: ES256, EdDSA, Ed25519, PS256, RS256. Default: all of them.
	Algorithms []string `yaml:"algorithms"`
	// How old a proof may be. Default 60s, at most 10m. Every proof is remembered as long.
	MaxAge units.Duration `yaml:"max_age"`
	// How far ahead the clock of a client may be. Default 5s, at most 1m.
	Skew units.Duration `yaml:"skew"`
	// What clients call instead of the scheme and host that the gateway sees: https://api.example.com, with a path if a proxy takes one away.
	BaseURL string `yaml:"base_url"`
	// Whether a proof must carry a nonce that the gateway gave out, so that none can be made in advance.
	RequireNonce bool `yaml:"require_nonce"`
	// How long a nonce is taken at most; it is renewed after half of that. Default 5m, between 10s and 1d.
	NonceLifetime units.Duration `yaml:"nonce_lifetime"`
	// The secret that nonces are made from, at least 32 characters, the same on all gateways of one address. Default: a random one that ends with the process.
	NonceKey string `yaml:"nonce_key" secret:"true"`
}

// Defaults and bounds of a Config.
const (
	DefaultMaxAge        = time.Minute
	DefaultSkew          = 5 * time.Second
	DefaultNonceLifetime = 5 * time.Minute

	mostAge       = 10 * time.Minute
	mostSkew      = time.Minute
	leastLifetime = 10 * time.Second
	mostLifetime  = 24 * time.Hour
	leastNonceKey = 32
)

// Check reports every fault of c.
func (c *Config) Check() error {
	var errs []error
	for i, a := range c.Algorithms {
		switch {
		case algorithmOf(a) == unknownAlgorithm:
			errs = append(errs, durward.Invalid("algorithms", "%q is not one of %s", a, strings.Join(algorithmNames[1:], ", ")))
		case slices.Contains(c.Algorithms[:i], a):
			errs = append(errs, durward.Invalid("algorithms", "%s occurs twice", a))
		}
	}
	if d := c.MaxAge.Std(); d != 0 && (d < time.Second || d > mostAge) {
		errs = append(errs, durward.Invalid("max_age", "must be between 1s and 10m"))
	}
	if c.Skew.Std() > mostSkew {
		errs = append(errs, durward.Invalid("skew", "must be at most 1m"))
	}
	if d := c.NonceLifetime.Std(); d != 0 && (d < leastLifetime || d > mostLifetime) {
		errs = append(errs, durward.Invalid("nonce_lifetime", "must be between 10s and 1d"))
	}
	if c.NonceKey != "" && len(c.NonceKey) < leastNonceKey {
		errs = append(errs, durward.Invalid("nonce_key", "must have at least %d characters", leastNonceKey))
	}
	if !c.RequireNonce && (c.NonceKey != "" || c.NonceLifetime != 0) {
		errs = append(errs, durward.Invalid("require_nonce", "must be on for nonce_key and nonce_lifetime to have a meaning"))
	}
	if c.BaseURL != "" {
		if _, ok := parseBase(c.BaseURL); !ok {
			errs = append(errs, durward.Invalid("base_url", "is not an http or https URL without query, fragment and user"))
		}
	}
	return errors.Join(errs...)
}

func orDefault(d units.Duration, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d.Std()
}
