// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import "hash/maphash"

// hasher is a keyed hash. Its seed is the process's, so that nobody outside can
// aim at a bucket or a bit of a sketch.
type hasher struct {
	seed maphash.Seed
	// fixed replaces the seed when it is not 0. Only tests set it: a sketch
	// counts a little differently under each seed, so that what they find would
	// be a matter of chance.
	fixed uint64
}

func newHasher() hasher { return hasher{seed: maphash.MakeSeed()} }

func (h *hasher) bytes(b []byte) uint64 {
	if h.fixed != 0 {
		return fixedHash(h.fixed, b)
	}
	return nonzero(maphash.Bytes(h.seed, b))
}

func (h *hasher) text(s string) uint64 {
	if h.fixed != 0 {
		return fixedHash(h.fixed, s)
	}
	return nonzero(maphash.String(h.seed, s))
}

// fixedHash is FNV-1a, mixed so that all bits of it are as good.
func fixedHash[T string | []byte](seed uint64, text T) uint64 {
	h := seed ^ 0xcbf29ce484222325
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return mix(h, seed)
}
