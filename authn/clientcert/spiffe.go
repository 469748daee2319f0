// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import "strings"

// Limits of the SPIFFE-ID standard, section 2, in bytes.
const (
	maxSPIFFE      = 2048
	maxTrustDomain = 255
)

// isSPIFFE tells whether s is a SPIFFE id of a workload: the scheme, a trust
// domain, and a path of one or more segments. It takes no other spelling of
// one: no upper case in scheme and trust domain, no percent-encoding, port,
// user, query or fragment, and no segment that is empty or made of dots.
func isSPIFFE(s string) bool {
	rest, ok := strings.CutPrefix(s, "spiffe://")
	if !ok || len(s) > maxSPIFFE {
		return false
	}
	domain, path, ok := strings.Cut(rest, "/")
	if !ok || domain == "" || len(domain) > maxTrustDomain {
		return false
	}
	for i := range len(domain) {
		if c := domain[i]; !isLowerAlnum(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	for more := true; more; {
		var segment string
		segment, path, more = strings.Cut(path, "/")
		if !isSegment(segment) {
			return false
		}
	}
	return true
}

func isSegment(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isLowerAlnum(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isLowerAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
