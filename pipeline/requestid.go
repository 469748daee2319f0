// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"math/rand/v2"

	"durward"
)

const requestIDField = "X-Request-Id"

// crockford is the alphabet of Crockford's base 32: no letter in it is taken
// for a digit when somebody reads an id out.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// requestID is the exchange's id: the one that a trusted proxy gave, or a new
// one of 48 bits of time and 80 random bits (the layout of a ULID), so that ids
// sort by time. It need not be hard to guess.
func requestID(x *durward.Exchange) string {
	if x.Client.Trusted {
		if id := x.In.Header.Get(requestIDField); plainID(id) {
			return id
		}
	}
	var b [26]byte
	ms := uint64(x.Started.UnixMilli())
	for i := 9; i >= 0; i-- {
		b[i] = crockford[ms&31]
		ms >>= 5
	}
	high, low := rand.Uint64(), rand.Uint64()
	for i := 10; i < 18; i++ {
		b[i] = crockford[high&31]
		high >>= 5
	}
	for i := 18; i < 26; i++ {
		b[i] = crockford[low&31]
		low >>= 5
	}
	return string(b[:])
}

// plainID tells whether an id of another system can be used in records and
// answers as it is.
func plainID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for i := 0; i < len(id); i++ {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
