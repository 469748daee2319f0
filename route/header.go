// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"strings"

	"durward"
)

// Fields of which a second line is refused, and those that need a look.
const (
	onceHost = 1 << iota
	onceContentLength
	onceContentType
	onceAuthorization
	onceProxyAuthorization
	onceOrigin
	onceRequestMethod
	onceTransferEncoding
)

// once gives the bit of a field that may occur once. The length of the name
// comes first, as most fields are none of these.
func once(name string) uint {
	switch len(name) {
	case 4:
		if name == "Host" {
			return onceHost
		}
	case 6:
		if name == "Origin" {
			return onceOrigin
		}
	case 12:
		if name == "Content-Type" {
			return onceContentType
		}
	case 13:
		if name == "Authorization" {
			return onceAuthorization
		}
	case 14:
		if name == "Content-Length" {
			return onceContentLength
		}
	case 17:
		if name == "Transfer-Encoding" {
			return onceTransferEncoding
		}
	case 19:
		if name == "Proxy-Authorization" {
			return onceProxyAuthorization
		}
	case 29:
		if name == "Access-Control-Request-Method" {
			return onceRequestMethod
		}
	}
	return 0
}

// protected are the fields that this gateway or an upstream trusts, framing
// fields included. A name that an upstream could take for one of them is
// refused: CGI and its heirs map "X_Forwarded_For" and "X-Forwarded-For" to
// the same variable.
var protected = map[string]bool{}

func init() {
	for _, name := range []string{
		"authorization", "connection", "content-encoding", "content-length", "content-type", "cookie",
		"expect", "forwarded", "host", "origin", "proxy", "proxy-authorization", "proxy-connection",
		"range", "te", "trailer", "transfer-encoding", "upgrade", "via",
		"x-api-key", "x-client-cert", "x-client-ip", "x-cluster-client-ip", "x-forwarded", "x-forwarded-by",
		"x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
		"x-forwarded-prefix", "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-server",
		"x-forwarded-ssl", "x-forwarded-user", "x-http-method", "x-http-method-override",
		"x-method-override", "x-original-host", "x-original-uri", "x-original-url", "x-originating-ip",
		"x-real-ip", "x-remote-addr", "x-remote-ip", "x-remote-user", "x-request-id", "x-rewrite-url",
		"cf-connecting-ip", "client-ip", "fastly-client-ip", "remote-user", "true-client-ip",
		"traceparent", "tracestate",
	} {
		protected[name] = true
	}
}

// checkHeader checks sizes, grammar, duplicates and aliases of the header
// section. host is the canonical host, with which a Host line must agree.
func checkHeader(in *durward.Request, host string, limits *Limits) (durward.Code, error) {
	h := in.Header
	if len(h) > orDefault(limits.Fields, DefaultFields) {
		return durward.CodeHeaderTooLarge, errFields
	}
	size, most := 0, orDefault(limits.HeaderBytes, DefaultHeaderBytes)
	var seen uint
	for i := range h {
		name, value := h[i].Name, h[i].Value
		if size += len(name) + len(value) + 4; size > most {
			return durward.CodeHeaderTooLarge, errHeaderBytes
		}
		odd, ok := checkFieldName(name)
		if !ok {
			return durward.CodeMalformed, errFieldName
		}
		if !printable(value) {
			return durward.CodeMalformed, errFieldValue
		}
		if odd && isAlias(name, h, limits.Protected) {
			return durward.CodeMalformed, errFieldAlias
		}
		if bit := once(name); bit != 0 {
			if seen&bit != 0 {
				if bit == onceHost {
					return durward.CodeHostInvalid, errHostFields
				}
				return durward.CodeMalformed, errFieldTwice
			}
			seen |= bit
			if bit&(onceHost|onceContentLength) != 0 {
				if code, err := checkSpecial(bit, value, in.Scheme, host); err != nil {
					return code, err
				}
			}
		} else if overrides(name, value, in.Method) {
			return durward.CodeMalformed, errFieldOverride
		}
	}
	const both = onceContentLength | onceTransferEncoding
	if seen&both == both {
		return durward.CodeMalformed, errFraming
	}
	return "", nil
}

func checkSpecial(bit uint, value, scheme, host string) (durward.Code, error) {
	if bit == onceHost {
		// A request target in absolute form has said a host already.
		if other, err := canonicalHost(value, scheme); err != nil || other != host {
			return durward.CodeHostInvalid, errHostFields
		}
		return "", nil
	}
	if value == "" || len(value) > 18 {
		return durward.CodeMalformed, errFraming
	}
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return durward.CodeMalformed, errFraming
		}
	}
	return "", nil
}

// overrides tells whether a field asks the upstream to act on another method
// or path than the one that is decided on.
func overrides(name, value, method string) bool {
	if len(name) < 13 || name[0] != 'X' {
		return false
	}
	switch name {
	case "X-Http-Method-Override", "X-Http-Method", "X-Method-Override":
		return value != method
	case "X-Original-Url", "X-Rewrite-Url":
		return true
	}
	return false
}

// checkFieldName checks the token grammar; odd tells that the name has other
// characters than letters, digits and hyphens.
func checkFieldName(name string) (odd, ok bool) {
	all := uint8(classToken | className)
	for i := range len(name) {
		all &= classes[name[i]]
	}
	return all&className == 0, all&classToken != 0 && name != ""
}

// isAlias tells whether name, with every odd character read as a hyphen and
// without regard to case, is a protected field or another field of h.
func isAlias(name string, h durward.Header, more []string) bool {
	b := make([]byte, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			c = '-'
		}
		b[i] = c
	}
	plain := string(b)
	if protected[plain] {
		return true
	}
	for _, p := range more {
		if strings.EqualFold(p, plain) {
			return true
		}
	}
	for i := range h {
		if strings.EqualFold(h[i].Name, plain) {
			return true
		}
	}
	return false
}

// printable tells that a value has no control character but tabs. It looks at
// eight bytes at a time, because values are most of a request's bytes.
func printable(s string) bool {
	const ones = 0x0101010101010101
	const highs = 0x80 * ones
	for len(s) >= 8 {
		v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		del := v ^ 0x7f*ones
		// A byte below 0x20 borrows into its high bit, and so does a zero of
		// del; bytes that have that bit themselves do not count.
		if (((v-0x20*ones)&^v)|((del-ones)&^del))&highs != 0 && !printableSlow(s[:8]) {
			return false
		}
		s = s[8:]
	}
	return printableSlow(s)
}

func printableSlow(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
