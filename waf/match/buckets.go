// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "math/bits"

func lowest(v uint64) int { return bits.TrailingZeros64(v) }

func (s symbolSet) len() int { return bits.OnesCount64(uint64(s)) }

func (s symbolSet) each(do func(uint32)) {
	for ; s != 0; s &= s - 1 {
		do(uint32(bits.TrailingZeros64(uint64(s))))
	}
}

// pairSet is a set of pairs of symbols, with the chance of meeting one.
type pairSet struct {
	rows   [symbols]symbolSet // by first symbol
	chance float64
}

func (s *pairSet) has(pair int) bool { return s.rows[pair/symbols]&(1<<(pair%symbols)) != 0 }

// grown is the chance once the pairs of two sets of symbols are added.
func (s *pairSet) grown(a, b symbolSet) float64 {
	chance := s.chance
	for ; a != 0; a &= a - 1 {
		row := lowest(uint64(a))
		for more := b &^ s.rows[row]; more != 0; more &= more - 1 {
			chance += chances.first[row] * chances.after[row][lowest(uint64(more))]
		}
	}
	return chance
}

func (s *pairSet) add(a, b symbolSet) {
	s.chance = s.grown(a, b)
	a.each(func(row uint32) { s.rows[row] |= b })
}

// filler puts windows into buckets so that few places of ordinary text look as
// if they held one.
type filler struct {
	buckets [64]struct{ first, next pairSet }
	places  map[symbolWindow]int
}

func newFiller() *filler { return &filler{places: map[symbolWindow]int{}} }

// put gives the bucket for a window: the one whose chance grows least.
func (f *filler) put(w symbolWindow) int {
	if bucket, ok := f.places[w]; ok {
		return bucket
	}
	best, least := 0, 0.0
	for i := range f.buckets {
		b := &f.buckets[i]
		more := b.first.grown(w[0], w[1])*b.next.grown(w[2], w[3]) - b.first.chance*b.next.chance
		if i == 0 || more < least {
			best, least = i, more
		}
	}
	f.buckets[best].first.add(w[0], w[1])
	f.buckets[best].next.add(w[2], w[3])
	f.places[w] = best
	return best
}
