// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/netip"

	"durward"
)

// forwardFields writes what the upstream is told about the client's address,
// scheme and host. Only the address that was judged behind trusted proxies is
// named, never a chain that a client could have begun.
type forwardFields struct {
	rfc7239 bool // Forwarded (RFC 7239)
	legacy  bool // X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host
}

// add appends the fields. All values are cut from one string, so that it
// allocates once.
func (w forwardFields) add(h *durward.Header, x *durward.Exchange) {
	if !w.rfc7239 && !w.legacy {
		return
	}
	scheme := x.Client.Scheme
	if scheme == "" {
		scheme = x.In.Scheme
	}
	host := x.In.Host
	if !quotable(host) {
		host = "" // route refuses such a host; this is the second line
	}
	var space [256]byte
	b := append(space[:0], "for="...)
	from, to := 0, 0
	b, from, to = appendNode(b, x.Client.Address)
	if host != "" {
		b = append(b, `;host="`...)
		b = append(b, host...)
		b = append(b, '"')
	}
	if scheme == "http" || scheme == "https" {
		b = append(b, ";proto="...)
		b = append(b, scheme...)
	} else {
		scheme = ""
	}
	all := string(b)
	if w.rfc7239 {
		h.Add("Forwarded", all)
	}
	if !w.legacy {
		return
	}
	if to > from {
		h.Add("X-Forwarded-For", all[from:to])
	}
	if scheme != "" {
		h.Add("X-Forwarded-Proto", scheme)
	}
	if host != "" {
		h.Add("X-Forwarded-Host", host)
	}
}

// appendNode appends a node (RFC 7239, 6) and tells where the bare address
// lies within it.
func appendNode(b []byte, a netip.Addr) (out []byte, from, to int) {
	if !a.IsValid() {
		return append(b, "unknown"...), 0, 0
	}
	if a.Is4() {
		from = len(b)
		b = a.AppendTo(b)
		return b, from, len(b)
	}
	b = append(b, `"[`...)
	from = len(b)
	b = a.WithZone("").AppendTo(b)
	to = len(b)
	return append(b, `]"`...), from, to
}

// quotable tells that s can stand in a quoted string as it is.
func quotable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

const upperHex = "0123456789ABCDEF"

// mustEscape tells the bytes of an identity value that are percent-encoded: a
// subject comes from a token and may hold anything, line ends included.
func mustEscape(c byte, inList bool) bool {
	return c < ' ' || c >= 0x7f || c == '%' || inList && (c == ',' || c == ' ')
}

// escapeValue gives a value in the form that a field can carry. It allocates
// only where there is something to encode.
func escapeValue(s string, inList bool) string {
	for i := range len(s) {
		if mustEscape(s[i], inList) || s[i] == ' ' && (i == 0 || i == len(s)-1) {
			return string(appendEscaped(make([]byte, 0, len(s)+8), s, inList))
		}
	}
	return s
}

func appendEscaped(b []byte, s string, inList bool) []byte {
	for i := range len(s) {
		c := s[i]
		if mustEscape(c, inList) || c == ' ' && (i == 0 || i == len(s)-1) {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
			continue
		}
		b = append(b, c)
	}
	return b
}

// joinEscaped joins values so that each can be told from the next.
func joinEscaped(values []string, sep string) string {
	var space [256]byte
	b := space[:0]
	for i, v := range values {
		if i > 0 {
			b = append(b, sep...)
		}
		b = appendEscaped(b, v, true)
	}
	return string(b)
}
