// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"errors"
	"regexp/syntax"
	"unicode"
)

// maxInsts bounds the size of one automaton. The parser's own bound on repeated
// sizes keeps sane expressions far below.
const maxInsts = 100_000

var errTooLarge = errors.New("expression too large")

// cut is a place in an expression that every match of it passes, and from which
// windows can therefore be taken.
type cut struct {
	entry uint32 // the instruction at the place
	// within are cuts of parts: one of them may be taken instead. With every
	// set they are those of alternatives, and all must be taken together.
	within []*cut
	every  bool
}

// compiler turns an expression into instructions from its end to its beginning.
type compiler struct {
	insts  []inst
	ranges [][]rune // the runes of each instruction, nil when it consumes nothing
}

func compileProg(re *syntax.Regexp, binary bool) (*prog, *cut, error) {
	c := &compiler{}
	end := c.add(inst{op: syntax.InstMatch}, nil)
	start, places := c.compile(re, end)
	if len(c.insts) > maxInsts {
		return nil, nil, errTooLarge
	}
	p := &prog{insts: c.insts, start: start, binary: binary}
	p.askAhead()
	p.classify(c.ranges)
	p.decoder.build(p)
	p.mergeBytes()
	return p, places, nil
}

func (c *compiler) add(in inst, ranges []rune) uint32 {
	c.insts = append(c.insts, in)
	c.ranges = append(c.ranges, ranges)
	return uint32(len(c.insts) - 1)
}

// compile adds the instructions of re, after which next follows, and gives the
// first of them.
func (c *compiler) compile(re *syntax.Regexp, next uint32) (uint32, *cut) {
	if len(c.insts) > maxInsts {
		return next, &cut{entry: next}
	}
	switch re.Op {
	case syntax.OpConcat:
		return c.concat(re.Sub, next)
	case syntax.OpAlternate:
		return c.alternate(re.Sub, next)
	case syntax.OpLiteral:
		return c.literal(re, next)
	case syntax.OpCapture:
		return c.compile(re.Sub[0], next)
	case syntax.OpPlus:
		loop := c.add(inst{op: syntax.InstAlt, arg: next}, nil)
		body, within := c.compile(re.Sub[0], loop)
		c.insts[loop].out = body
		return body, within
	}
	at := c.simple(re, next)
	return at, &cut{entry: at}
}

// simple compiles what has no cuts within.
func (c *compiler) simple(re *syntax.Regexp, next uint32) uint32 {
	switch re.Op {
	case syntax.OpStar:
		loop := c.add(inst{op: syntax.InstAlt, arg: next}, nil)
		body, _ := c.compile(re.Sub[0], loop)
		c.insts[loop].out = body
		return loop
	case syntax.OpQuest:
		body, _ := c.compile(re.Sub[0], next)
		return c.add(inst{op: syntax.InstAlt, out: body, arg: next}, nil)
	case syntax.OpCharClass:
		return c.runes(re.Rune, next)
	case syntax.OpAnyChar:
		return c.runes([]rune{0, unicode.MaxRune}, next)
	case syntax.OpAnyCharNotNL:
		return c.runes([]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}, next)
	case syntax.OpEmptyMatch:
		return next
	}
	if assertion, ok := assertions[re.Op]; ok {
		return c.add(inst{op: syntax.InstEmptyWidth, arg: uint32(assertion), out: next}, nil)
	}
	return c.add(inst{op: syntax.InstFail}, nil)
}

var assertions = map[syntax.Op]syntax.EmptyOp{
	syntax.OpBeginLine:      syntax.EmptyBeginLine,
	syntax.OpEndLine:        syntax.EmptyEndLine,
	syntax.OpBeginText:      syntax.EmptyBeginText,
	syntax.OpEndText:        syntax.EmptyEndText,
	syntax.OpWordBoundary:   syntax.EmptyWordBoundary,
	syntax.OpNoWordBoundary: syntax.EmptyNoWordBoundary,
}

func (c *compiler) runes(ranges []rune, next uint32) uint32 {
	if len(ranges) == 0 {
		return c.add(inst{op: syntax.InstFail}, nil)
	}
	return c.add(inst{op: syntax.InstRune, out: next}, ranges)
}

func (c *compiler) literal(re *syntax.Regexp, next uint32) (uint32, *cut) {
	all := &cut{entry: next}
	for i := len(re.Rune) - 1; i >= 0; i-- {
		next = c.runes(runeRanges(re.Rune[i], re.Flags&syntax.FoldCase != 0), next)
		all.entry = next
		all.within = append(all.within, &cut{entry: next})
	}
	return next, all
}

// runeRanges is a rune and, when cases are folded, all those that stand for it,
// as pairs.
func runeRanges(r rune, fold bool) []rune {
	out := []rune{r, r}
	if fold {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			out = append(out, f, f)
		}
	}
	return out
}

func (c *compiler) concat(subs []*syntax.Regexp, next uint32) (uint32, *cut) {
	all := &cut{entry: next}
	for i := len(subs) - 1; i >= 0; i-- {
		var within *cut
		next, within = c.compile(subs[i], next)
		all.entry = next
		all.within = append(all.within, within)
	}
	return next, all
}

func (c *compiler) alternate(subs []*syntax.Regexp, next uint32) (uint32, *cut) {
	all := &cut{every: true}
	at, first := uint32(0), true
	for i := len(subs) - 1; i >= 0; i-- {
		entry, within := c.compile(subs[i], next)
		all.within = append(all.within, within)
		if first {
			at, first = entry, false
			continue
		}
		at = c.add(inst{op: syntax.InstAlt, out: entry, arg: at}, nil)
	}
	all.entry = at
	return at, all
}
