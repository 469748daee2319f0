// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"regexp/syntax"
	"slices"
	"unicode"

	"durward"
	"durward/waf/match"
	"durward/waf/transform"
)

// texts is a set of values that holds all that a value can be at one step of a
// rule: as a list, or as what is known of each of them.
type texts struct {
	listed bool
	list   []string

	bytes transform.ByteSet // that they are made of
	exprs []string          // that each of them matches
	most  int               // bytes of the longest; -1 for no bound
}

// alphabetPositions bounds the analysis of an expression.
const alphabetPositions = 4000

// textsOf gives the set of a language.
func textsOf(l *durward.Language) texts {
	if l.Texts != nil {
		return texts{listed: true, list: l.Texts}
	}
	v := texts{bytes: transform.Everything(), most: -1}
	if l.Most > 0 {
		v.most = l.Most
	}
	for _, expr := range l.Exprs {
		of, err := match.Alphabet(match.Pattern{Expr: expr}, alphabetPositions)
		if err != nil {
			continue
		}
		var bytes transform.ByteSet
		for b, ok := range of {
			if ok {
				bytes.Add(byte(b))
			}
		}
		v.bytes = v.bytes.Without(transform.Everything().Without(bytes))
		if bytes != transform.Everything() { // else it is open, and would only cost time
			v.exprs = append(v.exprs, expr)
		}
	}
	return v
}

// after gives the set behind a transformation. Under multiMatch a value goes on
// as it was where Coraza does not report its change.
func (v *texts) after(t transform.T, multi bool) texts {
	if v.listed {
		out := texts{listed: true}
		for _, s := range v.list {
			changed, reported := t.ApplyReported(nil, []byte(s))
			out.list = append(out.list, string(changed))
			if multi && !reported && string(changed) != s {
				out.list = append(out.list, s)
			}
		}
		return out
	}
	if !t.Touches(&v.bytes) {
		return *v
	}
	out := texts{bytes: t.Image(v.bytes), most: v.most}
	if t.Lengthens(&v.bytes) {
		out.most = -1
	}
	if becomes := v.oneForOne(t); becomes != nil {
		for _, expr := range v.exprs {
			if wider, ok := widened(expr, becomes); ok {
				out.exprs = append(out.exprs, wider)
			}
		}
	}
	if multi {
		out.bytes = out.bytes.Union(v.bytes) // what is widened holds them too
	}
	return out
}

var cmdSyntax = transform.Bytes("\"'\\^ ,;\t\r\n")

// oneForOne gives, for a transformation that on these values only puts one
// character in the place of another, what it may put there.
func (v *texts) oneForOne(t transform.T) func(rune) rune {
	if !v.bytes.ASCII() {
		return nil
	}
	switch t.String() {
	case "lowercase", "uppercase":
		return otherCase
	case "cmdline":
		if !v.bytes.Intersects(&cmdSyntax) {
			return otherCase
		}
	case "urldecode", "urldecodeuni":
		if !v.bytes.Has('%') {
			return func(c rune) rune {
				if c == '+' {
					return ' '
				}
				return c
			}
		}
	}
	return nil
}

func otherCase(c rune) rune {
	if 'a' <= c|0x20 && c|0x20 <= 'z' {
		return c ^ 0x20
	}
	return c
}

// widened gives an expression for the texts of expr and for all that become of
// them when some of their characters of ASCII become others. The flag i would
// not do for changes of case: it takes from [^A] both cases.
func widened(expr string, becomes func(rune) rune) (string, bool) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", false
	}
	widen(re, becomes)
	return re.String(), true
}

func widen(re *syntax.Regexp, becomes func(rune) rune) {
	for _, sub := range re.Sub {
		widen(sub, becomes)
	}
	switch re.Op {
	case syntax.OpLiteral:
		var classes []*syntax.Regexp
		for _, c := range re.Rune {
			class := []rune{c, c}
			if re.Flags&syntax.FoldCase != 0 {
				class = orbit(c)
			}
			classes = append(classes, &syntax.Regexp{Op: syntax.OpCharClass, Rune: widerClass(class, becomes)})
		}
		*re = syntax.Regexp{Op: syntax.OpConcat, Sub: classes}
	case syntax.OpCharClass:
		re.Rune = widerClass(re.Rune, becomes)
	}
}

// orbit is a character and all that the flag i takes for it, as ranges.
func orbit(c rune) (ranges []rune) {
	all := []rune{c}
	for r := unicode.SimpleFold(c); r != c; r = unicode.SimpleFold(r) {
		all = append(all, r)
	}
	slices.Sort(all)
	for _, r := range all {
		ranges = append(ranges, r, r)
	}
	return ranges
}

// widerClass adds to ranges of characters what those of ASCII become.
func widerClass(ranges []rune, becomes func(rune) rune) []rune {
	var in [128]bool
	for i := 0; i+1 < len(ranges); i += 2 {
		for c := ranges[i]; c <= min(ranges[i+1], 127); c++ {
			in[c], in[becomes(c)] = true, true
		}
	}
	var out []rune
	for c := range rune(128) {
		switch {
		case !in[c]:
		case len(out) > 0 && out[len(out)-1] == c-1:
			out[len(out)-1] = c
		default:
			out = append(out, c, c)
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		low := max(ranges[i], 128)
		switch {
		case ranges[i+1] <= 127:
		case low == 128 && len(out) > 0 && out[len(out)-1] == 127: // ranges must not touch
			out[len(out)-1] = ranges[i+1]
		default:
			out = append(out, low, ranges[i+1])
		}
	}
	return out
}
