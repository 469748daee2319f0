// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"strconv"
	"time"
	"unsafe"

	"durward"
	"durward/authn/capability"
	"durward/authn/dpop"
	"durward/authn/httpsig"
	"durward/authn/introspect"
)

// stage is the stage of one operation.
type stage struct {
	*Methods
	alternatives []alternative
	public       bool
	foreign      bool // an Authorization that no method reads is a credential too
}

// alternative is one combination of credentials that opens the operation.
type alternative struct {
	entries        []entry
	slots, ambient uint32 // by their place in Methods.slots
}

// StageName is the name of the stage in the trail and in metrics.
const StageName = "authn"

func (s *stage) Name() string { return StageName }

// Request finds the credentials, looks for the combination that they are, and
// lets their authenticators decide. The set must be exactly one that the
// operation takes: one more would give a request two identities, so that two
// parts of a system each believe another one.
func (s *stage) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	present, err := s.present(x)
	if err != nil {
		return s.refuse(x, -1, err)
	}
	if present == 0 && !s.connected(x) {
		if s.public {
			return durward.Proceed()
		}
		return s.refuse(x, -1, errNoCredential)
	}
	return s.authenticate(ctx, x, present)
}

// authenticate judges the credentials that the request carries. It stands by
// itself because of what it needs of the stack: a connection's goroutine keeps
// the largest one that it ever had, and requests without a credential need none
// of it.
//
//go:noinline
func (s *stage) authenticate(ctx context.Context, x *durward.Exchange, present uint32) durward.Decision {
	attempt := durward.Attempt{Source: x.Client.Address}
	if s.env.Attempts != nil {
		attempt.Credential, attempt.Presented = s.claimed(x, present)
		if wait, blocked := s.env.Attempts.Begin(attempt); blocked {
			return slowDown(x, wait)
		}
	}
	p, bad, err := s.judge(ctx, x, present)
	if err == nil {
		_, err = s.admit(&p, x.Client.Address)
	}
	if err != nil {
		return s.fail(x, attempt, bad, err)
	}
	if s.env.Attempts != nil {
		if attempt.Credential == "" {
			attempt.Account = p.Subject // who it was, where the credential itself is not remembered
		}
		s.env.Attempts.Succeeded(attempt)
	}
	x.Principal = p
	return durward.Proceed()
}

// present finds the slots whose credential the request carries, those of the
// connection left out.
func (s *stage) present(x *durward.Exchange) (found uint32, err error) {
	count := 0
	fields := x.In.Header.Count(authorization)
	read := false
	for i := range s.slots {
		one := &s.slots[i]
		if one.ambient {
			continue
		}
		if n := one.Present(x); n > 0 {
			count += n
			found |= 1 << i
			read = read || one.schemes != nil
		}
	}
	if fields > 0 && !read { // nobody reads it as what it is
		switch {
		case count > 0 && (s.foreign || s.reads), fields > 1 && s.reads:
			return 0, errTwo
		case s.reads, s.foreign && (s.public || s.connected(x)): // the upstream could take it for somebody
			return 0, errScheme
		}
	}
	if count > 1 && count != bits.OnesCount32(found) || fields > 1 && s.reads {
		return 0, errTwo
	}
	return found, nil
}

// connected tells whether the connection carries a credential that an
// alternative reads.
func (s *stage) connected(x *durward.Exchange) bool {
	for i := range s.alternatives {
		for n := s.alternatives[i].ambient; n != 0; n &= n - 1 {
			if s.slots[bits.TrailingZeros32(n)].Present(x) > 0 {
				return true
			}
		}
	}
	return false
}

// claimed is the credential that the request claims to hold, and all that it
// presents. Who guesses the second of two credentials presents something new
// each time, whatever stays the same. Where a part is not known as text, every
// time counts.
func (s *stage) claimed(x *durward.Exchange, present uint32) (credential, presented string) {
	if present == 0 {
		return s.connectionClaims(x)
	}
	complete := true
	for rest := present; rest != 0; rest &= rest - 1 {
		id, text := s.slots[bits.TrailingZeros32(rest)].claimed(x)
		credential = cmp.Or(credential, id)
		if complete = complete && text != ""; complete && rest != present {
			presented += "\x00" + text
		} else {
			presented = text
		}
	}
	if !complete {
		presented = ""
	}
	return credential, presented
}

// claimed is what one credential claims and presents.
func (s *slot) claimed(x *durward.Exchange) (credential, presented string) {
	if s.claims == nil {
		return "", ""
	}
	return s.claims.Claimed(x)
}

// connectionClaims are those of the connection, for a request without any other
// credential.
func (s *stage) connectionClaims(x *durward.Exchange) (credential, presented string) {
	for i := range s.slots {
		if one := &s.slots[i]; one.ambient && one.claims != nil && one.Present(x) > 0 {
			return one.claims.Claimed(x)
		}
	}
	return "", certificateText(x)
}

// certificateText is the connection's certificate, as what a request without
// another credential presents: one that is stuck with a bad certificate does not
// lock out all who share its address. It is only hashed, so it is not copied.
func certificateText(x *durward.Exchange) string {
	if x.In.TLS == nil || len(x.In.TLS.PeerCertificates) == 0 || x.Client.Trusted {
		return ""
	}
	raw := x.In.TLS.PeerCertificates[0].Raw
	return unsafe.String(unsafe.SliceData(raw), len(raw))
}

// fail counts a failed attempt and refuses. What could not be decided is
// nobody's failure, and who is known but calls from the wrong place did not guess.
func (s *stage) fail(x *durward.Exchange, a durward.Attempt, bad int, err error) durward.Decision {
	if code := durward.BodyFault(err); code != "" { // of signed content
		return durward.Refuse(code, err)
	}
	if away, ok := errors.AsType[*durward.Unavailable](err); ok {
		return durward.Failed(away.Code, away.Err)
	}
	if known, ok := errors.AsType[*durward.Forbidden](err); ok {
		return durward.Refuse(durward.CodeForbidden, known.Err)
	}
	if s.env.Attempts != nil && !harmless(err) {
		s.env.Attempts.Failed(a)
	}
	return s.refuse(x, bad, err)
}

// harmless tells that a refused credential was no guess. Who only lacks a nonce
// has proven to hold token and key. A JWT whose time is over is refused whoever
// signed it, so it finds out nothing, and what is refused as over of the other
// kinds was found to be genuine: clients that renew theirs when they are told to
// would lock out all who share their address.
func harmless(err error) bool {
	return errors.Is(err, dpop.ErrNonce) || errors.Is(err, errExpired) || errors.Is(err, errTooOld) ||
		introspect.Ended(err) || capability.Ended(err) || httpsig.Ended(err)
}

// refuse adds a challenge for each kind that is taken (RFC 9110, 11.6.1), and
// for signatures what they have to cover (RFC 9421, 5.1). Of what was wrong they
// say nothing.
func (s *stage) refuse(x *durward.Exchange, bad int, err error) durward.Decision {
	realm := realmOf(x)
	if u, ok := errors.AsType[*unproven](err); ok {
		x.Extra.Add("Www-Authenticate", u.proofs.Challenge(realm, true, u.error))
		bad = -1 // that challenge says it
	}
	for i := range s.slots {
		if c := s.slots[i].Challenge(realm, i == bad); c != "" {
			x.Extra.Add("Www-Authenticate", c)
		}
		if a := s.slots[i].accept; a != "" {
			x.Extra.Add("Accept-Signature", a)
		}
	}
	return durward.Refuse(durward.CodeUnauthenticated, err)
}

// slowDown answers an attempt that is not judged. It is the same for every
// credential, good or bad.
func slowDown(x *durward.Exchange, wait time.Duration) durward.Decision {
	x.Extra.Add("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	x.Violated = append(x.Violated, "authentication-attempts")
	return durward.Refuse(durward.CodeRateLimited, errBlocked)
}

// realmOf is the API's name, which the configuration keeps to letters, digits,
// "-" and "_"; anything else is not put between quotes.
func realmOf(x *durward.Exchange) string {
	if x.Operation == nil || x.Operation.API == "" {
		return "api"
	}
	for i := range len(x.Operation.API) {
		c := x.Operation.API[i]
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return "api"
		}
	}
	return x.Operation.API
}
