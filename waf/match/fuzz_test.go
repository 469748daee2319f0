// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"regexp"
	"regexp/syntax"
	"testing"

	"rsc.io/binaryregexp"
)

// FuzzDFAEqualsRegexp holds any expression against any text, as one pattern of a
// set of two, so that the scan has to tell them apart.
func FuzzDFAEqualsRegexp(f *testing.F) {
	for _, seed := range [][2]string{
		{`(?i)k|s`, "\u212a"}, {`\bfoo\b`, "a foo b"}, {`^$`, ""}, {`(?m)^a.*b$`, "x\na\xffb\ny"}, {`[^a]`, "\xe2\x82"}, {`\x{fffd}`, "\xe2\x82("},
		{`(?:^|[;&])(?:cat|ls)\s`, ";ls /"}, {`.{3}`, "é\xf0\x9f\x98"}, {`\pL{2}`, "é\xc3ü"}, {`(a|ab)(c|bcd)$`, "abcd"}, {`(?s)a.+\Bz`, "a\nzz"},
		{`\Aab\z`, "ab"}, {`(?i)ſelect`, "xSELECT"}, {`a\b`, "aé"}, {`[\x{80}-\x{10ffff}]`, "\xed\xa0\x80"}, {`x*`, ""}, {`(?:a*)*b`, "aab"}, {`$.`, "\n"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 200 || len(text) > 2000 {
			return
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return
		}
		tree, _ := syntax.Parse(expr, syntax.Perl)
		if prog, err := syntax.Compile(tree.Simplify()); err != nil || len(prog.Inst) > 2000 {
			return
		}
		patterns := []Pattern{{Expr: expr}, RX(`(?:other|words)[0-9]`)}
		want := []bool{re.MatchString(text), regexp.MustCompile(patterns[1].Expr).MatchString(text)}
		if b, err := binaryregexp.Compile(expr); err == nil {
			patterns = append(patterns, Pattern{Expr: expr, Binary: true})
			want = append(want, b.MatchString(text))
		}
		s, err := NewSet(patterns, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var sc Scratch
		var hits [1]uint64
		s.Match(&sc, text, hits[:])
		for i, w := range want {
			if got := hits[0]&(1<<i) != 0; got != w {
				t.Errorf("%q (binary %v) on %q: got %v", patterns[i].Expr, patterns[i].Binary, text, got)
			}
			if m := s.matchers[i]; m.whole.search(&sc.work, text, kindEdge, len(text)) != map[bool]verdict{true: yes, false: no}[w] {
				t.Errorf("%q alone on %q: not %v", patterns[i].Expr, text, w)
			}
		}
	})
}

// FuzzSet holds any text against all rules that look at arguments.
func FuzzSet(f *testing.F) {
	patterns := argPatterns(f)
	s, err := NewSet(patterns, Options{Cache: ruleCache()})
	if err != nil {
		f.Fatal(err)
	}
	want := make([]func(string) bool, len(patterns))
	for i, p := range patterns {
		want[i] = oracle(f, p)
	}
	for _, seed := range []string{hostile, english, "1", "", "';cat /etc/passwd", "\xff\xfe", "<ſcript>", "ｓelect"} {
		f.Add(seed)
	}
	hits := make([]uint64, (s.Len()+63)/64)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			return
		}
		var sc Scratch
		clear(hits)
		s.Match(&sc, text, hits)
		for i, p := range patterns {
			if w, got := want[i](text), hits[i/64]&(1<<(i%64)) != 0; w != got {
				t.Errorf("pattern %d %.60q on %q: got %v", i, p.Expr, text, got)
			}
		}
	})
}
