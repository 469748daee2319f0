// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"
)

// Limits of a caveat.
const (
	maxItems   = 64
	maxItem    = 1024 // bytes
	maxName    = 256  // bytes of an operationId, an API's name, a parameter's name, a pointer
	maxMethod  = 32
	maxUses    = 1 << 30
	maxPointer = 8            // members and elements that a pointer goes through
	maxTime    = 253402300799 // 9999-12-31T23:59:59Z
)

var (
	errUnknownCaveat = errors.New("capability: has a caveat of a type that is not known")
	errNetwork       = errors.New("address: must be a network such as 192.0.2.0/24 or 2001:db8::/32, with no bits behind its prefix")
	errThumbprint    = errors.New("bound-key: must be a JWK thumbprint: SHA-256 in base64url")
)

// nextItem takes the first item off a list.
func nextItem(b []byte) (item, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b)-2 < n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}

// checkBody tells whether the body of a caveat is well-formed. There is one
// encoding of each meaning, and what judges a caveat relies on this.
func checkBody(t Type, body []byte) error {
	var ok bool
	var want string
	switch t {
	case TypeNotAfter, TypeNotBefore:
		ok, want = len(body) == 8 && binary.BigEndian.Uint64(body) <= maxTime, "a time from 1970 to 9999"
	case TypeUses:
		ok, want = len(body) == 4 && binary.BigEndian.Uint32(body)-1 < maxUses, "a count from 1 to 1073741824"
	case TypeBoundKey:
		if len(body) != 32 {
			return errThumbprint
		}
		return nil
	case TypeBody:
		ok, want = checkField(body), "a JSON pointer of at most 8 parts and a string, an integer within ±(2^53-1), a boolean or null"
	case TypeOperation, TypeAPI:
		ok, want = checkList(body, isName), "1 to 64 names"
	case TypePath:
		ok, want = checkList(body, canonicalPrefix), "1 to 64 canonical paths such as /spaces/42, without a slash at the end"
	case TypeMethod:
		ok, want = checkList(body, isMethod), "1 to 64 methods such as GET"
	case TypeQuery:
		name, values, found := nextItem(body)
		ok, want = found && isName(name) && checkList(values, isText), "a parameter's name and 1 to 64 values"
	case TypeAddress:
		if !checkList(body, isNetwork) {
			return errNetwork
		}
		return nil
	default:
		return errUnknownCaveat
	}
	if !ok {
		return fmt.Errorf("%s: must have %s", t, want)
	}
	return nil
}

// checkList tells whether b is a list of 1 to maxItems items that are all good.
func checkList(b []byte, good func([]byte) bool) bool {
	n := 0
	for ; len(b) > 0 && n < maxItems; n++ {
		item, rest, ok := nextItem(b)
		if !ok || len(item) > maxItem || !good(item) {
			return false
		}
		b = rest
	}
	return n > 0 && len(b) == 0
}

func isText(b []byte) bool { return utf8.Valid(b) }

func isName(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return len(b) > 0 && len(b) <= maxName && utf8.Valid(b)
}

// isMethod is the token grammar (RFC 9110, section 5.6.2).
func isMethod(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && !contains("!#$%&'*+-.^_`|~", c) {
			return false
		}
	}
	return len(b) > 0 && len(b) <= maxMethod
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func contains(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// network reads an address and the length of its prefix, one byte.
func network(b []byte) (p netip.Prefix, ok bool) {
	if len(b) != 5 && len(b) != 17 {
		return p, false
	}
	a, _ := netip.AddrFromSlice(b[:len(b)-1])
	p = netip.PrefixFrom(a, int(b[len(b)-1]))
	return p, p.IsValid() && !a.Is4In6() && p == p.Masked()
}

func isNetwork(b []byte) bool {
	_, ok := network(b)
	return ok
}

// checkField is the body of a TypeBody: pointer, kind, value.
func checkField(b []byte) bool {
	pointer, b, ok := nextItem(b)
	if !ok || !isPointer(pointer) {
		return false
	}
	kind, b, ok := nextItem(b)
	if !ok {
		return false
	}
	value, b, ok := nextItem(b)
	if !ok || len(b) > 0 {
		return false
	}
	switch string(kind) {
	case "string":
		return len(value) <= maxItem && utf8.Valid(value)
	case "number":
		return isInteger(value)
	case "boolean":
		return string(value) == "true" || string(value) == "false"
	case "null":
		return len(value) == 0
	}
	return false
}

// isPointer is RFC 6901, section 3.
func isPointer(b []byte) bool {
	if len(b) > maxName || !utf8.Valid(b) || len(b) > 0 && b[0] != '/' {
		return false
	}
	parts := 0
	for i, c := range b {
		switch c {
		case '/':
			parts++
		case '~':
			if i+1 == len(b) || b[i+1] != '0' && b[i+1] != '1' {
				return false
			}
		}
	}
	return parts <= maxPointer
}

// isInteger takes the one spelling of an integer that every JSON reader knows
// exactly (RFC 8259, section 6).
func isInteger(b []byte) bool {
	digits := b
	if len(b) > 1 && b[0] == '-' {
		digits = b[1:]
		if digits[0] == '0' {
			return false
		}
	}
	if len(digits) == 0 || len(digits) > 16 || digits[0] == '0' && len(digits) > 1 {
		return false
	}
	n := uint64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + uint64(c-'0')
	}
	return n <= 1<<53-1
}
