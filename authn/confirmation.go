// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"

	"durward/authn/dpop"
)

// confirmation names the key that a token is bound to (RFC 7800); the zero
// value is that of a bearer token.
type confirmation struct {
	jkt string // RFC 9449: SHA-256 thumbprint of the DPoP key
	x5t string // RFC 8705: SHA-256 thumbprint of the client certificate
}

var errConfirmation = errors.New("jwt: cnf names a key in a way that cannot be checked here")

// thumbprintLen is the length of a SHA-256 in base64url.
const thumbprintLen = 43

// readConfirmation reads cnf. One that is there and names no key that can be
// checked makes the token useless here: as a mere bearer token it would serve a
// thief as well as its owner.
func readConfirmation(claims map[string]any) (c confirmation, err error) {
	v, ok := claims["cnf"]
	if !ok {
		return c, nil
	}
	o, ok := v.(map[string]any)
	if !ok || len(o) == 0 {
		return c, errConfirmation
	}
	for name, v := range o {
		s, ok := v.(string)
		if !ok || len(s) != thumbprintLen {
			return c, errConfirmation
		}
		switch name {
		case "jkt":
			c.jkt = s
		case "x5t#S256":
			c.x5t = s
		default:
			return c, errConfirmation
		}
	}
	return c, nil
}

// unproven says that a proof of possession was refused. Its challenge tells a
// client that only has to send another nonce.
type unproven struct {
	error
	proofs *dpop.Verifier
}

func (u *unproven) Unwrap() error { return u.error }
