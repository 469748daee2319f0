// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"net/netip"
	"strings"
)

// canonicalHost gives the canonical form of an authority without userinfo:
// lower case, one final dot removed, an empty port and the scheme's default
// port removed, an IPv6 address in its RFC 5952 form. Names are LDH labels
// with underscores allowed; IDNA is not decoded, so a name in U-label form is
// refused. It allocates nothing when host is canonical.
func canonicalHost(host, scheme string) (string, error) {
	if host == "" {
		return "", errHostMissing
	}
	if host[0] == '[' {
		return canonicalLiteral(host, scheme)
	}
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort {
		if err := checkPort(port); err != nil {
			return "", err
		}
	}
	trimmed := strings.TrimSuffix(name, ".")
	upper, err := checkName(trimmed)
	if err != nil {
		return "", err
	}
	keep := hasPort && port != "" && !defaultPort(scheme, port)
	if !upper && trimmed == name && keep == hasPort {
		return host, nil
	}
	name = strings.ToLower(trimmed)
	if keep {
		name += ":" + port
	}
	return name, nil
}

func canonicalLiteral(host, scheme string) (string, error) {
	end := strings.IndexByte(host, ']')
	if end < 0 {
		return "", errHostForm
	}
	addr, err := netip.ParseAddr(host[1:end])
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", errHostForm
	}
	literal := "[" + addr.String() + "]"
	rest := host[end+1:]
	if rest == "" {
		return literal, nil
	}
	if rest[0] != ':' {
		return "", errHostForm
	}
	if err := checkPort(rest[1:]); err != nil {
		return "", err
	}
	if rest == ":" || defaultPort(scheme, rest[1:]) {
		return literal, nil
	}
	return literal + rest, nil
}

// checkName checks a name or an IPv4 address. A name whose last label is a
// number is an address to some parsers (RFC 3986 section 7.4: 127.1, 0x7f.1,
// 2130706433), so it must be a dotted quad.
func checkName(name string) (upper bool, err error) {
	if name == "" || len(name) > 253 {
		return false, errHostForm
	}
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '.' {
			c := name[i]
			switch {
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			case c >= 'A' && c <= 'Z':
				upper = true
			default:
				return false, errHostForm
			}
			continue
		}
		label := name[start:i]
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false, errHostForm
		}
		start = i + 1
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; numeric(last) {
		if addr, err := netip.ParseAddr(name); err != nil || !addr.Is4() {
			return false, errHostForm
		}
	}
	return upper, nil
}

// numeric tells whether a label is a number to an address parser of the C
// library: decimal, octal or hexadecimal.
func numeric(label string) bool {
	if len(label) >= 2 && label[0] == '0' && label[1]|0x20 == 'x' {
		for i := 2; i < len(label); i++ {
			if !is(label[i], classHex) {
				return false
			}
		}
		return true
	}
	for i := range len(label) {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
	}
	return true
}

func checkPort(port string) error {
	if port == "" {
		return nil
	}
	if port[0] == '0' || len(port) > 5 {
		return errHostPort
	}
	n := 0
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return errHostPort
		}
		n = n*10 + int(port[i]-'0')
	}
	if n > 65535 {
		return errHostPort
	}
	return nil
}

func defaultPort(scheme, port string) bool {
	return scheme == "https" && port == "443" || scheme == "http" && port == "80"
}

// HostName gives the name or address of a canonical host, without its port.
func HostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && host[len(host)-1] != ']' {
		return host[:i]
	}
	return host
}
