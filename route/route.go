// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package route decides what a request means before anything else decides on
// it: its one canonical form, the client that sent it, and the operation that
// it is for.
//
// [Canonicalise] normalises or refuses method, path, query, host and header
// names (RFC 3986 section 6.2.2, RFC 9110 sections 4.2, 5.1, 5.6.2 and 9.1).
// What it passes can be read in one way only, so router, policy, contract and
// upstream see the same bytes. What two parsers could read differently (dot
// segments, encoded slashes, double encoding, path parameters, aliases of
// trusted fields) is refused, never repaired.
//
// [Clients] judges who is at the other end behind trusted proxies (RFC 7239).
// [Table] resolves host, path and method to exactly one operation; misses and
// CORS preflights have pseudo operations, so they run through the pipeline as
// well.
//
// The threats are routing and access-control bypass by ambiguous requests, and
// spoofed client addresses. Every doubt refuses. The package keeps no state:
// a Table and a Clients are immutable and safe for concurrent use.
package route

import (
	"errors"

	"durward"
)

// Limits bound a request's line and header section. Zero values mean the
// defaults.
type Limits struct {
	Target      int // bytes of path and query; default 8192
	Fields      int // header lines; default 100
	HeaderBytes int // bytes of the header section, with 4 for each line's ": " and CRLF; default 65536
	// Protected are further field names, in canonical form, whose aliases are
	// refused: those by which this gateway tells the upstream who calls.
	Protected []string
}

// The defaults of Limits.
const (
	DefaultTarget      = 8 << 10
	DefaultFields      = 100
	DefaultHeaderBytes = 64 << 10
)

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Why a request is refused, for the audit record. Each is one rule; the
// request's bytes are not quoted.
var (
	errMethod         = errors.New("method is not a token of at most 32 bytes")
	errTarget         = errors.New("path and query are too long")
	errPathForm       = errors.New("path does not begin with a slash")
	errPathByte       = errors.New("path has a byte that RFC 3986 does not allow")
	errPathPercent    = errors.New("path has a percent sign without two hex digits")
	errPathDots       = errors.New("path has a dot segment")
	errPathSlashes    = errors.New("path has an empty segment")
	errPathSlash      = errors.New("path has an encoded slash or backslash")
	errPathControl    = errors.New("path has an encoded control character")
	errPathDouble     = errors.New("path is percent-encoded twice")
	errPathParameter  = errors.New("path has a semicolon")
	errPathUTF8       = errors.New("path does not decode to valid UTF-8")
	errQueryByte      = errors.New("query has a control, space, fragment or non-ASCII byte")
	errQueryPercent   = errors.New("query has a percent sign without two hex digits")
	errQueryNUL       = errors.New("query has an encoded NUL")
	errQuerySemicolon = errors.New("query has a semicolon")
	errHostMissing    = errors.New("no host")
	errHostForm       = errors.New("host is not a name or an address with an optional port")
	errHostPort       = errors.New("port is not a number from 1 to 65535")
	errHostFields     = errors.New("more than one host")
	errFields         = errors.New("too many header lines")
	errHeaderBytes    = errors.New("header section too large")
	errFieldName      = errors.New("field name is not a token")
	errFieldValue     = errors.New("field value has a control byte")
	errFieldTwice     = errors.New("a field that may occur once occurs twice")
	errFieldAlias     = errors.New("field name is an alias of another")
	errFieldOverride  = errors.New("a field asks for another method or path")
	errFraming        = errors.New("ambiguous framing")
)

// Canonicalise makes in the one canonical form of the request, or says why it
// is refused. It reads Method, Scheme, Host, RawPath, RawQuery and Header and
// sets Host and Path. It changes nothing else, and allocates nothing when host
// and path already are canonical. in is not to be used when it was refused.
func Canonicalise(in *durward.Request, limits *Limits) durward.Decision {
	if !validMethod(in.Method) {
		return durward.Refuse(durward.CodeMalformed, errMethod)
	}
	if len(in.RawPath)+len(in.RawQuery) > orDefault(limits.Target, DefaultTarget) {
		return durward.Refuse(durward.CodeURITooLong, errTarget)
	}
	path, code, err := canonicalPath(in.RawPath)
	if err != nil {
		return durward.Refuse(code, err)
	}
	if err := checkQuery(in.RawQuery); err != nil {
		return durward.Refuse(durward.CodeMalformed, err)
	}
	host, err := canonicalHost(in.Host, in.Scheme)
	if err != nil {
		return durward.Refuse(durward.CodeHostInvalid, err)
	}
	if code, err := checkHeader(in, host, limits); err != nil {
		return durward.Refuse(code, err)
	}
	in.Path, in.Host = path, host
	return durward.Proceed()
}

const maxMethod = 32

// validMethod checks the token grammar. Methods are case-sensitive (RFC 9110
// section 9.1), so nothing is folded: "get" is a method that nobody declared.
func validMethod(m string) bool {
	return m != "" && len(m) <= maxMethod && isToken(m)
}
