// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"durward"
	"durward/internal/units"
)

// Check reports every fault.
func (c *IssuerConfig) Check() error {
	d := c.withDefaults()
	errs := d.checkSource()
	if d.Issuer == "" {
		errs = append(errs, durward.Invalid("issuer", "is required unless discovery is the issuer's own URL"))
	}
	if len(c.Audiences) == 0 {
		errs = append(errs, durward.Invalid("audiences", "is required"))
	}
	if slices.Contains(c.Audiences, "") {
		errs = append(errs, durward.Invalid("audiences", "holds an empty name"))
	}
	errs = append(errs, checkConsumers(c.Consumers, c.NoConsumers))
	for i, a := range c.Algorithms {
		if !slices.Contains(knownAlgorithms, a) {
			errs = append(errs, durward.Invalid("algorithms["+strconv.Itoa(i)+"]", "must be one of %s", strings.Join(knownAlgorithms, ", ")))
		}
	}
	if !slices.Contains([]string{"jwt", "at+jwt", "any"}, d.Type) {
		errs = append(errs, durward.Invalid("type", "must be jwt, at+jwt or any"))
	}
	bounded := func(name string, v units.Duration, low, high time.Duration) {
		if v.Std() < low || v.Std() > high {
			errs = append(errs, durward.Invalid(name, "must be between %v and %v", units.Duration(low), units.Duration(high)))
		}
	}
	bounded("skew", d.Skew, 0, 5*time.Minute)
	bounded("min_refresh", d.MinRefresh, time.Second, time.Hour)
	bounded("refresh_interval", d.RefreshInterval, time.Second, 24*time.Hour)
	bounded("stale_for", d.StaleFor, time.Minute, 365*24*time.Hour)
	return errors.Join(errs...)
}

func (c *IssuerConfig) checkSource() []error {
	var errs []error
	set := 0
	for _, s := range []string{c.Discovery, c.JWKSURL, c.JWKSFile} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		errs = append(errs, durward.Invalid("", "must have exactly one of discovery, jwks_url and jwks_file"))
	}
	for _, u := range []struct{ field, url string }{{"discovery", c.Discovery}, {"jwks_url", c.JWKSURL}} {
		if u.url == "" {
			continue
		}
		if err := checkURL(u.url); err != nil {
			errs = append(errs, durward.Invalid(u.field, "%v", err))
		}
	}
	if c.CA != "" && c.JWKSFile != "" {
		errs = append(errs, durward.Invalid("ca", "is of no use with jwks_file"))
	}
	return errs
}

var errURL = errors.New("must be an https URL without user and fragment (http only for a loopback address)")

// checkURL keeps keys from being fetched over a line that others can write to.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return errURL
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsLoopback() {
			return nil
		}
		if u.Hostname() == "localhost" {
			return nil
		}
	}
	return errURL
}
