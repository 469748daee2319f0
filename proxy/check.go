// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"durward"
	"durward/internal/units"
)

// Check reports every fault of the section that can be seen without reading a
// file or asking a target.
func (c *Config) Check() error {
	var faults []error
	bad := func(field, format string, args ...any) {
		faults = append(faults, durward.Invalid(field, format, args...))
	}
	oneOf := func(field, value string, words ...string) {
		if value != "" && !slices.Contains(words, value) {
			bad(field, "must be one of %s", strings.Join(words, ", "))
		}
	}
	oneOf("protocol", c.Protocol, "auto", "http1", "h2", "h2c")
	oneOf("balance", c.Balance, "round_robin", "least_requests", "hash")
	oneOf("forward", c.Forward, "both", "rfc7239", "x-forwarded", "off")
	oneOf("credential", c.Credential, "strip", "pass", "replace")
	if (c.Credential == "replace") != (c.UpstreamCredential != nil) {
		bad("upstream_credential", "goes together with credential: replace")
	}
	faults = append(faults, c.checkTargets()...)
	if c.Host != "" && c.Host != "preserve" && c.Host != "target" {
		if _, err := parseTarget("http://" + c.Host); err != nil || strings.Contains(c.Host, "/") {
			bad("host", "must be preserve, target or a host name, perhaps with a port")
		}
	}
	for i, p := range c.Upgrades {
		if p == "" || !isToken(p) || p != strings.ToLower(p) || p == "h2c" || strings.HasPrefix(p, "tls") {
			bad(fmt.Sprintf("upgrades[%d]", i), "must be the lower-case name of a protocol such as websocket")
		}
	}
	if c.MaxConnections < 0 || c.MaxConnections > 65536 {
		bad("max_connections", "must be in 1 to 65536")
	}
	if c.MaxIdle < 0 || c.MaxIdle > 65536 {
		bad("max_idle", "must be in 0 to 65536")
	}
	if c.MaxResponseHeader != 0 && (c.MaxResponseHeader < 1<<10 || c.MaxResponseHeader > 1<<20) {
		bad("max_response_header", "must be in 1KiB to 1MiB")
	}
	if c.Retries != nil && (*c.Retries < 0 || *c.Retries > 3) {
		bad("retries", "must be in 0 to 3")
	}
	if c.TLS != nil && (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		bad("tls", "certificate and key go together")
	}
	if c.TLS != nil && c.TLS.ServerName != "" && checkHost(c.TLS.ServerName) != nil {
		bad("tls.server_name", "must be a host name or address")
	}
	faults = append(faults, durward.InvalidIn("identity", c.Identity.check()))
	if c.UpstreamCredential != nil {
		faults = append(faults, durward.InvalidIn("upstream_credential", c.UpstreamCredential.check(&c.Identity)))
	}
	faults = append(faults, durward.InvalidIn("health", c.Health.check()))
	return errors.Join(faults...)
}

func (c *Config) checkTargets() []error {
	if len(c.Targets) == 0 || len(c.Targets) > maxTargets {
		return []error{durward.Invalid("targets", "must list 1 to %d targets", maxTargets)}
	}
	var faults []error
	bad := func(i int, format string, args ...any) {
		faults = append(faults, durward.Invalid(fmt.Sprintf("targets[%d]", i), format, args...))
	}
	seen := make(map[string]bool, len(c.Targets))
	secure := false
	for i, t := range c.Targets {
		if t.Weight < 0 || t.Weight > 100 {
			bad(i, "weight must be in 1 to 100")
		}
		e, err := parseTarget(t.URL)
		if err != nil {
			bad(i, "%v", err)
			continue
		}
		if seen[e.String()] {
			bad(i, "is listed twice; use weight")
		}
		seen[e.String()] = true
		secure = secure || e.scheme == "https"
		switch {
		case c.Protocol == "h2" && e.scheme != "https":
			bad(i, "protocol h2 needs https; h2c is HTTP/2 over http")
		case c.Protocol == "h2c" && e.scheme != "http":
			bad(i, "protocol h2c needs http; h2 is HTTP/2 over https")
		}
	}
	if c.TLS != nil && !secure && len(faults) == 0 {
		faults = append(faults, durward.Invalid("tls", "no target is https, so nothing would be verified"))
	}
	return faults
}

func (n *Identity) check() error {
	var faults []error
	seen := make(map[string]bool)
	for _, f := range []struct{ field, name string }{
		{"subject", n.Subject}, {"consumer", n.Consumer}, {"roles", n.Roles}, {"scopes", n.Scopes}, {"method", n.Method},
	} {
		if f.name == "" {
			continue
		}
		folded := foldName(f.name)
		switch {
		case !isToken(f.name) || len(f.name) > maxName:
			faults = append(faults, durward.Invalid(f.field, "must be a field name of at most %d bytes", maxName))
		case isDropped(folded) || neverIdentity[folded] || strings.HasPrefix(folded, "content-"):
			faults = append(faults, durward.Invalid(f.field, "%s has a meaning of its own", f.name))
		case seen[folded]:
			faults = append(faults, durward.Invalid(f.field, "%s is used twice", f.name))
		}
		seen[folded] = true
	}
	if n.ClientCertificateChain && !n.ClientCertificate {
		faults = append(faults, durward.Invalid("client_certificate_chain", "needs client_certificate"))
	}
	return errors.Join(faults...)
}

func (h *Health) check() error {
	var faults []error
	bad := func(field, format string, args ...any) {
		faults = append(faults, durward.Invalid(field, format, args...))
	}
	if p := &h.Passive; true {
		if p.Failures < 0 || p.Failures > 1000 {
			bad("passive.failures", "must be in 1 to 1000")
		}
		for i, word := range p.Count {
			if !slices.Contains(faultNames[1:], word) {
				bad(fmt.Sprintf("passive.count[%d]", i), "must be one of %s", strings.Join(faultNames[1:], ", "))
			}
		}
	}
	a := h.Active
	if a == nil {
		return errors.Join(faults...)
	}
	if a.Path != "" && !validProbePath(a.Path) {
		bad("active.path", "must be an absolute path of printable ASCII, perhaps with a query")
	}
	if a.Interval != 0 && a.Interval < units.Duration(100e6) {
		bad("active.interval", "must be at least 100ms")
	}
	if a.Healthy < 0 || a.Healthy > 100 {
		bad("active.healthy", "must be in 1 to 100")
	}
	if a.Unhealthy < 0 || a.Unhealthy > 100 {
		bad("active.unhealthy", "must be in 1 to 100")
	}
	if a.Status != "" {
		if _, _, err := parseStatus(a.Status); err != nil {
			bad("active.status", "must be a status or a range such as 200-299")
		}
	}
	return errors.Join(faults...)
}

func validProbePath(p string) bool {
	if p[0] != '/' || strings.Contains(p, "#") {
		return false
	}
	return !strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// parseStatus reads "200" or "200-299".
func parseStatus(s string) (low, high int, err error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	low, err = strconv.Atoi(first)
	if err == nil {
		high, err = strconv.Atoi(last)
	}
	if err == nil && (len(first) != 3 || len(last) != 3 || low < 200 || high > 599 || low > high) {
		err = errors.New("not a range of final statuses")
	}
	return low, high, err
}
