// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package cors

import (
	"errors"
	"net/netip"
	"strings"
)

// pattern is an origin of the configuration.
type pattern struct {
	scheme string // with "://"
	suffix string // host and port behind the one free label, with its dot; "" when exact
	exact  string
}

var errOrigin = errors.New("is not an origin such as https://app.example.com or https://*.example.com: " +
	"scheme and host in lower case, a port only when it is not the scheme's own, nothing behind")

// parsePattern reads an origin as browsers write it (RFC 6454 section 6.2).
func parsePattern(s string) (pattern, error) {
	i := strings.Index(s, "://")
	if i <= 0 {
		return pattern{}, errOrigin
	}
	scheme, host := s[:i+3], s[i+3:]
	if !validScheme(s[:i]) {
		return pattern{}, errOrigin
	}
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		name, _, _ := strings.Cut(rest, ":")
		// A wildcard under a single label would be a whole top-level domain.
		if !strings.Contains(name, ".") || numericEnd(name) || !validHost(rest, scheme) {
			return pattern{}, errOrigin
		}
		return pattern{scheme: scheme, suffix: host[1:]}, nil
	}
	if !validHost(host, scheme) {
		return pattern{}, errOrigin
	}
	return pattern{exact: s}, nil
}

// matches compares a whole origin: exactly, or with one label in place of the
// asterisk.
func (p *pattern) matches(origin string) bool {
	if p.suffix == "" {
		return origin == p.exact
	}
	label, ok := strings.CutPrefix(origin, p.scheme)
	if !ok {
		return false
	}
	label, ok = strings.CutSuffix(label, p.suffix)
	return ok && validLabel(label)
}

// validScheme checks the grammar of RFC 3986 section 3.1 in lower case. The
// origin of a file is "null", so that scheme is none.
func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && s != "file"
}

// validHost accepts what a browser serialises: lower-case labels or an
// address, with a port that is not the scheme's own.
func validHost(s, scheme string) bool {
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		port := s[i+1:]
		host = s[:i]
		if !validPort(port) || scheme == "https://" && port == "443" || scheme == "http://" && port == "80" {
			return false
		}
	}
	if strings.HasPrefix(host, "[") {
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return err == nil && a.Is6() && a.Zone() == "" && host == "["+a.String()+"]"
	}
	if numericEnd(host) {
		a, err := netip.ParseAddr(host)
		return err == nil && a.Is4()
	}
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

func validLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
}

func validPort(s string) bool {
	if s == "" || len(s) > 5 || s[0] == '0' || len(s) == 5 && s > "65535" {
		return false
	}
	return digits(s)
}

// numericEnd tells that the last label is a number, and the host so an IPv4
// address or none (RFC 3986 section 7.4).
func numericEnd(host string) bool {
	return digits(host[strings.LastIndexByte(host, '.')+1:])
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
