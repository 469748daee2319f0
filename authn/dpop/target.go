// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"bytes"
	"net/netip"
	"strings"

	"durward"
)

// base is what clients call the gateway.
type base struct {
	scheme, host string // in normal form
	path         string // without the last "/", "" for the root
}

// parseBase reads the base_url of a configuration.
func parseBase(s string) (base, bool) {
	u, ok := normalURL([]byte(s))
	if !ok || strings.ContainsAny(s, "?#") {
		return base{}, false
	}
	return base{u.scheme, u.host, strings.TrimSuffix(u.path, "/")}, true
}

// target tells whether htu is the URL of the request: scheme, host and path after
// normalisation (RFC 3986, 6.2.2 and 6.2.3), without query and fragment (RFC 9449,
// 4.3 check 9). The usual case, the same bytes, allocates nothing.
func (v *Verifier) target(htu []byte, x *durward.Exchange) bool {
	scheme, host, prefix := x.Client.Scheme, x.In.Host, ""
	if scheme == "" {
		scheme = x.In.Scheme
	}
	if v.base != nil {
		scheme, host, prefix = v.base.scheme, v.base.host, v.base.path
	}
	htu = withoutQuery(htu)
	if scheme == "" || host == "" || len(x.In.Path) == 0 || x.In.Path[0] != '/' {
		return false
	}
	if rest, ok := cut(htu, scheme); ok {
		if rest, ok = cut(rest, "://"); ok {
			if rest, ok = cut(rest, host); ok {
				if rest, ok = cut(rest, prefix); ok && string(rest) == x.In.Path {
					return true
				}
			}
		}
	}
	want, ok := normalURL([]byte(scheme + "://" + host + prefix + x.In.Path))
	if !ok {
		return false
	}
	got, ok := normalURL(htu)
	return ok && got == want
}

func cut(b []byte, prefix string) ([]byte, bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return nil, false
	}
	return b[len(prefix):], true
}

func withoutQuery(u []byte) []byte {
	if i := bytes.IndexAny(u, "?#"); i >= 0 {
		return u[:i]
	}
	return u
}

// url is an http or https URL in normal form: two that are equivalent are equal.
type url struct{ scheme, host, path string }

// normalURL is false for what is not an absolute http or https URL, and for one
// with a user, or bytes that a URL cannot have.
func normalURL(u []byte) (url, bool) {
	scheme, rest, ok := bytes.Cut(withoutQuery(u), []byte("://"))
	if !ok {
		return url{}, false
	}
	n := url{scheme: strings.ToLower(string(scheme))}
	if n.scheme != "http" && n.scheme != "https" {
		return url{}, false
	}
	authority, path := rest, []byte(nil)
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if n.host, ok = normalHost(string(authority), n.scheme); !ok {
		return url{}, false
	}
	n.path, ok = normalPath(path)
	return n, ok
}

// normalHost gives the authority in lower case, without the scheme's default port
// and without the dot that a full name may end with.
func normalHost(s, scheme string) (string, bool) {
	name, port := s, ""
	if end := strings.IndexByte(s, ']'); strings.HasPrefix(s, "[") && end > 0 {
		addr, err := netip.ParseAddr(s[1:end])
		if err != nil || !addr.Is6() || addr.Zone() != "" || end+1 < len(s) && s[end+1] != ':' {
			return "", false
		}
		name, port = "["+addr.String()+"]", strings.TrimPrefix(s[end+1:], ":")
	} else {
		name, port, _ = strings.Cut(s, ":")
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
			return "", false // an empty label
		}
		for i := range len(name) {
			if c := name[i]; !unreserved(c) {
				return "", false
			}
		}
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return "", false
		}
	}
	switch port = strings.TrimLeft(port, "0"); {
	case name == "" || len(port) > 5:
		return "", false
	case port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443":
		return name, true
	}
	return name + ":" + port, true
}

// normalPath decodes the escapes of unreserved characters, writes the others with
// upper-case digits, escapes what must be, and resolves dot segments.
func normalPath(p []byte) (string, bool) {
	const upper = "0123456789ABCDEF"
	out := make([]byte, 0, len(p)+1)
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '%' {
			if i+2 >= len(p) || unhex(p[i+1]) > 15 || unhex(p[i+2]) > 15 {
				return "", false
			}
			c = unhex(p[i+1])<<4 | unhex(p[i+2])
			i += 2
			if unreserved(c) {
				out = append(out, c)
				continue
			}
		} else if c <= ' ' || c == 0x7f {
			return "", false
		} else if c == '/' || unreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0 {
			out = append(out, c)
			continue
		}
		out = append(out, '%', upper[c>>4], upper[c&15])
	}
	return withoutDots(string(out)), true
}

// withoutDots is remove_dot_segments (RFC 3986, 5.2.4) of an absolute or empty path.
func withoutDots(p string) string {
	if !strings.Contains(p, "/.") {
		if p == "" {
			return "/"
		}
		return p
	}
	var kept []string
	segments := strings.Split(p[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		case ".":
		default:
			kept = append(kept, s)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// unhex gives the value of a hexadecimal digit, and more than 15 for another byte.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
