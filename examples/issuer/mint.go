// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Claims is the payload of a token (RFC 7519, section 4).
type Claims map[string]any

// MintOption changes how one token is made.
type MintOption func(*mint)

type mint struct {
	alg, typ string
	kid      *string
	ttl      time.Duration
	audience any
}

// Alg chooses the key to sign with; it must be one of Options.Algorithms.
func Alg(name string) MintOption { return func(m *mint) { m.alg = name } }

// TTL sets the life of the token; a negative one has run out already.
func TTL(d time.Duration) MintOption { return func(m *mint) { m.ttl = d } }

// Type sets the "typ" of the header, "at+jwt" unless told otherwise (RFC 9068,
// 2.1); "" leaves it out.
func Type(typ string) MintOption { return func(m *mint) { m.typ = typ } }

// Audience sets "aud": one string, or a list when several are given.
func Audience(names ...string) MintOption {
	return func(m *mint) {
		if len(names) == 1 {
			m.audience = names[0]
		} else {
			m.audience = names
		}
	}
}

// KeyID writes another "kid" into the header than that of the signing key; ""
// leaves it out.
func KeyID(kid string) MintOption { return func(m *mint) { m.kid = &kid } }

// Mint signs a token. It fills in what RFC 9068, 2.2 requires and claims does
// not hold: iss, aud, iat, exp, jti, and client_id (the same as sub). A claim
// whose value is nil is left out of the token, also one that would be filled
// in. It fails when no key of the algorithm exists or a claim is not JSON.
func (i *Issuer) Mint(claims Claims, options ...MintOption) (string, error) {
	m := mint{typ: "at+jwt", ttl: i.options.TTL, audience: i.options.Audience}
	for _, o := range options {
		o(&m)
	}
	now := i.options.Now()
	full := Claims{
		"iss": i.URL(),
		"aud": m.audience,
		"iat": now.Unix(),
		"exp": now.Add(m.ttl).Unix(),
		"jti": rand.Text(),
	}
	if sub, ok := claims["sub"]; ok {
		full["client_id"] = sub
	}
	maps.Copy(full, claims)
	maps.DeleteFunc(full, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(full)
	if err != nil {
		return "", fmt.Errorf("issuer: claims: %w", err)
	}
	return i.sign(&m, payload)
}

func (i *Issuer) sign(m *mint, payload []byte) (string, error) {
	i.mu.RLock()
	key, ok := i.current.find(m.alg)
	i.mu.RUnlock()
	if !ok {
		return "", fmt.Errorf("%w: %q", errAlgorithm, m.alg)
	}
	if m.kid != nil {
		key.KeyID = *m.kid // "" makes the signer write no kid
	}
	o := &jose.SignerOptions{}
	if m.typ != "" {
		o.WithType(jose.ContentType(m.typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, o)
	if err != nil {
		return "", fmt.Errorf("issuer: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("issuer: %w", err)
	}
	return signed.CompactSerialize()
}
