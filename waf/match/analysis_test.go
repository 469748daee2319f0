// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

func TestIncludes(t *testing.T) {
	number := Pattern{Expr: `\A-?[0-9]+(?:\.[0-9]+)?\z`}
	for _, tt := range []struct {
		name         string
		outer, inner Pattern
		want         bool
	}{
		{"itself", number, number, true},
		{"a smaller one", number, Pattern{Expr: `^[1-9][0-9]{3}$`}, true},
		{"a larger one", Pattern{Expr: `^[1-9][0-9]{3}$`}, number, false},
		{"alternatives in another order", Pattern{Expr: `^(?:b|a)$`}, Pattern{Expr: `^[ab]$`}, true},
		{"an open pattern holds a whole one", RX(`a`), Pattern{Expr: `^xa+$`}, true},
		{"one that may do without", RX(`a`), Pattern{Expr: `^xa*$`}, false},
		{"nothing is in anything", Pattern{Expr: `^a$`}, Pattern{Expr: `[^\x00-\x{10ffff}]`}, true},
		{"the empty text", Pattern{Expr: `^a*$`}, Pattern{Expr: `^$`}, true},
		{"the empty text is not", Pattern{Expr: `^a+$`}, Pattern{Expr: `^a*$`}, false},
		{"a boundary", RX(`\bor\b`), Pattern{Expr: `^x or y$`}, true},
		{"what is no expression", Pattern{Expr: `(`}, Pattern{Expr: `^$`}, false},
		{"more than the bound", Pattern{Expr: `^(?:[ab]*a[ab]{40})$`}, Pattern{Expr: `^[ab]{50}$`}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a Analysis
			for range 2 { // the second answer is remembered
				if got := a.Includes(&tt.outer, &tt.inner); got != tt.want {
					t.Errorf("got %v", got)
				}
			}
		})
	}
}

// Languages of values, for the properties below.
var languages = []string{
	`\A-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\z`, `\A[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}\z`, `^[a-z]+(?:-[a-z]+)*$`, `^[A-Z]{3}$`,
	`^\w+@\w+\.com$`, `^/[a-z/.]*$`, `^(?:<=|>=|=|<>)$`, `^[^<>"']{0,12}$`,
}

func TestWhatIsProvenOfALanguageHoldsForItsTexts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	var a Analysis
	proven := 0
	for _, p := range argPatterns(t) {
		matches := oracle(t, p)
		for _, expr := range languages {
			l := Pattern{Expr: expr}
			alphabet, err := Alphabet(l, 1000)
			if err != nil {
				t.Fatal(err)
			}
			var bytes [4]uint64
			for b, ok := range alphabet {
				if ok {
					bytes[b>>6] |= 1 << (b & 63)
				}
			}
			disjoint, without := a.Disjoint(&l, &p), a.CannotMatchWithin(&p, bytes)
			if !disjoint && !without {
				continue
			}
			proven++
			re := regexp.MustCompile(expr)
			for range 8 {
				if text := generate(t, l, rnd); re.MatchString(text) && matches(text) {
					t.Errorf("%.60q matches %q of %s; disjoint %v, without its bytes %v", p.Expr, text, expr, disjoint, without)
				}
				if text := mutate(generate(t, p, rnd), rnd); disjoint && re.MatchString(text) && matches(text) {
					t.Errorf("%.60q matches %q, which is of %s", p.Expr, text, expr)
				}
			}
		}
	}
	if proven < 300 {
		t.Errorf("only %d pairs of rule and language were proven", proven)
	}
}

func TestTheAnalysisAgreesWithTheFunctionsThatRememberNothing(t *testing.T) {
	var a Analysis
	for _, p := range argPatterns(t) {
		for _, class := range []string{`[0-9]`, `[0-9a-f:.-]`} {
			alphabet := alphabetOf(class)
			can, err := CanMatchWithin(p, alphabet)
			if err != nil {
				t.Fatal(err)
			}
			var bytes [4]uint64
			for b, ok := range alphabet {
				if ok {
					bytes[b>>6] |= 1 << (b & 63)
				}
			}
			if got := a.CannotMatchWithin(&p, bytes); got == can {
				t.Errorf("%.60q within %s: %v beside %v", p.Expr, class, got, can)
			}
		}
	}
}
