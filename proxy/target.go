// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxTargets bounds an upstream's targets: a retry remembers the tried ones
// in the bits of a word.
const maxTargets = 64

// Target is one server of an upstream. In the document it is a URL, or a
// mapping of these fields.
type Target struct {
	// URL is scheme, host and perhaps port: `https://10.0.3.7:9443`.
	URL string `yaml:"url"`
	// Weight is the target's share of the requests beside the others', 1 to
	// 100. Default 1.
	Weight int `yaml:"weight"`
	// Drain takes the target out of rotation: it gets no new request, and
	// those that it has end as usual.
	Drain bool `yaml:"drain"`
}

// UnmarshalText reads the short form, the URL alone. Check judges it.
func (t *Target) UnmarshalText(text []byte) error {
	*t = Target{URL: string(text)}
	return nil
}

// MarshalText writes the URL; weight and drain have no short form.
func (t Target) MarshalText() ([]byte, error) {
	if t.Weight > 1 || t.Drain {
		return nil, errors.New("a target with weight or drain is written as a mapping")
	}
	return []byte(t.URL), nil
}

// endpoint is a target's URL in parts.
type endpoint struct {
	scheme    string // "http" or "https"
	authority string // as it stands in the Host field, without a default port
	address   string // host:port to dial
	host      string // name or address to verify
}

// String is the stable name of the target: in records, metrics and Pools.
func (e endpoint) String() string { return e.scheme + "://" + e.authority }

// parseTarget takes a target's URL apart. It allows nothing that a request
// could not be judged by later: no credentials, path, query or fragment.
func parseTarget(s string) (endpoint, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The text may hold a password, so url's own error is not repeated.
		return endpoint{}, errors.New("is not a URL such as https://10.0.3.7:9443")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return endpoint{}, errors.New("must begin with http:// or https://")
	case u.User != nil:
		return endpoint{}, errors.New("must not hold a user name or password")
	case u.Opaque != "" || u.Path != "" && u.Path != "/":
		return endpoint{}, errors.New("must not have a path: it comes from the request")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return endpoint{}, errors.New("must not have a query or fragment")
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if err := checkHost(host); err != nil {
		return endpoint{}, err
	}
	if strings.HasSuffix(u.Host, ":") {
		return endpoint{}, errors.New("has an empty port")
	}
	def := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if port == "" {
		port = def
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return endpoint{}, errors.New("has a port that is not in 1 to 65535")
	}
	e := endpoint{scheme: u.Scheme, address: net.JoinHostPort(host, port), host: host}
	e.authority = e.address
	if port == def {
		e.authority = strings.TrimSuffix(e.address, ":"+port)
	}
	return e, nil
}

// checkHost takes a DNS name in ASCII or an address.
func checkHost(host string) error {
	if host == "" {
		return errors.New("has no host")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return errors.New("must not have an address zone")
		}
		return nil
	}
	if len(host) > 253 {
		return errors.New("has a host name longer than 253 bytes")
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("has a host name with a label of %d bytes", len(label))
		}
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return errors.New("has a host name with characters that are not letters, digits, - or _")
			}
		}
	}
	return nil
}
