// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"time"

	"durward"
)

// Uses counts what may be used a limited number of times. It is safe for
// concurrent use, and bounded.
type Uses interface {
	// Use counts one use of id in space, and tells whether it was within
	// limit. The id is remembered until then. An error means that it could
	// not be counted.
	Use(ctx context.Context, space string, id [32]byte, limit int, until time.Time) (ok bool, err error)
}

// Consumers finds consumers at the speed of memory. It is safe for concurrent
// use and never blocks.
type Consumers interface {
	// LookUp gives durward.ErrNotFound when there is none.
	LookUp(id string) (durward.Consumer, error)
}

// Deps is what a Method needs of the gateway.
type Deps struct {
	Uses      Uses      // required
	Consumers Consumers // required when a key names a consumer
	Now       func() time.Time
}

const (
	methodName = "signature" // Principal.Method and Principal.Bound
	usesSpace  = "signature"
)

// Method checks the signatures of requests. It is immutable, and safe for
// concurrent use.
type Method struct {
	keys     map[string]*key
	all      []*key // by id
	pepper   [32]byte
	required *required
	maxAge   int64 // seconds
	skew     int64
	content  int64 // bytes
	nonce    bool  // required
	tag      string
	label    string
	deps     Deps
}

type key struct {
	*verifier
	id       string
	consumer string
	roles    []string
	notAfter time.Time
}

// New checks cfg and reads its key files. The error has every fault.
func New(cfg Config, deps Deps) (*Method, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if deps.Uses == nil {
		return nil, durward.Invalid("", "needs a store of used signatures")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m := &Method{
		keys: make(map[string]*key, len(cfg.Keys)), nonce: !cfg.NonceOptional, tag: cfg.Tag, label: cfg.Label, deps: deps,
		maxAge: int64(cfg.maxAge() / time.Second), skew: int64(cfg.skew() / time.Second),
		content: cfg.maxContent(),
	}
	m.required, _ = compileRequired(cfg.Components) // which Check has done
	var errs []error
	seed := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(cfg.Keys)) {
		c := cfg.Keys[id]
		v, err := c.load()
		if err == nil && c.Consumer != "" && deps.Consumers == nil {
			err = durward.Invalid("consumer", "needs a store")
		}
		if err != nil {
			errs = append(errs, durward.InvalidIn("keys."+id, err))
			continue
		}
		k := &key{verifier: v, id: id, consumer: c.Consumer, roles: slices.Clone(c.Roles), notAfter: c.NotAfter}
		m.keys[id] = k
		m.all = append(m.all, k)
		seed.Write(v.print[:])
	}
	seed.Sum(m.pepper[:0])
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// load makes the verifier of a key.
func (k *Key) load() (*verifier, error) {
	if k.Algorithm == HMACSHA256 {
		secret, err := secretOf(k.Secret)
		if err != nil {
			return nil, durward.Invalid("secret", "%v", err)
		}
		v, err := newSecretVerifier(secret)
		return v, durward.InvalidIn("secret", err)
	}
	text, err := readFile(k.PublicKey)
	if err != nil {
		return nil, durward.InvalidIn("public_key", err)
	}
	return k.loadPublic(text)
}

func (k *Key) loadPublic(text []byte) (*verifier, error) {
	public, err := parsePublic(text)
	if err != nil {
		return nil, durward.InvalidIn("public_key", err)
	}
	v, err := newPublicVerifier(k.Algorithm, public)
	return v, durward.InvalidIn("public_key", err)
}

// CredentialHeaders gives the canonical names of the fields that carry a
// signature, for the proxy to keep from the upstream.
func CredentialHeaders() []string { return []string{headerSignature, headerInput} }

// Present counts the signatures of a request, good or bad. Where a label or tag
// says which one counts, the others are not credentials; a request that has
// only others still presents one, which is refused.
func (m *Method) Present(x *durward.Exchange) int {
	inputs, signatures := 0, 0
	for i := range x.In.Header {
		switch f := &x.In.Header[i]; f.Name {
		case headerInput:
			inputs += countMembers(f.Value)
		case headerSignature:
			signatures += countMembers(f.Value)
		}
	}
	n := max(inputs, signatures)
	if n > 1 && (m.label != "" || m.tag != "") {
		return 1
	}
	return n
}

// countMembers counts by the commas outside quotes and parentheses.
func countMembers(s string) int {
	n, quoted, depth := 1, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth <= 0:
			n++
		}
	}
	return n
}

// Challenge is the WWW-Authenticate value. It is the same whatever was wrong.
func (m *Method) Challenge(realm string, _ bool) string { return `Signature realm="` + realm + `"` }

// AcceptSignature is the value of the Accept-Signature field that tells a
// client what to sign (RFC 9421, section 5.1). It is public: it says what the
// configuration asks for, and nothing of the request.
func (m *Method) AcceptSignature() string {
	label := m.label
	if label == "" {
		label = "sig1"
	}
	b := append([]byte(label+"="), m.required.text...)
	b = append(b, ";created"...)
	if m.tag != "" {
		b = appendQuoted(append(b, ";tag="...), m.tag)
	}
	return string(b)
}
