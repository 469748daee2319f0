// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// backEdges are a prog's edges by where they lead to.
type backEdges struct {
	empty [][]uint32 // instructions that consume nothing
	runes [][]uint32 // InstRune
}

func newBackEdges(p *prog) *backEdges {
	e := &backEdges{empty: make([][]uint32, len(p.insts)), runes: make([][]uint32, len(p.insts))}
	for i := range p.insts {
		switch in, from := &p.insts[i], uint32(i); in.op {
		case syntax.InstAlt:
			e.empty[in.out] = append(e.empty[in.out], from)
			e.empty[in.arg] = append(e.empty[in.arg], from)
		case syntax.InstNop, syntax.InstEmptyWidth:
			e.empty[in.out] = append(e.empty[in.out], from)
		case syntax.InstRune:
			e.runes[in.out] = append(e.runes[in.out], from)
		}
	}
	return e
}

// A machine that goes back tells whether the beginning of a match can end where
// it is started: it reads the text before that place from its end. Positions
// hold the instructions to be reached there, and the kind of the rune after.

// stepBack is the position before byte b. It sets w.matched when a match may
// begin after b. Where runes are not bytes it says so of all that is not ASCII.
func (m machine) stepBack(w *work, at position, b byte) position {
	if b >= utf8.RuneSelf && !m.prog.binary {
		w.matched = true
		return at
	}
	class := uint16(^m.prog.decoder.root[b])
	prev := m.prog.kinds[class]
	m.closeBack(w, at, prev)
	w.next.reset(len(m.prog.insts))
	for _, to := range w.closed.dense {
		for _, i := range m.back.runes[to] {
			if m.prog.insts[i].takes(class) {
				w.next.add(i)
			}
		}
	}
	return m.settleBack(w, prev)
}

// settleBack makes the position of w.next before a rune of kind next.
func (m machine) settleBack(w *work, next kind) position {
	w.turn = 1 - w.turn
	insts := append(w.insts[w.turn][:0], w.next.dense...)
	slices.Sort(insts)
	w.insts[w.turn] = insts
	if !m.prog.asks {
		next = kindOther
	}
	return position{insts: insts, prev: next}
}

// closeBack fills w.closed with what leads to the position without a rune, after
// one of kind prev.
func (m machine) closeBack(w *work, at position, prev kind) {
	w.closed.reset(len(m.prog.insts))
	met := metBetween(prev, at.prev)
	w.stack = append(w.stack[:0], at.insts...)
	for len(w.stack) > 0 {
		to := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if !w.closed.add(to) {
			continue
		}
		if to == m.prog.start {
			w.matched = true
			return
		}
		for _, i := range m.back.empty[to] {
			if in := &m.prog.insts[i]; in.op != syntax.InstEmptyWidth || syntax.EmptyOp(in.arg)&^met == 0 {
				w.stack = append(w.stack, i)
			}
		}
	}
}
