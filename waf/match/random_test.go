// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"rsc.io/binaryregexp"
)

var atoms = []string{
	"a", "b", "ab", "abc", "k", "s", "é", `\n`, `\b`, `\B`, "^", "$", `\A`, `\z`, ".", "[^a]", "[a-c]", `[^\n]`, `\w`, `\W`, `\s`,
	`\x{fffd}`, `[\x{80}-\x{7ff}]`, `\x{d7ff}`, "(?i:k)", "(?i:s)", "(?m:^)", "(?m:$)", "(?s:.)", `[é\x{10000}]`, "",
}

// expression is a random one of about this size.
func expression(rnd *rand.Rand, size int) string {
	if size <= 1 {
		return atoms[rnd.IntN(len(atoms))]
	}
	left := 1 + rnd.IntN(size-1)
	switch rnd.IntN(8) {
	case 0, 1:
		return "(?:" + expression(rnd, left) + "|" + expression(rnd, size-left) + ")"
	case 2:
		return "(?:" + expression(rnd, size-1) + ")" + []string{"*", "+", "?", "{2}", "{0,2}", "*?", "+?"}[rnd.IntN(7)]
	}
	return expression(rnd, left) + expression(rnd, size-left)
}

var pieces = []string{"a", "b", "c", "ab", "abc", "k", "K", "s", "S", "\u212a", "ſ", "é", "\n", " ", "_", "0", "\xff", "\xe2", "\xe2\x82", "\x80", "\xc3", "\ufffd", "𐀀", "\xed\x9f\xbf"}

func randomText(rnd *rand.Rand) string {
	var b strings.Builder
	for n := rnd.IntN(9); n > 0; n-- {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

// Any expression means what it means to Go's regexp and to binaryregexp, over
// texts that are UTF-8, are not, or end in the middle of a rune; alone and with
// whatever windows the plan takes from it, however bad they are.
func TestRandomExpressionsMatchAsRegexpDoes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	planned := 0
	for i := range 2000 {
		expr := expression(rnd, 1+rnd.IntN(14))
		cache := NewCache(0)
		if i%4 > 0 {
			cache.ceiling = 1e9
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		patterns := []Pattern{{Expr: expr}, {Expr: expr, Binary: true}}
		binary, err := binaryregexp.Compile(expr)
		if err != nil { // names runes past 255
			patterns = patterns[:1]
		}
		s, err := NewSet(patterns, Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if s.Stats().Direct < len(patterns) {
			planned++
		}
		var sc Scratch
		for range 30 {
			text := randomText(rnd)
			var hits [1]uint64
			s.Match(&sc, text, hits[:])
			if want := re.MatchString(text); want != (hits[0]&1 != 0) {
				t.Errorf("%q on %q: want %v, plan %+v", expr, text, want, s.matchers[0].plan)
			}
			if len(patterns) > 1 && binary.MatchString(text) != (hits[0]&2 != 0) {
				t.Errorf("%q on bytes %q: want %v", expr, text, binary.MatchString(text))
			}
			if m := s.matchers[0]; (m.whole.search(&sc.work, text, kindEdge, len(text)) == yes) != re.MatchString(text) {
				t.Errorf("%q alone on %q: want %v", expr, text, re.MatchString(text))
			}
		}
	}
	if planned < 500 {
		t.Errorf("only %d expressions have windows", planned)
	}
}
