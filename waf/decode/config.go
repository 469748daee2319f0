// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"errors"

	"durward"
	"durward/internal/units"
)

// Config says which encoded values the firewall decodes and inspects again.
type Config struct {
	// Base64 decodes values that are base64 of a text, standard or URL-safe,
	// also nested once, and the parts of JSON web tokens: on (default) or off.
	Base64 string `yaml:"base64" enum:"on,off"`
	// JSON inspects each text of a value that is JSON itself: on (default) or off.
	JSON string `yaml:"json" enum:"on,off"`
	// Escapes decodes values that are still escaped after the gateway's decoding,
	// as %2527 and \u0027: on (default) or off.
	Escapes string `yaml:"escapes" enum:"on,off"`
	// MaxValues is how many decoded values of a request are inspected; what
	// happens to one with more says on_body_limit. Default 1000.
	MaxValues int `yaml:"max_values"`
	// MaxBytes is how many bytes of decoded values of a request are inspected;
	// what happens to one with more says on_body_limit. Default 1MiB.
	MaxBytes units.Bytes `yaml:"max_bytes"`
}

const (
	defaultValues = 1000
	defaultBytes  = 1 << 20
	off           = "off"
)

// Check reports every field that cannot be used.
func (c *Config) Check() error {
	var faults []error
	for _, s := range []struct{ field, value string }{{"base64", c.Base64}, {"json", c.JSON}, {"escapes", c.Escapes}} {
		if s.value != "" && s.value != "on" && s.value != off {
			faults = append(faults, durward.Invalid(s.field, "must be on, or off"))
		}
	}
	if c.MaxValues < 0 || c.MaxValues > 10_000 {
		faults = append(faults, durward.Invalid("max_values", "must be from 1 to 10000"))
	}
	if c.MaxBytes < 0 || c.MaxBytes > 64<<20 {
		faults = append(faults, durward.Invalid("max_bytes", "must be from 1 to 64MiB"))
	}
	return errors.Join(faults...)
}

// Enabled tells whether anything is decoded.
func (c *Config) Enabled() bool { return c.Base64 != off || c.JSON != off || c.Escapes != off }
