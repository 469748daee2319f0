// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// edgeByte stands for the place before the first and after the last byte.
const edgeByte = 256

// byteSet is a set of bytes and of edgeByte.
type byteSet [5]uint64

func (s *byteSet) add(b int)      { s[b/64] |= 1 << (b % 64) }
func (s *byteSet) has(b int) bool { return s[b/64]&(1<<(b%64)) != 0 }
func (s *byteSet) addRange(low, high int) {
	for b := low; b <= high; b++ {
		s.add(b)
	}
}

func (s *byteSet) or(o byteSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s byteSet) and(o byteSet) byteSet {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

func (s byteSet) empty() bool { return s == byteSet{} }

// ofKind are the bytes of each kind of rune: all that are not ASCII are other.
var ofKind = func() (sets [4]byteSet) {
	for b := range 256 {
		k := kindOther
		if b < utf8.RuneSelf {
			k = (&prog{}).kindOf(rune(b))
		}
		sets[k].add(b)
	}
	sets[kindEdge].add(edgeByte)
	return sets
}()

// window is a sequence of byte sets. A text that matches has one after the other.
type window []byteSet

// windower finds windows of one prog.
type windower struct {
	prog   *prog
	most   int // how many windows a list may have
	failed bool
	memo   map[windowKey][]window
	asks   []syntax.EmptyOp // of each instruction, with one bit more once known
	bytes  map[*uint64]byteSet
	work   work
}

type windowKey struct {
	from  uint32
	depth int
	prev  kind
}

func newWindower(p *prog, most int) *windower {
	return &windower{prog: p, most: most, memo: map[windowKey][]window{}, asks: make([]syntax.EmptyOp, len(p.insts)), bytes: map[*uint64]byteSet{}}
}

// windows lists sequences of at most depth sets with which everything that
// matches from an instruction begins, after a byte that the first set holds when
// behind is set. It fails when there would be too many.
func (e *windower) windows(from uint32, depth int) (list []window, behind, ok bool) {
	e.failed = false
	if e.reaches(from) == 0 {
		list = e.from(from, depth, kindOther)
		return list, false, !e.failed
	}
	found := merger{}
	for k := kindOther; k <= kindEdge; k++ {
		for _, w := range e.from(from, depth-1, k) {
			found.add(ofKind[k], w)
		}
	}
	return found.list, true, !e.failed && len(found.list) <= e.most
}

// reaches are the assertions met from an instruction before a rune.
func (e *windower) reaches(from uint32) syntax.EmptyOp {
	const known = 1 << 7
	if e.asks[from] == 0 {
		asks := syntax.EmptyOp(known)
		e.work.closed.reset(len(e.prog.insts))
		machine{prog: e.prog}.close(&e.work, &e.work.closed, from, 0)
		for _, i := range e.work.closed.dense {
			asks |= e.prog.insts[i].asks
		}
		e.asks[from] = asks
	}
	return e.asks[from] &^ known
}

// merger collects windows; those that differ in their first set only become one.
type merger struct {
	list []window
	seen map[string]int
}

func (m *merger) add(first byteSet, rest window) {
	key := make([]byte, 0, 40*len(rest))
	for _, s := range rest {
		for _, v := range s {
			key = append(appendInt32(key, int32(v)), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
		}
	}
	if m.seen == nil {
		m.seen = map[string]int{}
	}
	if i, ok := m.seen[string(key)]; ok {
		m.list[i][0].or(first)
		return
	}
	m.seen[string(key)] = len(m.list)
	m.list = append(m.list, append(window{first}, rest...))
}

func (e *windower) from(from uint32, depth int, prev kind) []window {
	if depth <= 0 || e.failed {
		return []window{{}}
	}
	if e.reaches(from) == 0 {
		prev = kindOther
	}
	key := windowKey{from, depth, prev}
	if list, ok := e.memo[key]; ok {
		e.failed = len(list) > e.most
		return list
	}
	var found merger
	if e.reaches(from) == 0 {
		var all byteSet
		all.addRange(0, 255)
		e.after(&found, from, depth, 0, all)
	} else {
		for next := kindOther; next <= kindEdge; next++ {
			e.after(&found, from, depth, metBetween(prev, next), ofKind[next])
		}
	}
	if len(found.list) > e.most {
		e.failed = true
	}
	e.memo[key] = found.list
	return found.list
}

// after adds the windows from an instruction when the next byte is of a set and
// these assertions hold before it. A match without a byte makes an empty window,
// which stands for anything.
func (e *windower) after(found *merger, from uint32, depth int, met syntax.EmptyOp, next byteSet) {
	p, w := e.prog, &e.work
	w.closed.reset(len(p.insts))
	w.matched = false
	machine{prog: p}.close(w, &w.closed, from, met)
	if w.matched {
		if met == 0 {
			next.add(edgeByte)
		}
		found.add(next, nil)
		return
	}
	// The lists below are made while w is used again.
	for _, i := range slices.Clone(w.closed.dense) {
		if in := &p.insts[i]; in.op == syntax.InstRune {
			e.single(found, in, in.out, depth, next)
			if !p.binary && next.has(0xC2) {
				e.multi(found, in, in.out, depth)
			}
		}
	}
}

// singles are the bytes that an instruction takes as runes of their own.
func (e *windower) singles(in *inst) byteSet {
	set, ok := e.bytes[&in.accepts[0]]
	if !ok {
		for b := range 256 {
			if (e.prog.binary || b < utf8.RuneSelf) && in.takes(e.prog.classOf(rune(b))) {
				set.add(b)
			}
		}
		e.bytes[&in.accepts[0]] = set
	}
	return set
}

// single adds windows that begin with one byte: ASCII, or any in a binary
// expression.
func (e *windower) single(found *merger, in *inst, to uint32, depth int, next byteSet) {
	set := e.singles(in).and(next)
	if set.empty() {
		return
	}
	if e.reaches(to) == 0 {
		for _, rest := range e.from(to, depth-1, kindOther) {
			found.add(set, rest)
		}
		return
	}
	for k := kindOther; k < kindEdge; k++ {
		if part := set.and(ofKind[k]); !part.empty() {
			for _, rest := range e.from(to, depth-1, k) {
				found.add(part, rest)
			}
		}
	}
}

// multi adds windows that begin with a rune past ASCII. Classes of many such
// runes, and those with U+FFFD, for which any byte may stand, end the window.
func (e *windower) multi(found *merger, in *inst, to uint32, depth int) {
	p := e.prog
	var set byteSet
	if in.takes(p.invalid) {
		set.addRange(utf8.RuneSelf, 255)
		found.add(set, nil)
		return
	}
	var intervals [][2]rune
	for i, low := range p.lows {
		high := rune(utf8.MaxRune)
		if i+1 < len(p.lows) {
			high = p.lows[i+1] - 1
		}
		if low = max(low, utf8.RuneSelf); low <= high && in.takes(p.lowClass[i]) {
			intervals = append(intervals, [2]rune{low, high})
		}
	}
	if len(intervals) > 4 || slices.ContainsFunc(intervals, surrogate) {
		set.addRange(0xC2, 0xF4)
		found.add(set, nil)
		return
	}
	for _, v := range intervals {
		head := encodings(v[0], v[1])
		if len(head) == 1 || len(head) >= depth {
			found.add(head[0], head[1:min(len(head), depth)])
			continue
		}
		for _, rest := range e.from(to, depth-len(head), kindOther) {
			found.add(head[0], append(slices.Clone(head[1:]), rest...))
		}
	}
}

func surrogate(v [2]rune) bool { return !utf8.ValidRune(v[0]) || !utf8.ValidRune(v[1]) }

// encodings is a window that covers the encodings of an interval of runes: only
// its first set when they differ in length.
func encodings(low, high rune) window {
	first, last := utf8.AppendRune(nil, low), utf8.AppendRune(nil, high)
	w := window{{}}
	w[0].addRange(int(first[0]), int(last[0]))
	if len(first) != len(last) {
		return w
	}
	same := first[0] == last[0]
	for i := 1; i < len(first); i++ {
		var set byteSet
		if same {
			set.addRange(int(first[i]), int(last[i]))
			same = first[i] == last[i]
		} else {
			set.addRange(0x80, 0xBF)
		}
		w = append(w, set)
	}
	return w
}
