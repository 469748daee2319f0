// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Limits of a token, in bytes.
const (
	maxToken = 8 << 10
	maxKid   = 256
)

// Why a token was refused. These reach the audit record, never the client, and
// never hold any of the token.
var (
	errTokenSize   = errors.New("jwt: longer than 8 KiB, or empty")
	errTokenForm   = errors.New("jwt: not three parts of canonical base64url (RFC 7515, 7.1)")
	errHeader      = errors.New("jwt: header is not a plain JSON object")
	errHeaderParam = errors.New("jwt: header has a parameter that is never taken")
	errHeaderType  = errors.New("jwt: header parameter has the wrong type")
	errPayload     = errors.New("jwt: payload is not a plain JSON object")
)

// token is a JWS in compact serialisation, taken apart but not yet verified.
type token struct {
	raw     string
	alg     string
	kid     string // "" when there is none
	typ     string // "" when there is none
	payload []byte
	signed  string // header.payload
	sig     []byte
}

// refusedParams are header parameters that could move the choice of key or
// the meaning of the payload into the sender's hands (RFC 8725, sections 2 and
// 3), or that belong to encryption.
var refusedParams = [...]string{
	"crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "cty", "enc", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c",
}

// parseToken takes raw apart. It is stricter than RFC 7515 asks: no padding,
// no white space, no second spelling of the same bytes, because records and
// caches know a token by its spelling.
func parseToken(raw string) (*token, error) {
	if raw == "" || len(raw) > maxToken {
		return nil, errTokenSize
	}
	dot := strings.IndexByte(raw, '.')
	if dot <= 0 {
		return nil, errTokenForm
	}
	end := strings.IndexByte(raw[dot+1:], '.')
	if end < 0 {
		return nil, errTokenForm
	}
	end += dot + 1
	header, err := decodePart(raw[:dot])
	if err != nil {
		return nil, err
	}
	t := &token{raw: raw, signed: raw[:end]}
	if t.payload, err = decodePart(raw[dot+1 : end]); err != nil {
		return nil, err
	}
	if t.sig, err = decodePart(raw[end+1:]); err != nil {
		return nil, err
	}
	if len(t.sig) == 0 {
		return nil, errTokenForm
	}
	return t, t.readHeader(header)
}

var base64url = base64.RawURLEncoding.Strict()

func decodePart(s string) ([]byte, error) {
	for i := range len(s) {
		// The decoder would skip line breaks; a second dot ends up here too.
		if !isBase64url[s[i]] {
			return nil, errTokenForm
		}
	}
	b, err := base64url.DecodeString(s)
	if err != nil {
		return nil, errTokenForm
	}
	return b, nil
}

var isBase64url = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		set[c] = true
	}
	return set
}()

func (t *token) readHeader(data []byte) error {
	h, err := readObject(data)
	if err != nil {
		return errHeader
	}
	for _, name := range refusedParams {
		if _, ok := h[name]; ok {
			return errHeaderParam
		}
	}
	var ok bool
	if t.alg, ok = h["alg"].(string); !ok {
		return errHeaderType
	}
	if kid, has := h["kid"]; has {
		if t.kid, ok = kid.(string); !ok || t.kid == "" || len(t.kid) > maxKid || !printable(t.kid) {
			return errHeaderType
		}
	}
	if typ, has := h["typ"]; has {
		if t.typ, ok = typ.(string); !ok || t.typ == "" || len(t.typ) > 64 || !printable(t.typ) {
			return errHeaderType
		}
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
