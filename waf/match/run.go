// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "unicode/utf8"

// Scratch is the working memory of one Match at a time; keep one for each
// goroutine or in a pool. The zero value is ready.
type Scratch struct {
	run  run
	work work
}

// run is one Match.
type run struct {
	*Set
	text   string
	hits   []uint64
	texts  []uint64 // patterns whose automaton must read the whole text
	trials []trial  // of each pattern
	number uint64   // of the text
	work   *work
	any    bool
}

const (
	// Verifications on the spot may read so many bytes for one pattern and
	// text, and so many times its length. After that the automaton reads the
	// whole text once: a text full of windows takes time linear in its length.
	leastBudget  = 512
	budgetFactor = 3
	costOfTrial  = 8 // bytes that could be read in the time to begin one
)

// Match sets in hits, a bitset with room for Len bits, the bit of each pattern
// that matches input, leaves the others as they are, and says whether any
// matched. A pattern whose bit is set already may be passed over, and then does
// not count.
func (s *Set) Match(sc *Scratch, input string, hits []uint64) bool {
	r := &sc.run
	r.Set, r.text, r.hits, r.work, r.any = s, input, hits, &sc.work, false
	words := (len(s.plans) + 63) / 64
	if cap(r.texts) < words {
		r.texts = make([]uint64, words)
	}
	r.texts = r.texts[:words]
	clear(r.texts)
	if r.number++; len(r.trials) < len(s.plans) {
		r.trials = make([]trial, len(s.plans))
	}
	for _, i := range s.always {
		r.hit(i)
	}
	for _, i := range s.direct {
		r.texts[i/64] |= 1 << (i % 64)
	}
	if s.scanner != nil {
		r.scan()
	}
	for w, bits := range r.texts {
		for bits &^= hits[w]; bits != 0; bits &= bits - 1 {
			i := uint32(w*64 + lowest(bits))
			if s.matchers[i].whole.search(r.work, input, kindEdge, len(input)) == yes {
				r.hit(i)
			}
		}
	}
	found := r.any
	r.Set, r.text, r.hits = nil, "", nil
	return found
}

func (r *run) hit(i uint32) {
	r.hits[i/64] |= 1 << (i % 64)
	r.any = true
}

// compare holds an item against the text at a place where its bucket came up,
// and verifies its pattern when the window stands there.
func (r *run) compare(it *item, at int) {
	if (r.hits[it.pattern/64]|r.texts[it.pattern/64])&(1<<(it.pattern%64)) != 0 {
		return
	}
	if it.phrase != "" {
		if standsAt(r.text, at-int(it.offset), it.phrase) {
			r.hit(it.pattern)
		}
		return
	}
	for i := range it.window {
		if !it.window[i].has(r.byteAt(at + i)) {
			return
		}
	}
	if !r.verify(it, at+int(it.ahead)) {
		r.texts[it.pattern/64] |= 1 << (it.pattern % 64)
	}
}

// verify looks for matches with the window of an item at a place. It says false
// when only the whole text can tell.
func (r *run) verify(it *item, at int) bool {
	m := r.matchers[it.pattern]
	known := &r.trials[it.pattern]
	if known.text != r.number {
		known.text, known.budget = r.number, leastBudget+budgetFactor*len(r.text)
		known.ahead.count, known.back.count = 0, 0
	}
	if it.most > 0 {
		// Most often what begins with the window does not go on.
		if at < len(r.text) && r.text[at]&0xC0 == 0x80 && !m.prog.binary {
			return false // within a rune
		}
		if found := r.try(m.local, it.entry, at, r.before(at), known, &known.ahead); found != yes {
			return found == no
		}
		if !it.near {
			return r.try(m.back, it.entry, at, r.after(at), known, &known.back) == no
		}
	}
	for back := 0; back <= int(it.most) && back <= at; back++ {
		start := at - back
		if start < len(r.text) && r.text[start] >= utf8.RuneSelf && !m.prog.binary && (back > 0 || r.text[start]&0xC0 == 0x80) {
			return false // bytes and runes differ
		}
		if back < int(it.least) {
			continue
		}
		switch r.try(m.local, 0, start, r.before(start), known, &known.ahead) {
		case yes:
			r.hit(it.pattern)
			return true
		case unsure:
			return false
		}
	}
	return true
}

// try runs an automaton from a place within the budget.
func (r *run) try(d *dfa, entry uint32, at int, beside kind, known *trial, before *trail) verdict {
	if known.budget <= costOfTrial {
		return unsure
	}
	found := d.walk(r.work, entry, r.text, at, beside, known.budget, before)
	known.budget -= costOfTrial + r.work.read
	return found
}

// after is the kind of the rune after a place.
func (r *run) after(at int) kind {
	if at == len(r.text) {
		return kindEdge
	}
	return r.before(at + 1)
}

// before is the kind of the rune before a place.
func (r *run) before(at int) kind {
	if at == 0 {
		return kindEdge
	}
	if b := r.text[at-1]; b < utf8.RuneSelf {
		return asciiKind[b]
	}
	return kindOther
}

var asciiKind = func() (kinds [utf8.RuneSelf]kind) {
	for b := range kinds {
		kinds[b] = (&prog{}).kindOf(rune(b))
	}
	return kinds
}()
