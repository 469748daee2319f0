// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"errors"
	"strconv"
	"time"

	"durward"
	"durward/internal/units"
)

const (
	authorization = "Authorization"
	scheme        = "Capability"
	minSecret     = 32
	defaultAge    = 24 * time.Hour
	maxAge        = 366 * 24 * time.Hour
)

// Config says which capability tokens are taken, and where they stand.
type Config struct {
	// Keys are the keys that tokens may be minted with, 1 to 16. Several let a
	// key be replaced while tokens of the old one are still around.
	Keys []Key `yaml:"keys"`
	// Header is the field that carries the token. Empty is Authorization, in
	// the form "Capability TOKEN"; any other field holds the token alone.
	Header string `yaml:"header"`
	// MaxAge is how long after its issue a token is accepted at most, whatever
	// it says itself; up to 366d. 0 is 24h.
	MaxAge units.Duration `yaml:"max_age"`
}

// Key is a key that mints tokens, and verifies them.
type Key struct {
	// ID names the key in its tokens: 1 to 64 letters, digits, ".", "_", "-".
	ID string `yaml:"id"`
	// Secret is what tokens are minted with, at least 32 bytes, best from a
	// random source. Whoever has it can mint any token.
	Secret string `yaml:"secret" secret:"true"`
	// NotAfter is the time from which on no token of the key is accepted, such
	// as 2027-01-01T00:00:00Z. Empty is never.
	NotAfter time.Time `yaml:"not_after"`
}

func (k *Key) check() error {
	var errs []error
	if !validKeyID([]byte(k.ID)) {
		errs = append(errs, durward.Invalid("id", "must have 1 to 64 letters, digits, \".\", \"_\" and \"-\""))
	}
	if len(k.Secret) < minSecret {
		errs = append(errs, durward.Invalid("secret", "must have at least 32 bytes"))
	}
	return errors.Join(errs...)
}

// Check reports every fault.
func (c *Config) Check() error {
	var errs []error
	if len(c.Keys) == 0 || len(c.Keys) > 16 {
		errs = append(errs, durward.Invalid("keys", "must list 1 to 16 keys"))
	}
	ids, secrets := map[string]bool{}, map[string]bool{}
	for i := range c.Keys {
		k := &c.Keys[i]
		at := "keys[" + strconv.Itoa(i) + "]"
		errs = append(errs, durward.InvalidIn(at, k.check()))
		if ids[k.ID] {
			errs = append(errs, durward.Invalid(at+".id", "is listed twice"))
		}
		if k.Secret != "" && secrets[k.Secret] {
			errs = append(errs, durward.Invalid(at+".secret", "is that of another key, which does not make a new key"))
		}
		ids[k.ID], secrets[k.Secret] = true, true
	}
	if c.Header != "" && !fieldName(c.Header) {
		errs = append(errs, durward.Invalid("header", "is not the name of a field that can carry a token"))
	}
	if c.MaxAge < 0 || c.MaxAge.Std() > maxAge || c.MaxAge > 0 && c.MaxAge.Std() < time.Second {
		errs = append(errs, durward.Invalid("max_age", "must be 1s to 366d"))
	}
	return errors.Join(errs...)
}

// Field is the canonical name of the field that carries the token, for the
// proxy to keep from the upstream.
func (c *Config) Field() string {
	if c.Header == "" {
		return authorization
	}
	return durward.CanonicalName(c.Header)
}

func (c *Config) age() int64 {
	if c.MaxAge == 0 {
		return int64(defaultAge / time.Second)
	}
	return int64(c.MaxAge.Std() / time.Second)
}

// fieldName tells whether s can carry a credential: a token of RFC 9110,
// section 5.6.2, and none of the fields that HTTP or a proof of possession reads.
func fieldName(s string) bool {
	switch durward.CanonicalName(s) {
	case "Host", "Connection", "Content-Length", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Cookie",
		"Content-Type", "Content-Encoding", "Expect", "Dpop", "Signature", "Signature-Input", "Client-Cert":
		return false
	}
	return len(s) <= 64 && isToken(s)
}

func isToken(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && !contains("!#$%&'*+-.^_`|~", s[i]) {
			return false
		}
	}
	return s != ""
}
