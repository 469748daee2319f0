// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"errors"
	"net/netip"
	"strings"

	"durward"
)

var (
	errForwardingField = errors.New("must be auto, forwarded or x-forwarded-for")

	errForwarded      = errors.New("a trusted proxy sent a Forwarded field that breaks RFC 7239")
	errForwardedFor   = errors.New("a trusted proxy sent an X-Forwarded-For field that is no list of addresses")
	errForwardedProto = errors.New("a trusted proxy sent more than one scheme, or one that is not http or https")
	errForwardedLong  = errors.New("a trusted proxy named too many hops")
	errForwardedBoth  = errors.New("fields Forwarded and X-Forwarded-For name different clients")
)

// maxHops bounds the hops that are read of a forwarding field.
const maxHops = 32

// ForwardingField says which field of a trusted proxy names the client.
type ForwardingField string

const (
	// AnyForwarding reads both fields. Where both are present they must name
	// the same client, else the request is refused.
	AnyForwarding ForwardingField = ""
	// ForwardedOnly reads Forwarded (RFC 7239).
	ForwardedOnly ForwardingField = "forwarded"
	// XForwardedOnly reads X-Forwarded-For and X-Forwarded-Proto.
	XForwardedOnly ForwardingField = "x-forwarded-for"
)

// UnmarshalText reads "auto" (AnyForwarding), "forwarded" or "x-forwarded-for".
func (f *ForwardingField) UnmarshalText(text []byte) error {
	switch one := ForwardingField(text); one {
	case ForwardedOnly, XForwardedOnly:
		*f = one
	case "auto", AnyForwarding:
		*f = AnyForwarding
	default:
		return errForwardingField
	}
	return nil
}

// Clients judges who is at the other end of a request. It is immutable and
// safe for concurrent use. The zero value trusts nobody.
type Clients struct {
	trusted []netip.Prefix
	field   ForwardingField
}

// NewClients makes a Clients that believes the forwarding fields of peers in
// the trusted prefixes, and of nobody else.
func NewClients(trusted []netip.Prefix, field ForwardingField) *Clients {
	c := &Clients{field: field}
	for _, p := range trusted {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		c.trusted = append(c.trusted, p.Masked())
	}
	return c
}

// Trusted tells whether an address is a trusted proxy's.
func (c *Clients) Trusted(a netip.Addr) bool {
	for i := range c.trusted {
		if c.trusted[i].Contains(a) {
			return true
		}
	}
	return false
}

// Resolve sets out to the client of in: the peer, or, when the peer is a
// trusted proxy, the rightmost hop that is not one (the leftmost hop when all
// are). The scheme is what that proxy says, else the connection's.
//
// Only what stands to the right of the client was written by proxies; what
// stands to its left the client may have written, and is not read. A field
// that cannot be read up to the client is refused: falling back on the peer's
// address would give the client a proxy's rights.
func (c *Clients) Resolve(in *durward.Request, out *durward.Client) durward.Decision {
	peer := plain(in.Peer.Addr())
	*out = durward.Client{Address: peer, Scheme: in.Scheme}
	if !c.Trusted(peer) {
		return durward.Proceed()
	}
	out.Trusted = true
	standard, legacy, err := c.read(in.Header)
	if err != nil {
		return durward.Refuse(durward.CodeMalformed, err)
	}
	switch {
	case standard.addr.IsValid() && legacy.addr.IsValid() && standard.addr != legacy.addr:
		return durward.Refuse(durward.CodeMalformed, errForwardedBoth)
	case standard.addr.IsValid():
		out.Address = standard.addr
	case legacy.addr.IsValid():
		out.Address = legacy.addr
	}
	switch {
	case standard.scheme != "" && legacy.scheme != "" && standard.scheme != legacy.scheme:
		return durward.Refuse(durward.CodeMalformed, errForwardedProto)
	case standard.scheme != "":
		out.Scheme = standard.scheme
	case legacy.scheme != "":
		out.Scheme = legacy.scheme
	}
	return durward.Proceed()
}

// hop is what one field says of the client: an invalid address or an empty
// scheme is not said.
type hop struct {
	addr   netip.Addr
	scheme string
}

func (c *Clients) read(h durward.Header) (standard, legacy hop, err error) {
	if c.field != XForwardedOnly && h.Has("Forwarded") {
		if standard, err = c.forwarded(h); err != nil {
			return
		}
	}
	if c.field == ForwardedOnly {
		return
	}
	if legacy.addr, err = c.forwardedFor(h); err != nil {
		return
	}
	legacy.scheme, err = forwardedProto(h)
	return
}

// forwardedFor reads X-Forwarded-For from the right.
func (c *Clients) forwardedFor(h durward.Header) (client netip.Addr, err error) {
	hops := 0
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Name != "X-Forwarded-For" {
			continue
		}
		rest, more := h[i].Value, true
		for more {
			var item string
			if cut := strings.LastIndexByte(rest, ','); cut >= 0 {
				rest, item = rest[:cut], rest[cut+1:]
			} else {
				item, more = rest, false
			}
			if hops++; hops > maxHops {
				return netip.Addr{}, errForwardedLong
			}
			addr, ok := parseNode(strings.Trim(item, " \t"))
			if !ok {
				return netip.Addr{}, errForwardedFor
			}
			client = addr
			if !c.Trusted(addr) {
				return client, nil
			}
		}
	}
	return client, nil
}

// forwardedProto reads X-Forwarded-Proto. A list must be of one scheme, since
// nothing says which of several the trusted proxy wrote.
func forwardedProto(h durward.Header) (scheme string, err error) {
	for i := range h {
		if h[i].Name != "X-Forwarded-Proto" {
			continue
		}
		rest, more := h[i].Value, true
		for more {
			var item string
			item, rest, more = strings.Cut(rest, ",")
			one, ok := parseScheme(strings.Trim(item, " \t"))
			if !ok || scheme != "" && one != scheme {
				return "", errForwardedProto
			}
			scheme = one
		}
	}
	return scheme, nil
}

func parseScheme(s string) (string, bool) {
	switch {
	case strings.EqualFold(s, "https"), strings.EqualFold(s, "wss"):
		return "https", true
	case strings.EqualFold(s, "http"), strings.EqualFold(s, "ws"):
		return "http", true
	}
	return "", false
}

// parseNode reads an address with an optional port: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80.
func parseNode(s string) (netip.Addr, bool) {
	if s == "" || len(s) > 64 {
		return netip.Addr{}, false
	}
	host, port := s, ""
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || !strings.Contains(s[:end], ":") {
			return netip.Addr{}, false
		}
		host, port = s[1:end], s[end+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 && strings.IndexByte(s[i+1:], ':') < 0 {
		host, port = s[:i], s[i:]
	}
	if port != "" && (port[0] != ':' || port == ":" || checkPort(port[1:]) != nil) {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

// plain is the one form of an address: IPv4 unmapped from IPv6, no zone.
func plain(a netip.Addr) netip.Addr {
	if a.Is6() {
		return a.WithZone("").Unmap()
	}
	return a
}
