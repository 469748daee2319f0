// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

var (
	words = []string{"key", "b=", "abc", `\bon`, "end!", "[xyz]{2}", `\d;`, "é", "(?:go|do)", "(?:^|;) ?a", `"`, `k\b`, "(?m:^)x", `z`}
	gaps  = []string{".*", `(?s:.*)`, `[^;]*`, `\s+`, ".{0,40}", "(?:.*=)?", `(?s:.+?)`, `\W*`, "(?: [a-z]+)*"}
	fills = []string{"key", "b=", "abc", "on", "end!", "xy", "12;", "é", "go", "; a", `"`, "k ", "\nx", "z", " ", " ", "lorem ", "ipsum ", "\xff", "\n", "=", "of "}
)

// gapped is a random expression with gaps between its words, so that windows are
// far from where its matches begin and end.
func gapped(rnd *rand.Rand) string {
	var b strings.Builder
	for n := 2 + rnd.IntN(2); n > 0; n-- {
		b.WriteString(words[rnd.IntN(len(words))])
		if n > 1 {
			b.WriteString(gaps[rnd.IntN(len(gaps))])
		}
	}
	return b.String()
}

// longText repeats few pieces, so that windows come again and again.
func longText(rnd *rand.Rand) string {
	ascii := rnd.IntN(3) > 0
	some := make([]string, 4+rnd.IntN(12))
	for i := range some {
		some[i] = fills[rnd.IntN(len(fills))]
		if ascii && some[i] >= "\x80" {
			some[i] = "word "
		}
	}
	var b strings.Builder
	for n := rnd.IntN(150); n > 0; n-- {
		b.WriteString(some[rnd.IntN(len(some))])
	}
	return b.String()
}

// Walks that end where an earlier one has been must not lose a match that the
// earlier one had no part in.
func TestRandomExpressionsWithGapsMatchLongTextsAsRegexpDoes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 22))
	inner, matched, texts, walked := 0, 0, 0, 0
	for range 700 {
		expr := gapped(rnd)
		cache := NewCache(0)
		cache.ceiling = 1e9
		s, err := NewSet([]Pattern{{Expr: expr}}, Options{Cache: cache})
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		inner += s.Stats().Inside
		re := regexp.MustCompile(expr)
		var sc Scratch
		for range 20 {
			text := longText(rnd)
			var hits [1]uint64
			s.Match(&sc, text, hits[:])
			want := re.MatchString(text)
			if want != (hits[0] == 1) {
				t.Errorf("%q on %q: want %v, plan %+v", expr, text, want, s.matchers[0].plan)
			}
			texts++
			if want {
				matched++
			}
			if k := &sc.run.trials[0]; k.text == sc.run.number && k.ahead.count+k.back.count > 0 {
				walked++
			}
		}
	}
	if inner < 200 || matched < texts/20 || matched > texts*9/10 || walked < texts/20 {
		t.Errorf("%d expressions with inner windows; of %d texts %d match, %d left trails: they prove little", inner, texts, matched, walked)
	}
}

func TestWalksOfAPatternTogetherReadATextAFewTimesAtMost(t *testing.T) {
	filler := strings.Repeat("lorem ipsum dolor sit amet ", 12)
	for name, c := range map[string]struct{ expr, window string }{
		"ahead, over any text":        {`(?s)qselect.*[(]`, "qselect"},
		"back, over any text":         {`(?s)[0-9]=.*qqend!`, "qqend!"},
		"ahead, where few bytes stop": {`qselect[^(]*\(`, "qselect"},
		"back, where few bytes stop":  {`;[^;]*qqend!`, "qqend!"},
	} {
		text := strings.Repeat(filler+c.window+" ", 60)
		s, err := NewSet([]Pattern{{Expr: c.expr}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var sc Scratch
		var hits [1]uint64
		if s.Match(&sc, text, hits[:]) {
			t.Fatalf("%s: %q matches", name, c.expr)
		}
		known := &sc.run.trials[0]
		spent := leastBudget + budgetFactor*len(text) - known.budget
		if known.text != sc.run.number || spent < len(text)/2 {
			t.Errorf("%s: %d bytes were read of %d: no walk goes far", name, spent, len(text))
		}
		if sc.run.texts[0] != 0 {
			t.Errorf("%s: the whole text was read again after %d bytes", name, spent)
		}
	}
}

func TestWhatLeadsToAWindowIsReadWithItsAssertions(t *testing.T) {
	for _, c := range []struct {
		expr, text string
		want       bool
	}{
		{`(?s)\ba.*qqend!`, "a and qqend!", true},
		{`(?s)\ba.*qqend!`, "bag qqend!", false},
		{`(?s)\Aa.*qqend!`, "a and qqend!", true},
		{`(?s)\Aa.*qqend!`, " a and qqend!", false},
		{`(?m)^a.*qqend!`, "x\na and qqend!", true},
		{`(?m)^a.*qqend!`, "x\nb, a and qqend!", false},
		{`(?s)a.*\bqqend!`, "a and qqend!", true},
		{`(?s)a.*\bqqend!`, "a andqqend!", false},
		{`(?s)a.*\Bqqend!`, "a andqqend!", true},
		{`(?s)a.*é.*qqend!`, "a é qqend!", true},
		{`(?s)a.*é.*qqend!`, "a è qqend!", false},
		{`(?s)a[^\x{fffd}]*qqend!`, "a\xff qqend!", false},
		{`(?s)a.*qqend!\z`, "a qqend!", true},
		{`(?s)a.*qqend!\z`, "a qqend! ", false},
	} {
		match := single(t, Pattern{Expr: c.expr}, NewCache(0))
		if got := match(c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.expr, c.text, got)
		}
		if got := match(c.text + " qqend"); got != regexp.MustCompile(c.expr).MatchString(c.text+" qqend") {
			t.Errorf("%q on %q and more: %v", c.expr, c.text, got)
		}
	}
}

// A walk that comes to where another one was, but knows more, goes on.
func TestAWalkInAnotherRowThanTheOneBeforeGoesOn(t *testing.T) {
	filler := strings.Repeat("lorem ipsum dolor ", 12)
	for expr, text := range map[string]string{
		`(?s)qaaq.*[(]|qbbq.*[)]`:   "qaaq " + filler + "qbbq " + filler + filler + ")",
		`(?s)1=.*qqend!|2=.*zzend!`: "2= " + filler + "qqend! " + filler + "zzend! ",
	} {
		if !single(t, Pattern{Expr: expr}, NewCache(0))(text) {
			t.Errorf("%q is not found in %q", expr, text)
		}
	}
}
