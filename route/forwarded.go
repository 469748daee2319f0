// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"net/netip"
	"strings"

	"durward"
)

// forwarded reads the Forwarded field (RFC 7239 section 4). Its lines are one
// list. The whole list must be in the grammar, since a quoted string that a
// client left open would swallow what a proxy added behind it.
func (c *Clients) forwarded(h durward.Header) (hop, error) {
	var hops [maxHops]element
	n := 0
	for i := range h {
		if h[i].Name != "Forwarded" {
			continue
		}
		rest, more := h[i].Value, true
		for more {
			var e element
			var ok bool
			if e, rest, more, ok = parseElement(rest); !ok {
				return hop{}, errForwarded
			}
			if n == maxHops {
				return hop{}, errForwardedLong
			}
			hops[n] = e
			n++
		}
	}
	for i := n - 1; i >= 0; i-- {
		addr, ok := parseForwardedNode(hops[i].node)
		if !ok {
			return hop{}, errForwarded
		}
		if i > 0 && c.Trusted(addr) {
			continue
		}
		client := hop{addr: addr}
		if hops[i].proto != "" {
			if client.scheme, ok = parseScheme(hops[i].proto); !ok {
				return hop{}, errForwardedProto
			}
		}
		return client, nil
	}
	return hop{}, errForwarded
}

// element is what matters of one forwarded-element.
type element struct{ node, proto string }

// parseElement reads one forwarded-element: pairs of token and value with
// semicolons between them, up to a comma or the end. more tells that a comma
// followed. A parameter that occurs twice is refused.
func parseElement(s string) (e element, rest string, more, ok bool) {
	var seen [4]bool
	s = strings.TrimLeft(s, " \t")
	for {
		name, value, tail, pair := parsePair(s)
		if !pair {
			return e, "", false, false
		}
		for i, known := range [...]string{"for", "proto", "by", "host"} {
			if !strings.EqualFold(name, known) {
				continue
			}
			if seen[i] {
				return e, "", false, false
			}
			seen[i] = true
			switch i {
			case 0:
				e.node = value
			case 1:
				e.proto = value
			}
		}
		// RFC 7239 has no space around the semicolon, but senders do.
		s = strings.TrimLeft(tail, " \t")
		switch {
		case s == "":
			return e, "", false, true
		case s[0] == ',':
			return e, s[1:], true, true
		case s[0] == ';':
			s = strings.TrimLeft(s[1:], " \t")
		default:
			return e, "", false, false
		}
	}
}

// parsePair reads token "=" ( token / quoted-string ).
func parsePair(s string) (name, value, rest string, ok bool) {
	i := tokenEnd(s)
	if i == 0 || i == len(s) || s[i] != '=' {
		return "", "", "", false
	}
	name, s = s[:i], s[i+1:]
	if s == "" || s[0] != '"' {
		i = tokenEnd(s)
		return name, s[:i], s[i:], i > 0
	}
	for i = 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return name, s[1:i], s[i+1:], true
		case c == '\\', c < 0x20 && c != '\t', c == 0x7f:
			// No node or scheme needs an escape, and parsers disagree on them.
			return "", "", "", false
		}
	}
	return "", "", "", false
}

func tokenEnd(s string) int {
	for i := range len(s) {
		if !is(s[i], classToken) {
			return i
		}
	}
	return len(s)
}

// parseForwardedNode reads a node of RFC 7239 section 6 that is an address. An
// IPv6 address must be in brackets. "unknown" and obfuscated identifiers name
// nobody to whom a limit or a list could apply, so they do not count.
func parseForwardedNode(s string) (netip.Addr, bool) {
	if s == "" || s[0] != '[' && strings.Count(s, ":") > 1 {
		return netip.Addr{}, false
	}
	return parseNode(s)
}
