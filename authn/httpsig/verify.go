// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"durward"
)

// Authenticate checks the one signature that counts. A nil error means that the
// request was signed by the caller in the Principal. A *durward.Unavailable
// means that it could not be decided, any other error why it was refused.
func (m *Method) Authenticate(ctx context.Context, x *durward.Exchange) (durward.Principal, error) {
	w := works.Get().(*work)
	defer w.release()
	msg := messageOf(x)
	now := m.deps.Now()
	s, until, err := m.judge(w, &msg, &x.In.Body, now)
	if err != nil {
		return durward.Principal{}, err
	}
	k, err := m.verify(w, &s, now)
	switch {
	case err != nil:
		return durward.Principal{}, err
	case until.Unix() <= now.Unix(): // who signed it guesses nothing: see Ended
		return durward.Principal{}, errOld
	}
	p := durward.Principal{Subject: k.id, Method: methodName, Bound: methodName, Credential: k.id, Roles: k.roles, Expires: k.notAfter}
	if err := m.consumer(k, &p, x.Client.Address); err != nil {
		return durward.Principal{}, err
	}
	if name := digestIn(w.comps, &msg); name != "" {
		var content []byte
		err := x.In.Body.LowerLimit(m.content)
		if err == nil {
			content, err = x.In.Body.Bytes()
		}
		if err != nil {
			return durward.Principal{}, &durward.Unavailable{Code: cmp.Or(durward.BodyFault(err), durward.CodeInternal), Err: err}
		}
		if err := w.checkDigest(msg.header, name, content); err != nil {
			return durward.Principal{}, err
		}
	}
	if err := m.use(ctx, k, &s, until); err != nil {
		return durward.Principal{}, err
	}
	return p, nil
}

// Ended tells of an error of Authenticate that the signature was good, and that
// its time, or its key's, is over: no guess.
func Ended(err error) bool { return errors.Is(err, errOld) || errors.Is(err, errKeyEnded) }

// Claimed is the id of the key that the signature names, and the fields of the
// signature. Nothing is verified; the id is "" where none can be read.
func (m *Method) Claimed(x *durward.Exchange) (credential, presented string) {
	if presented = x.In.Header.Get(headerSignature); x.In.Header.Count(headerSignature) > 1 {
		presented = "" // every time counts
	}
	w := works.Get().(*work)
	defer w.release()
	if w.read(x.In.Header) != nil {
		return "", presented
	}
	s, err := w.pick(m.label, m.tag)
	if err != nil || !s.hasKeyID {
		return "", presented
	}
	return s.keyID, presented
}

// Why a signature is refused, for the audit record.
var (
	errNoKeyID   = errors.New("signature: names no key")
	errNoCreated = errors.New("signature: does not say when it was created")
	errNoNonce   = errors.New("signature: has no nonce")
	errTag       = errors.New("signature: has another tag")
	errFuture    = errors.New("signature: created in the future")
	errOld       = errors.New("signature: too old or expired")
	errUnknown   = errors.New("signature: no such key")
	errWrong     = errors.New("signature: does not match")
	errAlgorithm = errors.New("signature: names another algorithm than its key's")
	errKeyEnded  = errors.New("signature: its key has ended")
	errNobody    = errors.New("signature: the consumer of its key does not exist")
	errDisabled  = errors.New("signature: the consumer of its key is disabled")
	errReplay    = errors.New("signature: was used before")
)

// errAddress is a 403: who signed is known.
var errAddress error = &durward.Forbidden{Err: errors.New("signature: its consumer may not call from this address")}

// judge does all that needs no key, and builds the signature base. It gives the
// time until which the signature could be taken.
func (m *Method) judge(w *work, msg *message, body *durward.Body, now time.Time) (s signed, until time.Time, err error) {
	if err := w.read(msg.header); err != nil {
		return s, until, err
	}
	if s, err = w.pick(m.label, m.tag); err != nil {
		return s, until, err
	}
	last, err := m.window(&s, now.Unix())
	if err != nil {
		return s, until, err
	}
	if err := w.components(&s); err != nil {
		return s, until, err
	}
	switch {
	case !m.required.coveredBy(w.comps):
		// A covered Repr-Digest does where the content needs a digest, but
		// not where the configuration names Content-Digest.
		return s, until, errUncovered
	case hasContent(body) && digestIn(w.comps, msg) == "":
		return s, until, errNoDigest
	}
	return s, time.Unix(last+1, 0), w.makeBase(msg, &s)
}

// window checks the parameters, and gives the last second in which s is taken,
// which may have been.
func (m *Method) window(s *signed, now int64) (last int64, err error) {
	switch {
	case !s.hasKeyID:
		return 0, errNoKeyID
	case !s.hasCreated:
		return 0, errNoCreated
	case m.nonce && !s.hasNonce:
		return 0, errNoNonce
	case m.tag != "" && s.tag != m.tag:
		return 0, errTag
	case s.hasExpires && s.expires <= s.created:
		return 0, errParams
	}
	last = s.created + m.maxAge
	if s.hasExpires {
		last = min(last, s.expires)
	}
	last += m.skew
	if s.created > now+m.skew {
		return 0, errFuture
	}
	return last, nil
}

// standIn gives the key that the signatures of an unknown id are checked with.
// It is always the same one for an id, as long as the keys stay the same, so
// that an unknown id takes the time of one or another known key, and no trial
// tells which ids exist.
func (m *Method) standIn(keyID string) *key {
	var text [sha256.Size + maxText]byte
	n := copy(text[:], m.pepper[:])
	n += copy(text[n:], keyID)
	sum := sha256.Sum256(text[:n])
	return m.all[binary.BigEndian.Uint64(sum[:8])%uint64(len(m.all))]
}

// verify finds the key and checks the signature. For an unknown id the same
// work is done, and refused whatever comes out.
func (m *Method) verify(w *work, s *signed, now time.Time) (*key, error) {
	stand := m.standIn(s.keyID) // for a known id too: it takes time
	k, known := m.keys[s.keyID]
	if !known {
		k = stand
	}
	good := k.verify(w.base, s.sig)
	switch {
	case !known:
		return nil, errUnknown
	case !good:
		return nil, errWrong
	case s.hasAlg && s.alg != k.alg:
		return nil, errAlgorithm
	case !k.notAfter.IsZero() && !now.Before(k.notAfter):
		return nil, errKeyEnded
	}
	return k, nil
}

// consumer completes p with what the store knows of the key's holder.
func (m *Method) consumer(k *key, p *durward.Principal, from netip.Addr) error {
	if k.consumer == "" {
		return nil
	}
	c, err := m.deps.Consumers.LookUp(k.consumer)
	switch {
	case errors.Is(err, durward.ErrNotFound):
		return errNobody
	case err != nil:
		return unavailable(err)
	case c.ID != k.consumer:
		return errNobody
	case c.Disabled:
		return errDisabled
	case !durward.MayCallFrom(c.Addresses, c.Denied, from):
		return errAddress
	}
	p.Subject, p.Consumer, p.Plan, p.Roles = c.ID, c.ID, c.Plan, durward.Union(k.roles, c.Roles)
	return nil
}

// use makes s count once. It is the last check, so that a request that fails
// another one can be sent again.
func (m *Method) use(ctx context.Context, k *key, s *signed, until time.Time) error {
	var text [sha256.Size + 1 + maxSignature]byte // and maxText is less
	n := copy(text[:], k.print[:])
	if s.hasNonce {
		text[n] = 'n'
		n += 1 + copy(text[n+1:], s.nonce)
	} else {
		text[n] = 's'
		n += 1 + copy(text[n+1:], k.once(s.sig))
	}
	ok, err := m.deps.Uses.Use(ctx, usesSpace, sha256.Sum256(text[:n]), 1, until)
	switch {
	case err != nil:
		return unavailable(err)
	case !ok:
		return errReplay
	}
	return nil
}

func unavailable(err error) error {
	if away, ok := errors.AsType[*durward.Unavailable](err); ok {
		return away
	}
	return &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: err}
}
