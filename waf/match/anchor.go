// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/bits"
	"strings"
)

// anchor is a rare byte, and the places in windows where it stands, as bits. A
// set of few patterns is looked for by its anchors alone, of which one stands in
// each window: the standard library finds a byte far faster than the scan goes.
type anchor struct {
	value  byte
	places uint8
}

const (
	maxAnchors     = 6
	maxAnchorItems = 200

	// Costs in nanoseconds for each byte of a text: of the scan, of looking for
	// one anchor, and of a place where one stands.
	costScan   = 0.6
	costAnchor = 0.05
	costPlace  = 6.0

	// So many bytes of a text for each anchor found are taken as rare enough.
	anchorEvery = 12
)

// findAnchors chooses the anchors of items, nil when the scan is no dearer.
func findAnchors(items []item) []anchor {
	if len(items) > maxAnchorItems {
		return nil
	}
	var chosen [256]uint8
	count, cost := 0, 0.0
	for i := range items {
		place, more := anchorOf(items[i].window, &chosen)
		if cost += more; place < 0 || cost >= costScan {
			return nil
		}
		set := items[i].window[place]
		set.each(func(b byte) {
			if chosen[b] == 0 {
				count++
			}
			chosen[b] |= 1 << place
		})
	}
	if count > maxAnchors {
		return nil
	}
	var out []anchor
	for b, places := range chosen {
		if places != 0 {
			out = append(out, anchor{byte(b), places})
		}
	}
	return out
}

// anchorOf is the place in a window that adds least to the cost of the bytes
// chosen before, -1 when there is none.
func anchorOf(w window, chosen *[256]uint8) (place int, cost float64) {
	place = -1
	for i, set := range w[:min(len(w), 8)] {
		if set.has(edgeByte) || set.len() > maxAnchors {
			continue
		}
		sum := 0.0
		set.each(func(b byte) {
			if chosen[b]&(1<<i) == 0 {
				sum += costPlace * byteChances[b]
			}
			if chosen[b] == 0 {
				sum += costAnchor
			}
		})
		if place < 0 || sum < cost {
			place, cost = i, sum
		}
	}
	return place, cost
}

func (s *byteSet) len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// each does something for each byte of the set.
func (s *byteSet) each(do func(byte)) {
	for w, word := range s[:4] {
		for ; word != 0; word &= word - 1 {
			do(byte(w*64 + lowest(word)))
		}
	}
}

// byteChances are the chance of each byte in ordinary values.
var byteChances = func() (chances [256]float64) {
	for b := range chances {
		chances[b] = (float64(strings.Count(sample, string([]byte{byte(b)}))) + 0.2) / float64(len(sample)+50)
	}
	return chances
}()

// scanAnchors finds the windows around anchors. It says false when there are so
// many that the scan is faster; what it found by then is found again.
func (r *run) scanAnchors() bool {
	left := 8 + len(r.text)/anchorEvery
	for _, a := range r.scanner.anchors {
		for i := 0; ; i++ {
			next := strings.IndexByte(r.text[i:], a.value)
			if next < 0 {
				break
			}
			if left--; left < 0 {
				return false
			}
			i += next
			for places := a.places; places != 0; places &= places - 1 {
				if at := i - bits.TrailingZeros8(places); at >= -1 {
					r.look(at)
				}
			}
		}
	}
	return true
}

// look finds the windows that begin at a place.
func (r *run) look(at int) {
	first := r.symbol(at)<<6 | r.symbol(at+1)
	next := r.symbol(at+2)<<6 | r.symbol(at+3)
	if hit := r.scanner.pairs[first].first & r.scanner.pairs[next].next; hit != 0 {
		r.found(at, hit)
	}
}
