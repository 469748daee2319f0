// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"regexp/syntax"
	"testing"
	"unicode/utf8"
)

// generator makes texts that match an expression, nearly always: assertions are
// taken to hold.
type generator struct {
	rnd    *rand.Rand
	binary bool
	out    []byte
}

func generate(t testing.TB, p Pattern, rnd *rand.Rand) string {
	t.Helper()
	if p.Phrases != nil {
		return p.Phrases[rnd.IntN(len(p.Phrases))]
	}
	re, err := syntax.Parse(p.Expr, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	g := generator{rnd: rnd, binary: p.Binary}
	g.walk(re)
	return string(g.out)
}

func (g *generator) walk(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 {
				for n := g.rnd.IntN(4); n > 0; n-- {
					r = nextFold(r)
				}
			}
			g.put(r)
		}
	case syntax.OpCharClass:
		i := g.rnd.IntN(len(re.Rune)/2) * 2
		low, high := re.Rune[i], re.Rune[i+1]
		switch span := high - low + 1; {
		case span > 128 && g.rnd.IntN(8) > 0:
			low, high = max(low, ' '), max(low, min(high, '~'))
			fallthrough
		default:
			g.put(low + g.rnd.Int32N(high-low+1))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		if g.rnd.IntN(12) == 0 {
			g.out = append(g.out, byte(g.rnd.IntN(256)))
		} else {
			g.put(' ' + g.rnd.Int32N(95))
		}
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			g.walk(sub)
		}
	case syntax.OpAlternate:
		g.walk(re.Sub[g.rnd.IntN(len(re.Sub))])
	case syntax.OpStar:
		g.times(re.Sub[0], 0, 3)
	case syntax.OpPlus:
		g.times(re.Sub[0], 1, 3)
	case syntax.OpQuest:
		g.times(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 || most > re.Min+5 {
			most = re.Min + 3
		}
		g.times(re.Sub[0], re.Min, most)
	}
}

func (g *generator) times(re *syntax.Regexp, least, most int) {
	for n := least + g.rnd.IntN(most-least+1); n > 0; n-- {
		g.walk(re)
	}
}

func (g *generator) put(r rune) {
	if g.binary {
		g.out = append(g.out, byte(r))
	} else {
		g.out = utf8.AppendRune(g.out, r)
	}
}

func nextFold(r rune) rune {
	re := runeRanges(r, true)
	if len(re) > 2 {
		return re[2]
	}
	return r
}

var spices = []string{
	" ", "\n", "\x00", "'", "\"", "a", "Z", "_", "0", "é", "ſ", "\u212a", "😀", "\ufffd",
	"\xff", "\xc3", "\xe2\x82", "\x80", "\xed\xa0\x80", "\xf0\x9f\x98", "\xc0\xaf", "select", "://", "${",
}

// mutate changes a text a little, so that it may or may not match any more.
func mutate(s string, rnd *rand.Rand) string {
	b := []byte(s)
	for n := rnd.IntN(4); n >= 0; n-- {
		at := rnd.IntN(len(b) + 1)
		switch spice := spices[rnd.IntN(len(spices))]; rnd.IntN(6) {
		case 0: // cut
			if rnd.IntN(2) == 0 {
				b = b[:at]
			} else {
				b = b[at:]
			}
		case 1: // drop one
			if at < len(b) {
				b = append(b[:at:at], b[at+1:]...)
			}
		case 2: // replace one
			if at < len(b) {
				b[at] = byte(rnd.IntN(256))
			}
		case 3: // change case
			if at < len(b) {
				b[at] ^= 0x20
			}
		default: // put something in
			b = append(b[:at:at], append([]byte(spice), b[at:]...)...)
		}
	}
	return string(b)
}
