// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"testing"
)

// single holds a text against one pattern as a set of its own.
func single(t testing.TB, p Pattern, cache *Cache) func(string) bool {
	t.Helper()
	s, err := NewSet([]Pattern{p}, Options{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	var sc Scratch
	return func(text string) bool {
		var hits [1]uint64
		found := s.Match(&sc, text, hits[:])
		if found != (hits[0] == 1) {
			t.Fatalf("found %v, hits %b", found, hits)
		}
		return found
	}
}

func TestEveryRulePatternMatchesWhatCorazasOperatorMatches(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	cache := ruleCache()
	texts, matches := 0, 0
	for _, p := range rulePatterns(t) {
		want, got := oracle(t, p), single(t, p, cache)
		hold := func(text string) {
			texts++
			if w := want(text); w != got(text) {
				t.Errorf("pattern %d %.60q, text %q: want %v", p.ID, p.Expr, text, w)
			} else if w {
				matches++
			}
		}
		for range 6 {
			text := generate(t, p, rnd)
			hold(text)
			for range 6 {
				hold(mutate(text, rnd))
			}
			hold("It was the best of times, " + text + " it was the worst\nof times.")
		}
		for _, spice := range spices {
			hold(spice)
		}
	}
	if matches < texts/5 || matches > texts*9/10 {
		t.Errorf("%d of %d texts match: they prove little", matches, texts)
	}
}
