// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"durward"
)

// Uses counts what may be used once. Package authn/uses states the contract and
// implements it in memory.
type Uses interface {
	Use(ctx context.Context, space string, id [32]byte, limit int, until time.Time) (ok bool, err error)
}

// ErrNonce refuses a proof that is good but for its nonce: it has none, or not
// one that is taken now. The answer then carries a nonce, and Challenge asks for
// it (RFC 9449, section 9).
var ErrNonce = errors.New("dpop: nonce is missing or no longer taken (RFC 9449, 9)")

// Why a proof was refused. These reach the audit record, never the client, and
// hold nothing of the proof.
var (
	errField     = errors.New("dpop: not exactly one DPoP field (RFC 9449, 4.3 check 1)")
	errForm      = errors.New("dpop: proof is not three parts of canonical base64url, or longer than 8 KiB")
	errHeader    = errors.New("dpop: header is not a plain JSON object with typ, alg and jwk, each once")
	errParam     = errors.New("dpop: header has a parameter that is never taken")
	errType      = errors.New("dpop: typ is not dpop+jwt")
	errAlgorithm = errors.New("dpop: algorithm is not taken")
	errKey       = errors.New("dpop: jwk is not a public key of the algorithm's kind, strong enough and in canonical form")
	errPrivate   = errors.New("dpop: jwk holds a private or symmetric key, which its client must replace")
	errPayload   = errors.New("dpop: payload is not a plain JSON object with jti, htm, htu and iat, each once")
	errJTI       = errors.New("dpop: jti is empty or longer than 256 bytes")
	errMethod    = errors.New("dpop: htm is not the request's method")
	errTarget    = errors.New("dpop: htu is not the request's URL")
	errAge       = errors.New("dpop: iat is too far in the past or the future, or exp or nbf says no")
	errToken     = errors.New("dpop: ath is not the hash of the access token")
	errUnbound   = errors.New("dpop: token is not bound to a DPoP key (no cnf.jkt)")
	errBinding   = errors.New("dpop: proof is of another key than the token's (cnf.jkt)")
	errSignature = errors.New("dpop: signature is wrong")
	errReplay    = errors.New("dpop: proof was used before")
)

// Verifier checks the proofs of requests. It is immutable but for the nonce that
// it keeps at hand, and safe for concurrent use.
type Verifier struct {
	taken  [len(algorithmNames)]bool
	algs   string
	maxAge time.Duration
	skew   time.Duration
	base   *base   // nil: as the gateway sees the request
	nonces *nonces // nil: none are asked for
	uses   Uses
	now    func() time.Time
}

// New makes a Verifier. uses must outlive it: a reload that raises MaxAge can make
// a proof acceptable again whose use is forgotten, a smaller one cannot.
func New(cfg Config, uses Uses, now func() time.Time) (*Verifier, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if uses == nil {
		return nil, durward.Invalid("", "nothing remembers which proofs were used")
	}
	if now == nil {
		now = time.Now
	}
	names := cfg.Algorithms
	if len(names) == 0 {
		names = algorithmNames[1:]
	}
	v := &Verifier{
		algs:   strings.Join(names, " "),
		maxAge: orDefault(cfg.MaxAge, DefaultMaxAge),
		skew:   orDefault(cfg.Skew, DefaultSkew),
		uses:   uses, now: now,
	}
	for _, a := range names {
		v.taken[algorithmOf(a)] = true
	}
	if cfg.BaseURL != "" {
		b, _ := parseBase(cfg.BaseURL)
		v.base = &b
	}
	if cfg.RequireNonce {
		v.nonces = newNonces(cfg.NonceKey, orDefault(cfg.NonceLifetime, DefaultNonceLifetime))
	}
	return v, nil
}

const (
	field      = "Dpop"
	nonceField = "Dpop-Nonce"
	space      = "dpop"
	maxJTI     = 256
)

// Present counts the request's DPoP fields.
func (v *Verifier) Present(x *durward.Exchange) int { return x.In.Header.Count(field) }

// Verify is nil when x carries a proof for this request and the access token, by
// the key whose thumbprint is jkt: the token's cnf.jkt (RFC 9449, section 6.1). The
// token must have been verified before. The proof then is used up.
//
// [ErrNonce] asks for a nonce; a *durward.Unavailable says that it could not be
// decided; any other error refuses. Where nonces are asked for, Verify puts a new
// one in x.Extra when the client has none or one that ends soon.
func (v *Verifier) Verify(ctx context.Context, x *durward.Exchange, token, jkt string) error {
	if v.Present(x) != 1 {
		return errField
	}
	var p proof
	if err := p.parse(x.In.Header.Get(field)); err != nil {
		return err
	}
	if !v.taken[p.alg] {
		return errAlgorithm
	}
	now := v.now()
	if err := v.claims(&p, x, token, now); err != nil {
		return err
	}
	if err := p.boundTo(jkt); err != nil {
		return err
	}
	if !p.signed() {
		return errSignature
	}
	if err := v.nonce(&p, x, now); err != nil {
		return err
	}
	return v.once(ctx, &p)
}

// claims are the checks 8, 9, 11 and 12 of section 4.3.
func (v *Verifier) claims(p *proof, x *durward.Exchange, token string, now time.Time) error {
	if string(p.htm) != x.In.Method {
		return errMethod
	}
	if !v.target(p.htu, x) {
		return errTarget
	}
	made := time.Unix(p.iat, 0)
	if made.After(now.Add(v.skew)) || now.After(made.Add(v.maxAge)) ||
		p.exp != 0 && !now.Before(time.Unix(p.exp, 0)) || time.Unix(p.nbf, 0).After(now.Add(v.skew)) {
		return errAge
	}
	var ath [sha256Text]byte
	sum := sha256.Sum256(view(token))
	base64url.Encode(ath[:], sum[:])
	if token == "" || subtle.ConstantTimeCompare(p.ath, ath[:]) != 1 {
		return errToken
	}
	return nil
}

// nonce is check 10. It comes after the signature, so that only the holder of the
// token's key learns anything.
func (v *Verifier) nonce(p *proof, x *durward.Exchange, now time.Time) error {
	if v.nonces == nil {
		return nil
	}
	good, current := v.nonces.check(p.nonce, now)
	if !current {
		x.Extra.Set(nonceField, v.nonces.at(now))
	}
	if !good {
		return ErrNonce
	}
	return nil
}

// once refuses a proof that was used before, for whatever request (RFC 9449,
// 11.1). It is remembered for as long as its iat could be accepted.
func (v *Verifier) once(ctx context.Context, p *proof) error {
	until := time.Unix(p.iat, 0).Add(v.maxAge + time.Second)
	ok, err := v.uses.Use(ctx, space, p.id(), 1, until)
	if err != nil {
		if _, away := errors.AsType[*durward.Unavailable](err); !away {
			err = &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
		}
		return err
	}
	if !ok {
		return errReplay
	}
	return nil
}

// Nonce is the nonce that is given out now, for the DPoP-Nonce field, or "" when
// none are asked for. Verify sets the field by itself.
func (v *Verifier) Nonce() string {
	if v.nonces == nil {
		return ""
	}
	return v.nonces.at(v.now())
}

// Challenge is the WWW-Authenticate value (RFC 9449, 7.1); bad when a token of
// this scheme was refused, because of err. It tells ErrNonce from all else, and
// nothing more. realm must fit between quotes.
func (v *Verifier) Challenge(realm string, bad bool, err error) string {
	s := `DPoP realm="` + realm + `"`
	switch {
	case bad && errors.Is(err, ErrNonce):
		s += `, error="use_dpop_nonce"`
	case bad:
		s += `, error="invalid_token"`
	}
	return s + `, algs="` + v.algs + `"`
}
