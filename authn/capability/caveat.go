// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"time"
)

// Type is the kind of a caveat, as it stands in a token.
type Type uint8

// The types of caveats. A number is never used again for another meaning.
const (
	TypeOperation Type = 1  // the operationId is one of a set
	TypeAPI       Type = 2  // the API's name is one of a set
	TypePath      Type = 3  // the canonical path is one of a set, or below it
	TypeMethod    Type = 4  // the method is one of a set
	TypeQuery     Type = 5  // a query parameter occurs once, with one of a set of values
	TypeBody      Type = 6  // a JSON pointer of the content leads to a scalar
	TypeAddress   Type = 7  // the client's address is in one of a set of networks
	TypeNotAfter  Type = 8  // the time is before
	TypeNotBefore Type = 9  // the time is at or after
	TypeUses      Type = 10 // so many requests, of all tokens made from this one
	TypeBoundKey  Type = 11 // the caller proves to hold a key (RFC 9449)
)

var typeNames = [...]string{
	TypeOperation: "operation", TypeAPI: "api", TypePath: "path-prefix", TypeMethod: "method", TypeQuery: "query",
	TypeBody: "body-field", TypeAddress: "address", TypeNotAfter: "not-after", TypeNotBefore: "not-before",
	TypeUses: "uses", TypeBoundKey: "bound-key",
}

func (t Type) known() bool { return t > 0 && int(t) < len(typeNames) }

// String is the type's name, or "unknown".
func (t Type) String() string {
	if !t.known() {
		return "unknown"
	}
	return typeNames[t]
}

// Caveat is one condition on the requests that a token allows. It is
// immutable and can be compared. The functions of this file make one; whether
// it can be used is said by Check, and by Mint and Attenuate.
type Caveat struct {
	kind Type
	body string
	err  error // why it could not be made
}

// Type is the kind of c.
func (c Caveat) Type() Type { return c.kind }

// Check tells whether c can be put into a token.
func (c Caveat) Check() error {
	if c.err != nil {
		return c.err
	}
	return checkBody(c.kind, []byte(c.body))
}

// Encoding is c as it stands in a token: type, length, body.
func (c Caveat) Encoding() []byte { return c.append(nil) }

func (c Caveat) append(b []byte) []byte {
	b = append(b, byte(c.kind))
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.body)))
	return append(b, c.body...)
}

// list makes a caveat whose body is a list of items.
func list(t Type, items ...string) Caveat {
	var b []byte
	for _, s := range items {
		if len(s) > maxItem {
			return Caveat{kind: t, err: errors.New(t.String() + ": a value is longer than " + strconv.Itoa(maxItem) + " bytes")}
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	if len(b) > maxRaw {
		return Caveat{kind: t, err: errTooLong}
	}
	return Caveat{kind: t, body: string(b)}
}

// Operations allows the operations with these ids.
func Operations(ids ...string) Caveat { return list(TypeOperation, ids...) }

// APIs allows the APIs with these names in the configuration.
func APIs(names ...string) Caveat { return list(TypeAPI, names...) }

// Paths allows the paths that are one of these or below one of these, segment
// by segment: "/a" allows "/a/b" and not "/ab". A prefix is in the canonical
// form of docs/canonical-request.md and has no slash at its end, but "/".
func Paths(prefixes ...string) Caveat { return list(TypePath, prefixes...) }

// Methods allows these methods; they are case-sensitive (RFC 9110, 9.1).
func Methods(methods ...string) Caveat { return list(TypeMethod, methods...) }

// Query allows requests whose query has the parameter exactly once, with one
// of the values.
func Query(name string, values ...string) Caveat {
	return list(TypeQuery, append([]string{name}, values...)...)
}

// BodyString, BodyInt, BodyBool and BodyNull allow requests whose content is
// JSON with that scalar where the pointer (RFC 6901) leads. An integer is
// within ±(2^53-1), and stands in the content without fraction or exponent.
func BodyString(pointer, value string) Caveat { return list(TypeBody, pointer, "string", value) }

// BodyInt is described at BodyString.
func BodyInt(pointer string, value int64) Caveat {
	return list(TypeBody, pointer, "number", strconv.FormatInt(value, 10))
}

// BodyBool is described at BodyString.
func BodyBool(pointer string, value bool) Caveat {
	return list(TypeBody, pointer, "boolean", strconv.FormatBool(value))
}

// BodyNull is described at BodyString.
func BodyNull(pointer string) Caveat { return list(TypeBody, pointer, "null", "") }

// Addresses allows clients in these networks. An IPv4-mapped one, and one with
// bits behind its prefix, cannot be used.
func Addresses(networks ...netip.Prefix) Caveat {
	items := make([]string, len(networks))
	for i, p := range networks {
		if !p.IsValid() {
			return Caveat{kind: TypeAddress, err: errNetwork}
		}
		items[i] = string(append(p.Addr().AsSlice(), byte(p.Bits())))
	}
	return list(TypeAddress, items...)
}

// NotAfter allows requests before t, to the second.
func NotAfter(t time.Time) Caveat { return moment(TypeNotAfter, t) }

// NotBefore allows requests from t on, to the second.
func NotBefore(t time.Time) Caveat { return moment(TypeNotBefore, t) }

func moment(kind Type, t time.Time) Caveat {
	return Caveat{kind: kind, body: string(binary.BigEndian.AppendUint64(nil, uint64(t.Unix())))}
}

// UseCount allows n requests, counted over the token and all that are made from
// it. A NotAfter must stand before it.
func UseCount(n uint32) Caveat {
	return Caveat{kind: TypeUses, body: string(binary.BigEndian.AppendUint32(nil, n))}
}

// OneTime allows one request.
func OneTime() Caveat { return UseCount(1) }

// BoundKey allows callers that prove to hold the key with this JWK thumbprint
// (RFC 7638, SHA-256, base64url).
func BoundKey(thumbprint string) Caveat {
	b, err := base64url.DecodeString(thumbprint)
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != thumbprint {
		return Caveat{kind: TypeBoundKey, err: errThumbprint}
	}
	return Caveat{kind: TypeBoundKey, body: string(b)}
}
