// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "regexp/syntax"

// parse reads the expression of a pattern. Binary expressions have the same
// syntax: only what a rune of them stands for differs.
func parse(expr string) (*syntax.Regexp, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return re.Simplify(), nil
}

// searchOnly drops what makes no difference to whether the expression occurs
// anywhere: captures, and what may be empty at either end.
func searchOnly(re *syntax.Regexp) *syntax.Regexp {
	return trim(trim(uncapture(re), last), first)
}

func uncapture(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if len(re.Sub) == 0 {
		return re
	}
	out := *re
	out.Sub = make([]*syntax.Regexp, len(re.Sub))
	for i, sub := range re.Sub {
		out.Sub[i] = uncapture(sub)
	}
	return &out
}

// An end is the side of an expression that trim works on.
type end bool

const (
	first end = false
	last  end = true
)

// trim reduces a repetition at one end of the expression to the least number
// of times that it must occur.
func trim(re *syntax.Regexp, side end) *syntax.Regexp {
	switch re.Op {
	case syntax.OpStar, syntax.OpQuest:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	case syntax.OpPlus:
		return trim(re.Sub[0], side)
	case syntax.OpConcat:
		return trimConcat(re, side)
	case syntax.OpAlternate:
		out := &syntax.Regexp{Op: syntax.OpAlternate, Flags: re.Flags}
		for _, sub := range re.Sub {
			if sub = trim(sub, side); sub.Op == syntax.OpEmptyMatch {
				return sub
			}
			out.Sub = append(out.Sub, sub)
		}
		return out
	}
	return re
}

func trimConcat(re *syntax.Regexp, side end) *syntax.Regexp {
	subs := append([]*syntax.Regexp(nil), re.Sub...)
	for len(subs) > 0 {
		if n := len(subs); n >= 2 {
			edge, next := subs[0], subs[1]
			if side == last {
				edge, next = subs[n-1], subs[n-2]
			}
			if kept, ok := fromEdge(edge, next, side); ok {
				if side == last {
					subs = append(subs[:n-2], kept)
				} else {
					subs = append([]*syntax.Regexp{kept}, subs[2:]...)
				}
				continue
			}
		}
		at := 0
		if side == last {
			at = len(subs) - 1
		}
		subs[at] = trim(subs[at], side)
		if subs[at].Op != syntax.OpEmptyMatch {
			break
		}
		subs = append(subs[:at], subs[at+1:]...)
	}
	switch len(subs) {
	case 0:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	case 1:
		return subs[0]
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs, Flags: re.Flags}
}

// fromEdge reduces "^.*" at the beginning and ".*$" at the end: the edge of the
// text, or of the line when "." stops there, can always be reached.
func fromEdge(edge, next *syntax.Regexp, side end) (*syntax.Regexp, bool) {
	line, text := syntax.OpBeginLine, syntax.OpBeginText
	if side == last {
		line, text = syntax.OpEndLine, syntax.OpEndText
	}
	if edge.Op != line && edge.Op != text || next.Op != syntax.OpStar && next.Op != syntax.OpPlus {
		return nil, false
	}
	each := next.Sub[0]
	if each.Op != syntax.OpAnyChar && (each.Op != syntax.OpAnyCharNotNL || edge.Op != line) {
		return nil, false
	}
	if next.Op == syntax.OpPlus {
		return each, true
	}
	return &syntax.Regexp{Op: syntax.OpEmptyMatch}, true
}
