// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"durward"
)

// Method is the Principal.Method of a caller with an opaque token.
const Method = "introspection"

// Why a token was refused. These reach the audit record, never the client, and
// never hold any of the token.
var (
	errInactive = errors.New("introspection: the token is not active")
	errEnded    = errors.New("introspection: the token is not active any more")
	errExpired  = errors.New("introspection: expired")
	errNotYet   = errors.New("introspection: not valid yet (nbf or iat)")
	errAudience = errors.New("introspection: aud does not name this service")
	errIssuer   = errors.New("introspection: iss is not the configured one")
	errType     = errors.New("introspection: token_type is not one that is taken")
	errSubject  = errors.New("introspection: subject is missing")
	errBound    = errors.New("introspection: bound to a key (cnf) in a way that cannot be checked")
	errActive   = errors.New("introspection: the answer does not say whether the token is active")
)

// Ended tells of an error of Check that the token was good once, and that its
// time is over: no guess. A token that the server never called active may be
// one.
func Ended(err error) bool { return errors.Is(err, errEnded) || errors.Is(err, errExpired) }

// Result is an active token. It is shared: its slices must not be changed.
type Result struct {
	// Principal is who the token speaks for. Its Bound is empty: that a key is
	// there is for others to find out.
	Principal durward.Principal
	// Issued is the token's iat, zero when the answer has none.
	Issued time.Time
	// JKT is the thumbprint of the key that a DPoP proof must be signed with
	// (cnf.jkt, RFC 9449, 6.2), "" when the token is not bound to one.
	JKT string
	// X5T is the hash of the client certificate that the connection must have
	// (cnf.x5t#S256, RFC 8705, 3.2), "" when the token is not bound to one.
	// Where both are there, both must be proven.
	X5T string
}

// Bound tells that the token is no bearer token: who brings it must prove to
// hold the key of JKT or the certificate of X5T.
func (r *Result) Bound() bool { return r.JKT != "" || r.X5T != "" }

// malformed is an answer that says neither yes nor no.
type malformed struct{ error }

// read decides on an answer. A *malformed error says that it cannot be
// understood, any other that the token is bad.
func (c *Client) read(body []byte, hash *digest, now time.Time) (*Result, error) {
	o, err := readObject(body)
	if err != nil {
		return nil, &malformed{err}
	}
	switch active, ok := o["active"].(bool); { // RFC 7662, 2.2: required
	case !ok:
		return nil, &malformed{errActive}
	case !active:
		return nil, errInactive
	}
	r := &Result{}
	if r.Principal.Expires, r.Issued, err = c.checkTimes(o, now); err != nil {
		return nil, err
	}
	if err := c.checkKind(o); err != nil {
		return nil, err
	}
	if err := r.confirm(o["cnf"]); err != nil {
		return nil, err
	}
	if t, _ := o["token_type"].(string); strings.EqualFold(t, "DPoP") && r.JKT == "" {
		return nil, errBound
	}
	if err := c.fill(&r.Principal, o, hash); err != nil {
		return nil, err
	}
	r.Principal.Claims = body
	return r, nil
}

// checkTimes gives the token's exp and iat, zero where it has none.
func (c *Client) checkTimes(o map[string]any, now time.Time) (exp, iat time.Time, err error) {
	skew := c.config.Skew.Std()
	exp, err1 := date(o, "exp")
	nbf, err2 := date(o, "nbf")
	iat, err3 := date(o, "iat")
	switch {
	case err1 != nil || err2 != nil || err3 != nil:
		return exp, iat, errClaimType
	case nbf.After(now.Add(skew)) || iat.After(now.Add(skew)):
		return exp, iat, errNotYet
	case !exp.IsZero() && !now.Before(exp.Add(skew)):
		return exp, iat, errExpired
	}
	return exp, iat, nil
}

// checkKind looks whether the token is for this service, of the right issuer,
// and an access token.
func (c *Client) checkKind(o map[string]any) error {
	if !c.config.AnyAudience {
		names, err := list(o["aud"], false)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(c.config.Audiences, n) }) {
			return errAudience
		}
	}
	if c.config.Issuer != "" && o["iss"] != c.config.Issuer {
		return errIssuer
	}
	types := c.config.TokenTypes
	v, has := o["token_type"]
	if has && v == nil {
		has = false
	}
	if len(types) == 0 {
		if types = defaultTypes; !has {
			return nil
		}
	}
	t, ok := v.(string)
	if !ok || !slices.ContainsFunc(types, func(one string) bool { return strings.EqualFold(one, t) }) {
		return errType
	}
	return nil
}

// confirm reads cnf (RFC 7800). A way to bind that is not known here must not
// be passed over: the token would serve a thief.
func (r *Result) confirm(v any) error {
	if v == nil {
		return nil
	}
	cnf, ok := v.(map[string]any)
	if !ok || len(cnf) == 0 {
		return errBound
	}
	for name, v := range cnf {
		print, ok := v.(string)
		if !ok || !isDigest(print) {
			return errBound
		}
		switch name {
		case "jkt":
			r.JKT = print
		case "x5t#S256":
			r.X5T = print
		default:
			return errBound
		}
	}
	return nil
}

// isDigest tells whether s is a SHA-256 in the one form of base64url.
func isDigest(s string) bool {
	if len(s) != 43 || strings.ContainsAny(s, "\r\n") {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil
}

// fill reads who the token speaks for. A member that is there must have the
// right type, even where it is not required.
func (c *Client) fill(p *durward.Principal, o map[string]any, hash *digest) error {
	names := &c.config.Claims
	var errs [5]error
	p.Method, p.Issuer = Method, c.name
	p.Subject, errs[0] = text(o, names.Subject, "sub")
	p.Consumer, errs[1] = text(o, names.Consumer, "client_id", "azp")
	p.Credential, errs[2] = text(o, "", "jti")
	p.Roles, errs[3] = list(find(o, names.Roles, []string{"roles"}), false)
	p.Scopes, errs[4] = list(find(o, names.Scopes, []string{"scope", "scp"}), true)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if p.Subject == "" {
		return errSubject
	}
	if p.Credential == "" {
		p.Credential = "sha256:" + hex.EncodeToString(hash[:8])
	}
	return nil
}
