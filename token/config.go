// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// MaxLifetime is the longest life of a token that Keys signs. A key that no
// longer signs is published for that long, and some more.
const MaxLifetime = 10 * time.Minute

// grace is what clocks of several nodes may differ, and what a key is
// published for beyond the last token of it.
const grace = 5 * time.Minute

// Config is the `token:` section: the keys that the gateway signs with. One of
// Directory and KeyFiles is set.
type Config struct {
	// Issuer is the iss of the gateway's tokens, usually its URL. Required.
	Issuer string `yaml:"issuer"`
	// Directory is where the gateway keeps keys that it makes itself. It is
	// made with mode 0700 when it is not there; nobody else may write to it or
	// read the key files. Several nodes may share it.
	Directory string `yaml:"directory" path:"true"`
	// KeyFiles are fixed keys instead, as PEM (PKCS #8): the first one signs,
	// the others are only published, for a change of keys by hand. A file that
	// changes is read again. Others than owner and group may not read them.
	KeyFiles []string `yaml:"key_files" path:"true"`
	// Algorithm is that of new keys in Directory: `EdDSA` (Ed25519) or `ES256`
	// (ECDSA P-256, for verifiers that know no Ed25519). Default EdDSA.
	Algorithm string `yaml:"algorithm" enum:"EdDSA,ES256"`
	// RotateAfter is how long a key of Directory signs, 1h to 365d. Default
	// 30d.
	RotateAfter units.Duration `yaml:"rotate_after"`
	// PublishAhead is how long the next key is in the key set before it signs,
	// at least 10m and at most half of RotateAfter. It must be longer than
	// upstreams keep the key set. Default 24h, or half of RotateAfter where
	// that is less.
	PublishAhead units.Duration `yaml:"publish_ahead"`
}

func (c Config) withDefaults() Config {
	if c.Algorithm == "" {
		c.Algorithm = "EdDSA"
	}
	if c.RotateAfter == 0 {
		c.RotateAfter = units.Duration(30 * 24 * time.Hour)
	}
	if c.PublishAhead == 0 {
		c.PublishAhead = min(units.Duration(24*time.Hour), c.RotateAfter/2)
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
	if c.Issuer == "" || len(c.Issuer) > 256 || !printable(c.Issuer) {
		bad("issuer", "must be 1 to 256 printable ASCII characters")
	}
	if (c.Directory == "") == (len(c.KeyFiles) == 0) {
		bad("", "must have exactly one of directory and key_files")
	}
	if len(c.KeyFiles) > maxKeys || slices.Contains(c.KeyFiles, "") {
		bad("key_files", "must list 1 to %d files", maxKeys)
	}
	if len(c.KeyFiles) > 0 && (c.Algorithm != "" || c.RotateAfter != 0 || c.PublishAhead != 0) {
		bad("", "algorithm, rotate_after and publish_ahead are about directory")
	}
	if d.Algorithm != "EdDSA" && d.Algorithm != "ES256" {
		bad("algorithm", "must be EdDSA or ES256")
	}
	if d.RotateAfter.Std() < time.Hour || d.RotateAfter.Std() > 365*24*time.Hour {
		bad("rotate_after", "must be in 1h to 365d")
	} else if d.PublishAhead.Std() < 10*time.Minute || d.PublishAhead > d.RotateAfter/2 {
		bad("publish_ahead", "must be at least 10m, and at most half of rotate_after")
	}
	return errors.Join(faults...)
}

// CheckFiles reports key files that Open would refuse, but those that cannot be
// read by this process. A directory that is not there yet is none of them.
func (c *Config) CheckFiles() error {
	field, err := "key_files", error(nil)
	if c.Directory != "" {
		field = "directory"
		_, err = directory(c.Directory).read()
	} else {
		_, err = (&Keys{config: *c}).readFixed()
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return durward.Invalid(field, "%v", err)
}

// maxAge is how long upstreams may keep the key set: well below the time for
// which a new key is in it before it signs.
func (c *Config) maxAge() time.Duration {
	if c.Directory == "" {
		return time.Minute
	}
	return min(5*time.Minute, c.PublishAhead.Std()/4)
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
