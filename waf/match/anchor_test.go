// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A set finds the same by its anchors as by the scan.
func TestAnchorsFindWhatTheScanFinds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(31, 32))
	anchored, matched := 0, 0
	for _, p := range rulePatterns(t) {
		s, err := NewSet([]Pattern{p}, Options{Cache: ruleCache()})
		if err != nil {
			t.Fatal(err)
		}
		if s.scanner == nil || s.scanner.anchors == nil {
			continue
		}
		anchored++
		scanned := *s
		plain := *s.scanner
		plain.anchors = nil
		scanned.scanner = &plain
		flood := strings.Repeat(string([]byte{s.scanner.anchors[0].value}), 40)
		for range 12 {
			text := mutate(generate(t, p, rnd), rnd)
			for _, text := range []string{text, english[:200] + text, text + flood, flood + text, flood[:rnd.IntN(5)]} {
				var sc Scratch
				var by, want [1]uint64
				s.Match(&sc, text, by[:])
				scanned.Match(&sc, text, want[:])
				if by != want {
					t.Errorf("pattern %d %.60q on %q: %v by anchors", p.ID, p.Expr, text, by[0] == 1)
				}
				matched += int(want[0])
			}
		}
	}
	if anchored < 40 || matched < 500 {
		t.Errorf("%d patterns have anchors, %d texts match", anchored, matched)
	}
}

func TestAnchorsAreRareBytesOfEveryWindow(t *testing.T) {
	for name, c := range map[string]struct {
		exprs []string
		want  string // the anchors; "" when the scan is better
	}{
		"a sign":                         {[]string{`name<[a-z]`}, "<"},
		"a rare letter in either case":   {[]string{`(?i)oxen`}, "Xx"},
		"one for two words":              {[]string{`ab<`, `cd<`}, "<"},
		"common letters only":            {[]string{`(?i)tea`, `(?i)sin`, `(?i)rod`, `(?i)hat`, `(?i)line`}, ""},
		"a window of classes":            {[]string{`[a-z][0-9][a-z]`}, ""},
		"words with nothing in common":   {[]string{`<a`, `>b`, `\{c`, `\}d`, `\[e`, `]f`, `\$g`}, ""},
		"the end of the text is no byte": {[]string{`\A\z`}, ""},
	} {
		cache := NewCache(0)
		cache.ceiling = 1e9
		var patterns []Pattern
		for _, expr := range c.exprs {
			patterns = append(patterns, Pattern{Expr: expr})
		}
		s, err := NewSet(patterns, Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if s.scanner != nil {
			for _, a := range s.scanner.anchors {
				got += string(rune(a.value))
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
