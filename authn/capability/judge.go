// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/binary"
	"errors"

	"durward"
)

// Which caveat does not hold, for the audit record. What the caveat says is
// not in it, because the token's holder chose that.
var (
	errMalformed = errors.New("capability: a caveat is malformed")
	errOperation = errors.New("capability: not for this operation")
	errAPI       = errors.New("capability: not for this API")
	errPath      = errors.New("capability: not for this path")
	errMethod    = errors.New("capability: not for this method")
	errQuery     = errors.New("capability: not for this query")
	errAddress   = errors.New("capability: not from this address")
	errExpired   = errors.New("capability: expired")
	errEarly     = errors.New("capability: not valid yet")
	errKeys      = errors.New("capability: bound to two keys")
	errUsesTime  = errors.New("capability: a use count without a not-after within max_age before it")
	errCounts    = errors.New("capability: more than 4 use counts")
	errFields    = errors.New("capability: more than 8 body-field caveats")
)

// judge holds the caveats of a verified token against the head of a request.
type judge struct {
	x       *durward.Exchange
	w       *work
	now     int64
	most    int64  // no use count is kept for longer
	expires int64  // the earliest end of all
	ends    int64  // the earliest not-after so far
	uses    int    // use counts so far
	fields  int    // body-field caveats so far
	bound   []byte // thumbprint, 32 bytes
}

// all judges every caveat; the first that does not hold decides.
func (j *judge) all(caveats []byte) error {
	for len(caveats) > 0 {
		var t Type
		var body []byte
		t, _, body, caveats, _ = nextCaveat(caveats)
		if !t.known() {
			return errUnknownCaveat
		}
		if checkBody(t, body) != nil {
			return errMalformed
		}
		if err := j.one(t, body); err != nil {
			return err
		}
	}
	return nil
}

// one judges a caveat that is well-formed. A type that is missing here is
// refused.
func (j *judge) one(t Type, body []byte) error {
	x := j.x
	switch t {
	case TypeOperation:
		return unless(x.Operation != nil && oneOf(body, x.Operation.ID), errOperation)
	case TypeAPI:
		return unless(x.Operation != nil && oneOf(body, x.Operation.API), errAPI)
	case TypePath:
		return unless(anyItem(body, func(p []byte) bool { return below(x.In.Path, p) }), errPath)
	case TypeMethod:
		return unless(oneOf(body, x.In.Method), errMethod)
	case TypeQuery:
		return unless(queryHolds(x.In.RawQuery, body), errQuery)
	case TypeAddress:
		return unless(anyItem(body, func(b []byte) bool {
			p, ok := network(b)
			return ok && p.Contains(x.Client.Address)
		}), errAddress)
	case TypeNotAfter:
		at := int64(binary.BigEndian.Uint64(body))
		j.ends, j.expires = min(j.ends, at), min(j.expires, at)
		return unless(j.now < at, errExpired)
	case TypeNotBefore:
		return unless(j.now >= int64(binary.BigEndian.Uint64(body)), errEarly)
	case TypeBoundKey:
		ok := j.bound == nil || string(j.bound) == string(body)
		j.bound = body
		return unless(ok, errKeys)
	case TypeUses:
		return j.count()
	case TypeBody:
		j.fields++
		return unless(j.fields <= maxFields, errFields)
	}
	return errUnknownCaveat
}

// count says until when a use count is kept. Only what stands before it is the
// same in all tokens that share the count: a not-after behind it would let the
// count be forgotten while others can still be used. A not-after beyond
// max_age is refused, not shortened: if max_age grew later, the token would
// come back to life with its count forgotten.
func (j *judge) count() error {
	if j.uses == maxCounts {
		return errCounts
	}
	j.w.uses[j.uses].until = j.ends
	j.uses++
	return unless(j.ends <= j.most, errUsesTime)
}

func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// anyItem tells whether one item of a list is good.
func anyItem(list []byte, good func([]byte) bool) bool {
	for len(list) > 0 {
		item, rest, ok := nextItem(list)
		if !ok {
			return false
		}
		if good(item) {
			return true
		}
		list = rest
	}
	return false
}

func oneOf(list []byte, s string) bool {
	for len(list) > 0 {
		item, rest, ok := nextItem(list)
		if !ok {
			return false
		}
		if string(item) == s {
			return true
		}
		list = rest
	}
	return false
}
