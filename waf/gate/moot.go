// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"slices"
	"strings"

	"durward"
	"durward/waf/match"
	"durward/waf/transform"
)

// analyst finds out which conditions values of a language cannot meet.
type analyst struct {
	b        builder // for sets of single patterns
	analysis match.Analysis
	scratch  match.Scratch
}

// analysisBudget bounds one narrowing to some ten seconds of processor time.
const analysisBudget = 50_000_000

func (g *Gate) analyst() analyst {
	return analyst{
		b:        builder{marks: &g.marks, opt: match.Options{Cache: g.cache}, sets: map[string]*match.Set{}},
		analysis: match.Analysis{Cache: g.cache, Budget: analysisBudget},
	}
}

// moot tells that it is proven that no text of any of the languages meets the
// condition of a rule's first link. What is not understood is not moot.
func (a *analyst) moot(sets []texts, l *link) bool {
	for i := range sets {
		if !a.mootFor(&sets[i], l) {
			return false
		}
	}
	return len(sets) > 0
}

// lively lists the rules that values of the languages can match with their first
// condition.
func (a *analyst) lively(languages []durward.Language, rules []*rule) (live []*rule) {
	sets := make([]texts, len(languages))
	for i := range languages {
		sets[i] = textsOf(&languages[i])
	}
	for _, r := range rules {
		if !a.moot(sets, &r.links[0]) {
			live = append(live, r)
		}
	}
	return live
}

func (a *analyst) mootFor(v *texts, l *link) bool {
	if l.open != "" || l.source.Operator == nil || l.op.macro != nil || l.op.unknown != "" || l.op.always {
		return false
	}
	if l.multi && !a.impossible(v, &l.op) {
		return false
	}
	for i, t := range l.transforms {
		next := v.after(t, l.multi)
		v = &next
		if (l.multi || i == len(l.transforms)-1) && !a.impossible(v, &l.op) {
			return false
		}
	}
	return l.multi || len(l.transforms) > 0 || a.impossible(v, &l.op)
}

// impossible tells that no value of the set satisfies the operator.
func (a *analyst) impossible(v *texts, op *operator) bool {
	if v.listed {
		for _, s := range v.list {
			if a.holds(op, s) {
				return false
			}
		}
		return true
	}
	if op.negated || op.whole {
		return false
	}
	switch op.name {
	case "rx", "pm", "pmfromfile", "pmf", "pmfromdataset":
		return a.never(v, op.pattern)
	case "contains", "strmatch", "beginswith", "endswith", "streq":
		return op.text != "" && (!v.writes(op.text) || v.most >= 0 && len(op.text) > v.most)
	case "detectsqli":
		return a.harmless(v)
	case "detectxss":
		return !v.bytes.Intersects(&markup)
	case "validatebyterange":
		return !v.bytes.Intersects(&op.invalid)
	case "validateurlencoding":
		return !v.bytes.Has('%')
	case "validateutf8encoding":
		return v.bytes.ASCII()
	case "nomatch":
		return true
	}
	return false
}

// holds evaluates an operator whose set may not have been made.
func (a *analyst) holds(op *operator, val string) bool {
	if op.pattern == nil || op.whole {
		return op.holds(&a.scratch, val, op.text)
	}
	switch {
	case op.re != nil:
		return op.re.MatchString(val) != op.negated
	case op.pattern.Phrases != nil:
		low := lowerASCII(val)
		return slices.ContainsFunc(op.pattern.Phrases, func(p string) bool { return strings.Contains(low, lowerASCII(p)) }) != op.negated
	}
	set, err := a.b.set([]*match.Pattern{op.pattern})
	if err != nil {
		return true
	}
	var hits [1]uint64
	return set.Match(&a.scratch, val, hits[:]) != op.negated
}

// lowerASCII leaves what is not ASCII alone.
func lowerASCII(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

// writes tells whether a text can be written with the bytes of the set.
func (v *texts) writes(text string) bool {
	var bytes transform.ByteSet
	bytes.AddAll([]byte(text))
	bytes = bytes.Without(v.bytes)
	return bytes == transform.ByteSet{}
}

// never tells that no value of the set matches a pattern.
func (a *analyst) never(v *texts, p *match.Pattern) bool {
	if v.most >= 0 && a.analysis.Shortest(p) > v.most || a.analysis.CannotMatchWithin(p, v.bytes) {
		return true
	}
	return a.disjoint(v, p)
}

// maxPhrases is the longest list of phrases that is compared to an expression.
const maxPhrases = 256

func (a *analyst) disjoint(v *texts, p *match.Pattern) bool {
	if len(p.Phrases) > maxPhrases {
		return false
	}
	for _, expr := range v.exprs {
		if a.analysis.Disjoint(&match.Pattern{Expr: expr}, p) {
			return true
		}
	}
	return false
}

// harmless tells that every value of the set is one in which libinjection finds
// no SQL.
func (a *analyst) harmless(v *texts) bool {
	for _, expr := range v.exprs {
		for i := range noSQL {
			if a.analysis.Includes(&noSQL[i], &match.Pattern{Expr: expr}) {
				return true
			}
		}
	}
	return false
}

// noSQL are languages of which libinjection calls no text an injection. A test
// proves it for each of them: to libinjection's reader of SQL all numbers are
// alike, so that there are few cases.
var noSQL = []match.Pattern{
	{Expr: `\A(?:[A-Za-z_][0-9A-Za-z_]*|[0-9]{1,15})?\z`},              // see oneToken
	{Expr: `\A-?[0-9]+(?:\.[0-9]+)?(?:[eE][+ -]?[0-9]+)?\z`},           // JSON's numbers, with + decoded or not
	{Expr: `\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z`},                           // RFC 3339 dates
	{Expr: `\A(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt])?` + noSQLTime + `\z`}, // and times
}

const noSQLTime = `[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+ -][0-9]{2}:[0-9]{2})`
