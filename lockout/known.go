// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"math/bits"
	"sync/atomic"
)

// known remembers which pairs of a source and a claimed id succeeded lately.
// Only a success writes to it, so that no flood of bad attempts can empty it;
// and one id has at most 64 of its places (8 buckets), so that neither can the
// holder of one good credential from many sources. A place is one word: 40
// bits of the pair's hash and the minute of the success.
type known struct {
	words []atomic.Uint64
	mask  uint64 // of buckets
}

// nsMinute is a minute on the guard's clock.
const nsMinute = 60_000_000_000

const minuteBits = 24

func newKnown(n int) *known {
	count := uint64(1) << bits.Len(uint(max((n+ways-1)/ways, 1)-1))
	return &known{words: make([]atomic.Uint64, count*ways), mask: count - 1}
}

// bucket gives the places of a pair of the claimed id.
func (k *known) bucket(id, pair uint64) []atomic.Uint64 {
	at := ((id>>8)&^7 | pair&7) & k.mask * ways
	return k.words[at : at+ways]
}

// age gives how many minutes ago a pair succeeded; ok is false when it did not
// or that is too long ago.
func (k *known) age(id, pair uint64, now, knownFor int64) (minutes int64, ok bool) {
	b := k.bucket(id, pair)
	for i := range b {
		if w := b[i].Load(); w>>minuteBits == pair>>minuteBits && w != 0 {
			minutes = now/nsMinute - int64(w&(1<<minuteBits-1))
			return minutes, minutes*nsMinute <= knownFor
		}
	}
	return 0, false
}

// note remembers a success, in the place of the pair, else in one of the pair
// that succeeded longest ago. Of two at once one may be lost, which costs the
// other nothing but its next success.
func (k *known) note(id, pair uint64, now int64) {
	b := k.bucket(id, pair)
	place, oldest := 0, int64(1)<<minuteBits
	for i := range b {
		w := b[i].Load()
		if w>>minuteBits == pair>>minuteBits {
			place = i
			break
		}
		minute := int64(w & (1<<minuteBits - 1))
		if w == 0 {
			minute = -1 // free
		}
		if minute < oldest {
			place, oldest = i, minute
		}
	}
	b[place].Store(pair>>minuteBits<<minuteBits | uint64(now/nsMinute)&(1<<minuteBits-1))
}

// crowd estimates how many different ids succeeded lately from a source or a
// range, up to 16. A place is one word: 16 bits of the key's hash, the number
// of a half of KnownFor, and two sketches of 16 bits, for that half and the
// one before.
type crowd struct {
	words []atomic.Uint64
	mask  uint64
}

func newCrowd(n int) *crowd {
	k := newKnown(n)
	return &crowd{k.words, k.mask}
}

func (c *crowd) bucket(key uint64) []atomic.Uint64 {
	at := key & c.mask * ways
	return c.words[at : at+ways]
}

// half numbers the halves of KnownFor, from 1 so that no word is 0.
func half(now, knownFor int64) uint64 { return uint64(now/max(knownFor/2, 1))&0x7fff + 1 }

// sketches gives both sketches of a word as they count now.
func sketches(word, h uint64) (this, before uint64) {
	this, before = word>>16&0xffff, word&0xffff
	switch word >> 32 & 0xffff {
	case h:
		return this, before
	case h - 1:
		return 0, this
	}
	return 0, 0
}

// size is the estimate for a key.
func (c *crowd) size(key uint64, now, knownFor int64) int {
	h := half(now, knownFor)
	b := c.bucket(key)
	for i := range b {
		if w := b[i].Load(); w>>48 == key>>48 && w != 0 {
			this, before := sketches(w, h)
			return bits.OnesCount64(this | before)
		}
	}
	return 0
}

// add notes that the claimed id succeeded from key. The smallest crowd makes
// room, so that who has one good credential cannot displace a company.
func (c *crowd) add(key, id uint64, now, knownFor int64) {
	h := half(now, knownFor)
	b := c.bucket(key)
	for range 4 { // under contention the note may be lost; the next success makes it
		place, least := 0, 17
		var old, this, before uint64
		for i := range b {
			w := b[i].Load()
			t, p := sketches(w, h)
			if w != 0 && w>>48 == key>>48 {
				place, old, this, before = i, w, t, p
				break
			}
			if n := bits.OnesCount64(t | p); n < least {
				place, least, old = i, n, w
			}
		}
		this |= 1 << (id >> 60)
		if b[place].CompareAndSwap(old, key>>48<<48|h<<32|this<<16|before) {
			return
		}
	}
}
