// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// Config says which signed requests are taken.
type Config struct {
	// Keys are the keys that may sign, by the id that a signature names
	// (keyid). At least one, at most 10000.
	Keys map[string]Key `yaml:"keys"`
	// Components are what every signature must cover, such as "@method",
	// "content-type" or `@query-param;name="id"`. Empty is "@method" and
	// "@target-uri" (or "@authority" with "@path" and "@query"). Content is
	// covered by "content-digest" whatever is listed here.
	Components []string `yaml:"components"`
	// MaxAge is how long after its creation a signature is taken, at most 1d.
	// Default 5m.
	MaxAge units.Duration `yaml:"max_age"`
	// ClockSkew is how far the clocks of signers may be off, at most 10m.
	// Default 30s.
	ClockSkew units.Duration `yaml:"clock_skew"`
	// NonceOptional takes signatures without a nonce too. Each is still taken
	// once: a client that sends two equal requests within a second is then
	// refused the second one.
	NonceOptional bool `yaml:"nonce_optional"`
	// MaxContent is the most content of a signed request, which is read as a
	// whole to check its digest. The limit of the operation, where that is
	// lower, is what holds. 1KiB to 1GiB, default 10MiB.
	MaxContent units.Bytes `yaml:"max_content"`
	// Tag is the tag that a signature must have. Signatures with another one
	// are passed over. Empty takes any.
	Tag string `yaml:"tag"`
	// Label is the label of the signature that counts. Without a label or tag,
	// a request must have exactly one signature.
	Label string `yaml:"label"`
}

// Key is a key that may sign requests.
type Key struct {
	// Algorithm is hmac-sha256, ed25519, ecdsa-p256-sha256 or rsa-pss-sha512.
	// A signature that names another one is refused.
	Algorithm string `yaml:"algorithm"`
	// Secret is the shared secret of hmac-sha256, at least 32 bytes: as it
	// stands, or in base64 behind "base64:". Use ${file:PATH} or ${VAR}.
	Secret string `yaml:"secret" secret:"true"`
	// PublicKey is the file of the public key, in PEM or as a JWK, for the
	// other algorithms.
	PublicKey string `yaml:"public_key" path:"true"`
	// Consumer is the id of the consumer in the store that holds the key. It
	// must exist and not be disabled. Empty: the caller's subject is the id of
	// the key, and no consumer is looked up.
	Consumer string `yaml:"consumer"`
	// Roles are what the key may do, beside the consumer's roles.
	Roles []string `yaml:"roles"`
	// NotAfter is when the key ends, such as 2027-01-31T00:00:00Z. Empty is
	// never.
	NotAfter time.Time `yaml:"not_after"`
}

const (
	defaultMaxAge = 5 * time.Minute
	defaultSkew   = 30 * time.Second
	mostMaxAge    = 24 * time.Hour
	mostSkew      = 10 * time.Minute
	mostKeys      = 10000

	defaultContent = 10 << 20
)

// Check reports every fault of c. It reads no file.
func (c *Config) Check() error {
	var errs []error
	fault := func(field, format string, args ...any) { errs = append(errs, durward.Invalid(field, format, args...)) }
	if len(c.Keys) == 0 {
		fault("keys", "is empty, so that nobody could sign")
	}
	if len(c.Keys) > mostKeys {
		fault("keys", "has more than %d keys", mostKeys)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Keys)) {
		if !validText(id) {
			fault("keys", "has an id that is empty, longer than %d bytes, or not printable ASCII", maxText)
			continue
		}
		k := c.Keys[id]
		errs = append(errs, durward.InvalidIn("keys."+id, k.check()))
	}
	if _, err := compileRequired(c.Components); err != nil {
		fault("components", "%v", err)
	}
	if c.MaxAge.Std() > mostMaxAge {
		fault("max_age", "is more than 1d, for which every signature would have to be remembered")
	}
	if c.ClockSkew.Std() > mostSkew {
		fault("clock_skew", "is more than 10m")
	}
	if n := c.maxContent(); n < 1<<10 || n > 1<<30 {
		fault("max_content", "must be in 1KiB to 1GiB")
	}
	if c.Tag != "" && !validText(c.Tag) {
		fault("tag", "is longer than %d bytes, or not printable ASCII", maxText)
	}
	if s := (scanner{text: c.Label}); c.Label != "" && (s.key() != c.Label || len(c.Label) > maxText) {
		fault("label", "must have lower-case letters, digits, _ - . and * only, and begin with a letter or *")
	}
	return errors.Join(errs...)
}

// CheckFiles reports every key file that New would refuse, but those that
// cannot be read, and keys that Check refuses.
func (c *Config) CheckFiles() error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(c.Keys)) {
		k := c.Keys[id]
		if k.PublicKey == "" || k.check() != nil {
			continue
		}
		if text, err := readFile(k.PublicKey); err == nil {
			_, err = k.loadPublic(text)
			errs = append(errs, durward.InvalidIn("keys."+id, err))
		}
	}
	return errors.Join(errs...)
}

func (k *Key) check() error {
	var errs []error
	fault := func(field, format string, args ...any) { errs = append(errs, durward.Invalid(field, format, args...)) }
	switch {
	case !knownAlgorithm(k.Algorithm):
		fault("algorithm", "must be %s, %s, %s or %s", HMACSHA256, Ed25519, ECDSAP256SHA256, RSAPSSSHA512)
	case k.Algorithm == HMACSHA256:
		if secret, err := secretOf(k.Secret); err != nil {
			fault("secret", "%v", err)
		} else if len(secret) < minSecret {
			fault("secret", "must have at least %d bytes", minSecret)
		}
		if k.PublicKey != "" {
			fault("public_key", "is not for %s", HMACSHA256)
		}
	default:
		if k.Secret != "" {
			fault("secret", "is only for %s", HMACSHA256)
		}
		if k.PublicKey == "" {
			fault("public_key", "names no file")
		}
	}
	if slices.Contains(k.Roles, "") {
		fault("roles", "has an empty name")
	}
	return errors.Join(errs...)
}

// validText tells whether s can be a keyid or tag.
func validText(s string) bool {
	return s != "" && len(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

func (c *Config) maxAge() time.Duration {
	if c.MaxAge == 0 {
		return defaultMaxAge
	}
	return c.MaxAge.Std()
}

func (c *Config) maxContent() int64 {
	if c.MaxContent == 0 {
		return defaultContent
	}
	return int64(c.MaxContent)
}

func (c *Config) skew() time.Duration {
	if c.ClockSkew == 0 {
		return defaultSkew
	}
	return c.ClockSkew.Std()
}
