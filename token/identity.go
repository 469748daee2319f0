// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"durward"
)

// StageName is the name of the stage in the trail and in metrics.
const StageName = "identity"

const (
	maxToken = 16 << 10 // bytes of a token: more than servers take in a header
	backdate = 5        // seconds that nbf lies before iat, for an upstream's slow clock
)

var (
	errTooLong = errors.New("identity token would be longer than 16 KiB: leave out roles or scopes")
	errNotUTF8 = errors.New("identity token: the caller's name is not UTF-8, and could be taken for another")
)

// identity is the stage that adds the token of one operation.
type identity struct {
	keys     *Keys
	header   string
	bearer   bool
	typ      string
	form     string // what tells tokens of the same content apart
	prefix   []byte // the beginning of every payload: iss and aud
	lifetime int64  // seconds
	scopes   bool
	roles    bool
	request  bool
	address  bool
}

// Identity makes the stage that adds the identity token to x.Out. It must be
// the last one that changes x.Out, because the token speaks of what is sent.
// cfg must have passed Check; without keys it is an error. The stage allows,
// or fails when a token cannot be made.
func Identity(cfg IdentityConfig, keys *Keys) (durward.Stage, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if keys == nil {
		return nil, durward.Invalid("", "needs the section `token`, which names the keys to sign with")
	}
	d := cfg.withDefaults()
	s := &identity{
		keys: keys, header: d.Header, bearer: d.Header == authorization, typ: d.Type,
		lifetime: int64(d.Lifetime.Std() / time.Second),
		scopes:   slices.Contains(d.Claims, "scopes"), roles: slices.Contains(d.Claims, "roles"),
		request: slices.Contains(d.Claims, "request"), address: slices.Contains(d.Claims, "address"),
	}
	s.form = s.typ + " " + strconv.FormatBool(s.bearer) + " " + strconv.FormatInt(s.lifetime, 10)
	s.prefix = durward.AppendString([]byte(`{"iss":`), keys.config.Issuer)
	s.prefix = durward.AppendString(append(s.prefix, `,"aud":`...), d.Audience)
	return s, nil
}

func (s *identity) Name() string { return StageName }

// buffers are for payloads and tokens in the making.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// Request adds the token of a caller who is known.
func (s *identity) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	x.Out.Header.Del(s.header)
	if !x.Principal.Known() {
		return durward.Proceed()
	}
	value, err := s.value(x)
	if err != nil {
		return durward.Failed(durward.CodeInternal, err)
	}
	x.Out.Header.Add(s.header, value)
	return durward.Proceed()
}

// value gives the field's value: an old token where that may be used again.
func (s *identity) value(x *durward.Exchange) (string, error) {
	p := &x.Principal
	if !utf8.ValidString(p.Subject) || !utf8.ValidString(p.Consumer) {
		return "", errNotUTF8
	}
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 4*maxToken {
			buffers.Put(buf)
		}
	}()
	payload := s.content((*buf)[:0], x)
	*buf = payload[:0]
	if len(payload) > maxToken*2/3 {
		return "", errTooLong
	}
	now := s.keys.now()
	iat := now.Unix()
	exp := iat + s.lifetime
	last := int64(0)
	if !p.Expires.IsZero() {
		// Not longer than the credential, but not dead on arrival when that
		// was let in by the tolerance for clocks.
		last = max(p.Expires.Unix(), iat+int64(minLifetime/time.Second))
		exp = min(exp, last)
	}
	k := s.keys.set.Load().signing(now)
	if s.request {
		return s.sign(buf, payload, k, iat, exp)
	}
	content := sha256.Sum256(append(payload, s.form...)) // behind the JSON, so that nothing in it can look like it
	if v, ok := s.keys.tokens.get(&content, k, now, last); ok {
		return v, nil
	}
	v, err := s.sign(buf, payload, k, iat, exp)
	if err == nil {
		s.keys.tokens.put(&content, signed{value: v, key: k, until: iat + max((exp-iat)/2, 1), exp: exp})
	}
	return v, err
}

// sign ends the payload with its times and id, and makes the field's value.
func (s *identity) sign(buf *[]byte, payload []byte, k *key, iat, exp int64) (string, error) {
	payload = append(payload, `,"iat":`...)
	payload = strconv.AppendInt(payload, iat, 10)
	payload = append(payload, `,"nbf":`...)
	payload = strconv.AppendInt(payload, iat-backdate, 10)
	payload = append(payload, `,"exp":`...)
	payload = strconv.AppendInt(payload, exp, 10)
	payload = append(payload, `,"jti":"`...)
	var id [16]byte
	rand.Read(id[:]) //nolint:errcheck // never fails (crypto/rand)
	payload = b64.AppendEncode(payload, id[:])
	payload = append(payload, `"}`...)
	n := len(payload)
	out := payload
	if s.bearer {
		out = append(out, "Bearer "...)
	}
	out, err := k.token(out, s.typ, payload)
	if err != nil {
		return "", err
	}
	*buf = out[:0]
	return string(out[n:]), nil
}

// content begins the payload with what stays the same for a caller, and for a
// request where the token speaks of it.
func (s *identity) content(b []byte, x *durward.Exchange) []byte {
	p := &x.Principal
	b = append(b, s.prefix...)
	b = member(b, `,"sub":`, p.Subject)
	b = member(b, `,"client_id":`, p.Consumer)
	if s.scopes && len(p.Scopes) > 0 {
		b = appendScopes(append(b, `,"scope":"`...), p.Scopes)
		b = append(b, '"')
	}
	if s.roles && len(p.Roles) > 0 {
		b = append(b, `,"roles":[`...)
		for i, role := range p.Roles {
			if i > 0 {
				b = append(b, ',')
			}
			b = durward.AppendString(b, role)
		}
		b = append(b, ']')
	}
	b = member(b, `,"durward":{"method":`, p.Method)
	b = member(b, `,"issuer":`, p.Issuer)
	b = member(b, `,"credential":`, p.Credential)
	b = member(b, `,"bound":`, p.Bound)
	if s.address && x.Client.Address.IsValid() {
		b = x.Client.Address.AppendTo(append(b, `,"address":"`...))
		b = append(b, '"')
	}
	if s.request {
		b = appendRequest(b, x)
	}
	return append(b, '}')
}

// appendRequest tells which request the token is for, as the upstream gets it.
func appendRequest(b []byte, x *durward.Exchange) []byte {
	b = durward.AppendString(append(b, `,"request":{"method":`...), x.Out.Method)
	b = durward.AppendString(append(b, `,"path":`...), x.Out.Path)
	if x.Out.RawQuery != "" {
		n := len(b)
		b = append(b, x.Out.RawQuery...)
		sum := sha256.Sum256(b[n:])
		b = append(b[:n], `,"query_sha256":"`...)
		b = b64.AppendEncode(b, sum[:])
		b = append(b, '"')
	}
	if x.Operation != nil {
		b = member(b, `,"api":`, x.Operation.API)
		b = member(b, `,"operation":`, x.Operation.ID)
	}
	b = member(b, `,"id":`, x.ID)
	return append(b, '}')
}

// member appends a member that is not empty. The first one of durward, method,
// never is: a known caller has one.
func member(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return durward.AppendString(append(b, name...), value)
}

// appendScopes joins scopes with spaces. One that is no scope-token (RFC 6749,
// 3.3) could become two others, and is left out.
func appendScopes(b []byte, scopes []string) []byte {
	first := true
	for _, one := range scopes {
		if !isScope(one) {
			continue
		}
		if !first {
			b = append(b, ' ')
		}
		first = false
		b = append(b, one...)
	}
	return b
}

func isScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
