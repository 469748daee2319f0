// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "sync/atomic"

// trial is what is known of one pattern while its windows are verified on the
// spot in one text.
type trial struct {
	text        uint64 // number of the text
	budget      int    // bytes that may still be read
	ahead, back trail
}

// trail is where walks over a text have been, all in vain: one that meets them in
// the same row would end as they did. So an expression with "any text" in it does
// not read the rest of the text for every window.
type trail struct {
	epoch int // of the rows
	count int
	marks [trailLength]mark // in the direction of the walks
}

// mark is a row, and the place of the text where it was reached; places before
// the middle of the walk's direction are negative when it goes back.
type mark struct {
	at  int32
	row uint32
}

const (
	// A walk leaves marks after so many bytes, and whenever that has doubled.
	firstMark   = 32
	trailLength = 12
)

// walk runs from a place to where there is a verdict or the text ends, ahead or
// back as the machine does; beside is the kind of the rune on the other side of
// the place. It is unsure after limit bytes, and when memory is spent. w.read is
// how many bytes it read.
func (d *dfa) walk(w *work, entry uint32, text string, at int, beside kind, limit int, before *trail) verdict {
	t, s := d.begin(w, entry, beside)
	w.read = 0
	if s <= t.stride*rowDead {
		if s == 0 {
			return unsure
		}
		return verdictOf(s, t)
	}
	if before.epoch != t.epoch {
		before.count = 0
	}
	own := trail{epoch: t.epoch}
	first, last := at, len(text)
	if d.back != nil {
		first, last = -at, 0
	}
	end := min(last, first+limit)
	for x, met := first, 0; x < end; {
		for met < before.count && int(before.marks[met].at) <= x {
			met++
		}
		stop := end
		if met < before.count {
			stop = min(stop, int(before.marks[met].at))
		}
		if own.count < trailLength {
			stop = min(stop, first+firstMark<<own.count)
		}
		var found verdict
		if d.back != nil {
			t, s, found = d.stepsBack(w, t, s, text[-stop:-x])
		} else {
			t, s, found = d.stepsAhead(w, t, s, text[x:stop])
		}
		switch {
		case found == no && t.epoch == own.epoch:
			before.replace(&own, met)
			return no
		case found != unsure || s == 0 || t.epoch != own.epoch:
			return found
		}
		x = stop
		if met < before.count && before.marks[met] == (mark{int32(x), s}) {
			before.replace(&own, met)
			return no
		}
		if own.count < trailLength && x == first+firstMark<<own.count {
			own.marks[own.count] = mark{int32(x), s}
			own.count++
		}
	}
	switch {
	case end < last:
		return unsure
	case d.final(w, t, s):
		return yes
	}
	before.replace(&own, before.count)
	return no
}

// replace makes the trail that of a later walk, which met it at a mark.
func (t *trail) replace(own *trail, met int) {
	if own.count == 0 {
		return // it read little, and may have been far from here
	}
	own.count += copy(own.marks[own.count:], t.marks[met:t.count])
	*t = *own
}

// stepsAhead takes the steps over a text. It is unsure when there is no verdict
// yet, and the row is 0 when memory is spent.
func (d *dfa) stepsAhead(w *work, t *table, s uint32, text string) (*table, uint32, verdict) {
	classes, steps := &d.prog.byteClass, t.steps
	special := t.stride * rowDead
	for i := 0; i < len(text); i++ {
		to := atomic.LoadUint32(&steps[s+uint32(classes[text[i]])])
		if to <= special {
			if to == 0 {
				if t, to = d.miss(w, t, s, text[i], 1); to == 0 {
					return t, 0, unsure
				}
				steps = t.steps
			}
			if to <= special {
				w.read += i + 1
				return t, to, verdictOf(to, t)
			}
		}
		s = to
	}
	w.read += len(text)
	return t, s, unsure
}

// stepsBack is stepsAhead from the end of the text to its beginning.
func (d *dfa) stepsBack(w *work, t *table, s uint32, text string) (*table, uint32, verdict) {
	classes, steps := &d.prog.byteClass, t.steps
	special := t.stride * rowDead
	for i := len(text) - 1; i >= 0; i-- {
		to := atomic.LoadUint32(&steps[s+uint32(classes[text[i]])])
		if to <= special {
			if to == 0 {
				if t, to = d.miss(w, t, s, text[i], 1); to == 0 {
					return t, 0, unsure
				}
				steps = t.steps
			}
			if to <= special {
				w.read += len(text) - i
				return t, to, verdictOf(to, t)
			}
		}
		s = to
	}
	w.read += len(text)
	return t, s, unsure
}
