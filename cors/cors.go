// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cors decides which web origins may call an API from a browser: the
// CORS protocol of the Fetch standard (fetch.spec.whatwg.org, section 3.2),
// and the Origin check of WebSocket handshakes (RFC 6455 section 10.2), to
// which browsers do not apply CORS.
//
// [Preflight] answers a path's preflights, [Request] lets an allowed origin
// read answers, [Response] takes out what the upstream says about CORS, so that
// the gateway's configuration is the only word on it. Where CORS is not
// configured there are no CORS fields at all: a browser then keeps every other
// origin from reading answers.
//
// The threats are pages of other origins that use a visitor's login or place in
// the network, and origin checks that a look-alike passes. Origins are compared
// whole, never by a loose suffix, and "null" is never allowed. CORS protects
// browsers' users only; it authenticates nobody. The stages keep no state and
// cannot fail.
package cors

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// Config says which origins may call an API from a browser. The zero value
// allows none.
type Config struct {
	// Origins are the origins that may call: exact ("https://app.example.com"),
	// one label under a name ("https://*.example.com"), or "*" for any, which
	// excludes credentials.
	Origins []string `yaml:"origins"`
	// Headers are the request fields that a page may set besides those that
	// it always may, such as Authorization and Content-Type.
	Headers []string `yaml:"headers"`
	// Expose are the answer's fields that a page may read besides those that
	// it always may.
	Expose []string `yaml:"expose"`
	// Credentials allows requests with cookies, client certificates or HTTP
	// authentication of the browser's.
	Credentials bool `yaml:"credentials"`
	// MaxAge is how long a browser may keep the answer to a preflight; 0 means
	// the browser's own default of 5s. Browsers cap it, at 2h or 24h.
	MaxAge units.Duration `yaml:"max_age"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var faults []error
	if len(c.Origins) == 0 {
		faults = append(faults, durward.Invalid("origins", "at least one origin is needed"))
	}
	for i, o := range c.Origins {
		field := fmt.Sprintf("origins[%d]", i)
		if o == "*" {
			if c.Credentials {
				faults = append(faults, durward.Invalid(field, "* cannot go with credentials: name the origins"))
			}
		} else if _, err := parsePattern(o); err != nil {
			faults = append(faults, durward.Invalid(field, "%v", err))
		}
	}
	for field, names := range map[string][]string{"headers": c.Headers, "expose": c.Expose} {
		for i, name := range names {
			if !isToken(name) || name == "*" {
				faults = append(faults, durward.Invalid(fmt.Sprintf("%s[%d]", field, i), "%q is not a field name", name))
			}
		}
	}
	if c.MaxAge.Std() > 24*time.Hour {
		faults = append(faults, durward.Invalid("max_age", "must be at most 1d: browsers keep it no longer"))
	}
	return errors.Join(faults...)
}

// isToken checks the grammar of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
