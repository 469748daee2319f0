// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// prog is a nondeterministic automaton over classes of runes, with the tables
// that tell the classes from bytes.
type prog struct {
	insts  []inst
	start  uint32
	binary bool
	asks   bool // there are assertions

	lows      []rune   // first runes of the intervals that make up all runes, ascending
	lowClass  []uint16 // the class of each interval
	kinds     []kind   // of each class
	invalid   uint16   // the class of U+FFFD, for a byte that is not UTF-8
	decoder   decoder
	byteClass [256]uint8 // bytes that no state can tell apart
	byteReps  []byte     // one byte for each such class
}

// inst is one instruction, after regexp/syntax: op is one of InstRune, InstAlt,
// InstEmptyWidth, InstMatch, InstFail, InstNop.
type inst struct {
	op       syntax.InstOp
	out, arg uint32
	accepts  []uint64       // InstRune: bitset of classes
	asks     syntax.EmptyOp // InstEmptyWidth: the assertions met from here before the next rune
}

// kind is what assertions ask of a rune.
type kind uint8

const (
	kindOther kind = iota
	kindWord
	kindNewline
	kindEdge // the beginning or end of the text

	kinds = 4
)

// askAhead finds for each assertion those behind it, which look at the same
// pair of runes.
func (p *prog) askAhead() {
	var seen sparse
	var stack []uint32
	for i := range p.insts {
		in := &p.insts[i]
		if in.op != syntax.InstEmptyWidth {
			continue
		}
		p.asks = true
		seen.reset(len(p.insts))
		for stack = append(stack[:0], uint32(i)); len(stack) > 0; {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if !seen.add(at) {
				continue
			}
			switch next := &p.insts[at]; next.op {
			case syntax.InstAlt:
				stack = append(stack, next.arg, next.out)
			case syntax.InstNop:
				stack = append(stack, next.out)
			case syntax.InstEmptyWidth:
				in.asks |= syntax.EmptyOp(next.arg)
				stack = append(stack, next.out)
			}
		}
	}
}

// classify divides all runes into the classes that the instructions and the
// assertions can tell apart.
func (p *prog) classify(ranges [][]rune) {
	kinds := []rune{'\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, utf8.RuneError, utf8.RuneError + 1}
	cuts := append([]rune{0}, kinds...)
	for _, r := range ranges {
		for i := 0; i+1 < len(r); i += 2 {
			cuts = append(cuts, r[i], r[i+1]+1)
		}
	}
	slices.Sort(cuts)
	p.lows = slices.DeleteFunc(slices.Compact(cuts), func(r rune) bool { return r > unicode.MaxRune })
	distinct, set := distinctRanges(ranges)
	marks := make([][]byte, len(p.lows))
	for i, low := range p.lows {
		marks[i] = append(make([]byte, 0, len(distinct)/8+2), byte(p.kindOf(low)))
		marks[i] = append(marks[i], make([]byte, len(distinct)/8+1)...)
	}
	for d, r := range distinct {
		for i := 0; i+1 < len(r); i += 2 {
			from, _ := slices.BinarySearch(p.lows, r[i])
			for k := from; k < len(p.lows) && p.lows[k] <= r[i+1]; k++ {
				marks[k][1+d/8] |= 1 << (d % 8)
			}
		}
	}
	p.number(marks)
	p.invalid = p.classOf(utf8.RuneError)
	p.fill(distinct, set)
}

// distinctRanges numbers equal lists of ranges once.
func distinctRanges(ranges [][]rune) (distinct [][]rune, set []int) {
	seen := map[string]int{}
	set = make([]int, len(ranges))
	for i, r := range ranges {
		set[i] = -1
		if r == nil {
			continue
		}
		key := string(runeBytes(r))
		n, ok := seen[key]
		if !ok {
			n = len(distinct)
			seen[key] = n
			distinct = append(distinct, r)
		}
		set[i] = n
	}
	return distinct, set
}

func runeBytes(r []rune) []byte {
	b := make([]byte, 0, 4*len(r))
	for _, c := range r {
		b = append(b, byte(c), byte(c>>8), byte(c>>16))
	}
	return b
}

// number gives intervals with equal marks the same class.
func (p *prog) number(marks [][]byte) {
	seen := map[string]uint16{}
	p.lowClass = make([]uint16, len(p.lows))
	for i, m := range marks {
		class, ok := seen[string(m)]
		if !ok {
			class = uint16(len(p.kinds))
			seen[string(m)] = class
			p.kinds = append(p.kinds, kind(m[0]))
		}
		p.lowClass[i] = class
	}
}

func (p *prog) fill(distinct [][]rune, set []int) {
	accepts := make([][]uint64, len(distinct))
	for d, r := range distinct {
		accepts[d] = make([]uint64, (len(p.kinds)+63)/64)
		for i := 0; i+1 < len(r); i += 2 {
			from, _ := slices.BinarySearch(p.lows, r[i])
			for k := from; k < len(p.lows) && p.lows[k] <= r[i+1]; k++ {
				accepts[d][p.lowClass[k]/64] |= 1 << (p.lowClass[k] % 64)
			}
		}
	}
	for i, d := range set {
		if d >= 0 {
			p.insts[i].accepts = accepts[d]
		}
	}
}

func (p *prog) kindOf(r rune) kind {
	switch {
	case r == '\n':
		return kindNewline
	case syntax.IsWordChar(r):
		return kindWord
	}
	return kindOther
}

func (p *prog) classOf(r rune) uint16 {
	i, ok := slices.BinarySearch(p.lows, r)
	if !ok {
		i--
	}
	return p.lowClass[i]
}

func (in *inst) takes(class uint16) bool {
	return in.accepts[class/64]&(1<<(class%64)) != 0
}
