// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// pattern is one of ECMA-262, as far as it can be read.
type pattern struct {
	main *regexp.Regexp
	tree *syntax.Regexp
	// must and not are the lookaheads at the beginning.
	must, not []*regexp.Regexp
}

const maxPatterns = 4096

var (
	patternsLock sync.Mutex
	patterns     = map[string]*pattern{} // nil for one that cannot be read
)

// compile reads a pattern; nil where it cannot.
func compile(text string) *pattern {
	patternsLock.Lock()
	defer patternsLock.Unlock()
	p, known := patterns[text]
	if !known {
		p = newPattern(text)
		if len(patterns) < maxPatterns {
			patterns[text] = p
		}
	}
	return p
}

func newPattern(text string) *pattern {
	if len(text) > 4096 {
		return nil
	}
	p := &pattern{}
	rest := text
	if len(rest) > 1 && rest[0] == '/' && rest[len(rest)-1] == '/' { // as in JavaScript's source
		rest = rest[1 : len(rest)-1]
	}
	anchor := ""
	if strings.HasPrefix(rest, "^") {
		anchor, rest = "^", rest[1:]
	}
	for strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") {
		end := closing(rest)
		if end < 0 {
			return nil
		}
		ahead, err := regexp.Compile(anchor + "(?:" + translate(rest[3:end]) + ")")
		if err != nil {
			return nil
		}
		if rest[2] == '=' {
			p.must = append(p.must, ahead)
		} else {
			p.not = append(p.not, ahead)
		}
		rest = rest[end+1:]
	}
	var err error
	if p.main, err = regexp.Compile(anchor + translate(rest)); err != nil {
		return nil
	}
	if p.tree, err = syntax.Parse(anchor+translate(rest), syntax.Perl); err != nil {
		return nil
	}
	return p
}

var ecma = regexp.MustCompile(`\\u\{?([0-9a-fA-F]{4,6})\}?|\\/|\\Z`)

// translate writes what ECMA-262 writes in another way.
func translate(s string) string {
	return ecma.ReplaceAllStringFunc(s, func(m string) string {
		switch m[1] {
		case '/':
			return "/"
		case 'Z':
			return "$"
		}
		return `\x{` + strings.Trim(m[2:], "{}") + "}"
	})
}

// closing is where the group ends that a text begins with.
func closing(s string) int {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (p *pattern) match(s string) bool {
	if !p.main.MatchString(s) {
		return false
	}
	for _, must := range p.must {
		if !must.MatchString(s) {
			return false
		}
	}
	for _, not := range p.not {
		if not.MatchString(s) {
			return false
		}
	}
	return true
}

// anchoredEnd tells that nothing may follow what the pattern describes.
func (p *pattern) anchoredEnd() bool { return ends(p.tree, syntax.OpEndText) }

func ends(t *syntax.Regexp, op syntax.Op) bool {
	switch t.Op {
	case op, syntax.OpEndLine:
		return true
	case syntax.OpConcat:
		return len(t.Sub) > 0 && ends(t.Sub[len(t.Sub)-1], op)
	case syntax.OpCapture:
		return ends(t.Sub[0], op)
	case syntax.OpAlternate:
		for _, sub := range t.Sub {
			if ends(sub, op) {
				return true
			}
		}
	}
	return false
}

const maxText = 100_000 // bytes of one text made from a pattern

// make writes a text of the pattern; repetitions occur up to more times than
// they have to.
func (p *pattern) make(r *rand.Rand, more int) string {
	var out strings.Builder
	write(r, p.tree, more, &out)
	return out.String()
}

func write(r *rand.Rand, t *syntax.Regexp, more int, out *strings.Builder) {
	if out.Len() > maxText {
		return
	}
	switch t.Op {
	case syntax.OpLiteral:
		for _, c := range t.Rune {
			out.WriteRune(c)
		}
	case syntax.OpCharClass:
		out.WriteRune(pick(r, t.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteByte(letters[r.IntN(len(letters))])
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range t.Sub {
			write(r, sub, more, out)
		}
	case syntax.OpAlternate:
		write(r, t.Sub[r.IntN(len(t.Sub))], more, out)
	case syntax.OpStar:
		repeat(r, t.Sub[0], 0, -1, more, out)
	case syntax.OpPlus:
		repeat(r, t.Sub[0], 1, -1, more, out)
	case syntax.OpQuest:
		repeat(r, t.Sub[0], 0, 1, more, out)
	case syntax.OpRepeat:
		repeat(r, t.Sub[0], t.Min, t.Max, more, out)
	}
}

func repeat(r *rand.Rand, t *syntax.Regexp, least, most, more int, out *strings.Builder) {
	if most < 0 || most > least+more {
		most = least + more
	}
	for range least + r.IntN(most-least+1) {
		write(r, t, more, out)
	}
}

const letters = "abcdefghijklmnopqrstuvwxyz"

// pick takes a character of a class, plain ones first.
func pick(r *rand.Rand, class []rune) rune {
	for _, plain := range [][][2]rune{{{'a', 'z'}, {'A', 'Z'}, {'0', '9'}}, {{'!', '~'}}, {{' ', 0x10ffff}}} {
		var both [][2]rune
		total := 0
		for i := 0; i+1 < len(class); i += 2 {
			for _, p := range plain {
				low, high := max(class[i], p[0]), min(class[i+1], p[1])
				if low <= high {
					both = append(both, [2]rune{low, high})
					total += int(high-low) + 1
				}
			}
		}
		if total == 0 {
			continue
		}
		n := r.IntN(total)
		for _, b := range both {
			if size := int(b[1]-b[0]) + 1; n >= size {
				n -= size
			} else {
				return b[0] + rune(n)
			}
		}
	}
	if len(class) > 0 {
		return class[0]
	}
	return 'a'
}
