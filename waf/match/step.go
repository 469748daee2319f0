// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp/syntax"
	"slices"
)

// position is where the automaton stands between two bytes.
type position struct {
	insts []uint32 // InstRune and InstEmptyWidth only, ascending
	prev  kind     // of the rune before; kindOther when no instruction asks
	node  int32    // in the decoder; 0 between runes
}

// dead says that nothing can match from here on.
func (p position) dead() bool { return len(p.insts) == 0 }

// machine steps a prog. One that is not anchored looks for matches from
// everywhere; an anchored one only from where it was started.
type machine struct {
	prog     *prog
	anchored bool
	back     *backEdges // of one that goes back, nil of others
}

// work is the memory of steps. What a step returns lies in it and is gone with
// the next step but one.
type work struct {
	closed, next sparse
	stack        []uint32
	insts        [2][]uint32
	turn         int
	matched      bool // a match was seen since it was last cleared
	key          []byte
	read         int // bytes that the last search read
}

// sparse is a set of instructions.
type sparse struct {
	dense, index []uint32
}

func (s *sparse) reset(n int) {
	if len(s.index) < n {
		s.index = make([]uint32, n)
		s.dense = make([]uint32, 0, n)
	}
	s.dense = s.dense[:0]
}

func (s *sparse) add(v uint32) bool {
	if i := s.index[v]; int(i) < len(s.dense) && s.dense[i] == v {
		return false
	}
	s.index[v] = uint32(len(s.dense))
	s.dense = append(s.dense, v)
	return true
}

// start is the position before the first byte, or after a rune of kind prev.
func (m machine) start(w *work, prev kind) position { return m.startAt(w, m.prog.start, prev) }

// startAt is the position at an instruction after a rune of kind prev.
// Of a machine that goes back it is the kind of the rune after that place.
func (m machine) startAt(w *work, entry uint32, prev kind) position {
	w.next.reset(len(m.prog.insts))
	if m.back != nil {
		w.next.add(entry)
		return m.settleBack(w, prev)
	}
	m.close(w, &w.next, entry, 0)
	return m.settle(w, prev)
}

// step is the position after byte b. It sets w.matched when there is
// a match before b or up to and with it.
func (m machine) step(w *work, at position, b byte) position {
	if m.back != nil {
		return m.stepBack(w, at, b)
	}
	d := &m.prog.decoder
	if at.node != 0 {
		to := broken
		if b&0xC0 == 0x80 {
			to = d.nodes[at.node].next[b&0x3F]
		}
		if to > 0 {
			at.node = to
			return at
		}
		if to < 0 {
			return m.stepRune(w, at, uint16(^to))
		}
		at = m.abandon(w, at)
	}
	if to := d.root[b]; to > 0 {
		at.node = to
		return at
	} else {
		return m.stepRune(w, at, uint16(^to))
	}
}

// abandon reads the bytes of an encoding that was broken off as runes U+FFFD.
func (m machine) abandon(w *work, at position) position {
	for n := m.prog.decoder.nodes[at.node].depth; n > 0; n-- {
		at = m.stepRune(w, at, m.prog.invalid)
	}
	return at
}

func (m machine) stepRune(w *work, at position, class uint16) position {
	next := m.prog.kinds[class]
	m.assert(w, at, next)
	w.next.reset(len(m.prog.insts))
	for _, i := range w.closed.dense {
		if in := &m.prog.insts[i]; in.op == syntax.InstRune && in.takes(class) {
			m.close(w, &w.next, in.out, 0)
		}
	}
	if !m.anchored {
		m.close(w, &w.next, m.prog.start, 0)
	}
	return m.settle(w, next)
}

// finish sets w.matched when there is a match if the text ends here.
func (m machine) finish(w *work, at position) {
	if m.back != nil {
		m.closeBack(w, at, kindEdge)
		return
	}
	if at.node != 0 {
		at = m.abandon(w, at)
	}
	m.assert(w, at, kindEdge)
}

// assert fills w.closed with what can be reached from the position when the
// next rune is of this kind.
func (m machine) assert(w *work, at position, next kind) {
	w.closed.reset(len(m.prog.insts))
	met := metBetween(at.prev, next)
	for _, i := range at.insts {
		if in := &m.prog.insts[i]; in.op == syntax.InstEmptyWidth {
			if syntax.EmptyOp(in.arg)&^met == 0 {
				m.close(w, &w.closed, in.out, met)
			}
		} else {
			w.closed.add(i)
		}
	}
}

func metBetween(prev, next kind) (met syntax.EmptyOp) {
	if prev == kindEdge {
		met |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	} else if prev == kindNewline {
		met |= syntax.EmptyBeginLine
	}
	if next == kindEdge {
		met |= syntax.EmptyEndText | syntax.EmptyEndLine
	} else if next == kindNewline {
		met |= syntax.EmptyEndLine
	}
	if (prev == kindWord) != (next == kindWord) {
		return met | syntax.EmptyWordBoundary
	}
	return met | syntax.EmptyNoWordBoundary
}

// close adds what is reached from an instruction without a rune, through
// assertions only when met holds them.
func (m machine) close(w *work, to *sparse, from uint32, met syntax.EmptyOp) {
	w.stack = append(w.stack[:0], from)
	for len(w.stack) > 0 {
		i := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if !to.add(i) {
			continue
		}
		switch in := &m.prog.insts[i]; in.op {
		case syntax.InstAlt:
			w.stack = append(w.stack, in.arg, in.out)
		case syntax.InstNop:
			w.stack = append(w.stack, in.out)
		case syntax.InstEmptyWidth:
			if met != 0 && syntax.EmptyOp(in.arg)&^met == 0 {
				w.stack = append(w.stack, in.out)
			}
		case syntax.InstMatch:
			w.matched = true
		}
	}
}

// settle makes the position of w.next after a rune of kind prev.
func (m machine) settle(w *work, prev kind) position {
	w.turn = 1 - w.turn
	insts := w.insts[w.turn][:0]
	var asked syntax.EmptyOp
	for _, i := range w.next.dense {
		switch in := &m.prog.insts[i]; in.op {
		case syntax.InstEmptyWidth:
			if prev != kindEdge && syntax.EmptyOp(in.arg)&syntax.EmptyBeginText != 0 {
				continue // never again
			}
			asked |= in.asks
			insts = append(insts, i)
		case syntax.InstRune:
			insts = append(insts, i)
		}
	}
	slices.Sort(insts)
	w.insts[w.turn] = insts
	return position{insts: insts, prev: relevant(prev, asked)}
}

// relevant forgets of the rune before what no assertion asks, so that fewer
// positions differ.
func relevant(prev kind, asked syntax.EmptyOp) kind {
	const words = syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	switch {
	case prev == kindWord && asked&words == 0,
		prev == kindNewline && asked&syntax.EmptyBeginLine == 0,
		prev == kindEdge && asked&(syntax.EmptyBeginLine|syntax.EmptyBeginText) == 0:
		return kindOther
	}
	return prev
}
