// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "sync/atomic"

// verdict is what a search found out.
type verdict uint8

const (
	no verdict = iota
	yes
	unsure // the limit was reached first
)

// maxMisses bounds the new steps that one search may add to the table; after
// that it goes on without looking there, and without the lock.
const maxMisses = 4000

// search runs over text, which follows a rune of kind prev. After limit bytes
// without a verdict it gives up. w.read is how many it read.
func (d *dfa) search(w *work, text string, prev kind, limit int) verdict {
	same, idle := d.idling(w, text)
	t, s := d.begin(w, 0, prev)
	if idle != 0 && same.epoch != t.epoch {
		idle = 0
	}
	if s == 0 {
		return d.simulate(w, d.start(w, prev), text[:min(limit, len(text))], len(text) <= limit)
	}
	classes, stay := &d.prog.byteClass, &d.idle
	since, misses := 0, 0
	steps, special := t.steps, t.stride*rowDead
	w.read = 0
	if s <= special {
		return verdictOf(s, t)
	}
	whole := len(text) <= limit
	if !whole {
		text = text[:limit]
	}
	for i := 0; i < len(text); i++ {
		next := atomic.LoadUint32(&steps[s+uint32(classes[text[i]])])
		if next <= special {
			if next == 0 {
				if misses++; misses < maxMisses {
					now, to := d.miss(w, t, s, text[i], i-since)
					next, since = to, i
					if to != 0 {
						if now.epoch != t.epoch {
							idle = 0 // another row there
						}
						t, steps = now, now.steps
					}
				}
				if next == 0 {
					return d.simulate(w, d.at(t, s), text[i:], whole)
				}
				special = t.stride * rowDead
			}
			if next <= special {
				w.read = i + 1
				return verdictOf(next, t)
			}
		}
		if s = next; s == idle {
			for i+1 < len(text) && stay[text[i+1]] {
				i++
			}
		}
	}
	w.read = len(text)
	switch {
	case !whole:
		return unsure
	case d.final(w, t, s):
		return yes
	}
	return no
}

func verdictOf(s uint32, t *table) verdict {
	if s == rowMatch*t.stride {
		return yes
	}
	return no
}

// simulate goes on from a position without remembering steps: slower, in time
// linear in the text, and without memory. The verdict waits for the rest of the
// text unless this is the whole of it.
func (d *dfa) simulate(w *work, at position, text string, whole bool) verdict {
	w.matched = false
	w.read = len(text)
	for i := 0; i < len(text) && !at.dead(); i++ {
		if at = d.step(w, at, text[i]); w.matched {
			return yes
		}
	}
	switch {
	case at.dead():
		return no
	case !whole:
		return unsure
	}
	if d.finish(w, at); w.matched {
		return yes
	}
	return no
}
