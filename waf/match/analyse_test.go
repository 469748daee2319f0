// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

func alphabetOf(class string) *[256]bool {
	re := regexp.MustCompile("^" + class + "$")
	var set [256]bool
	for b := range 256 {
		set[b] = re.MatchString(string(rune(b))) && b < 128
	}
	return &set
}

func TestCanMatchWithin(t *testing.T) {
	for _, tt := range []struct {
		name, expr, class string
		want              bool
	}{
		{"a sign that is not there", `'\s*or`, `[a-z]`, false},
		{"a word that is there", `(?i)__proto__`, `[A-Za-z0-9_-]`, true},
		{"a word with a letter missing", `select`, `[a-k]`, false},
		{"one case is enough", `(?i)SELECT`, `[a-z]`, true},
		{"the other way round is enough", `a;b|cd`, `[a-d]`, true},
		{"an optional sign", `ab;?cd`, `[a-d]`, true},
		{"a word boundary that needs no sign", `\bab\b`, `[ab]`, true},
		{"a word boundary within a word", `a\bb`, `[ab]`, false},
		{"a boundary that needs a sign", `a\b.`, `[a-z]`, false},
		{"the empty text", `^$`, `[x]`, true},
		{"a line that ends before more", `a$.b`, `[ab]`, false},
		{"a folded letter past ASCII does not help", `(?i)\x{212a}`, `[a-j]`, false},
		{"a folded letter helps", `(?i)\x{212a}`, `[k]`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CanMatchWithin(Pattern{Expr: "(?sm)" + tt.expr}, alphabetOf(tt.class))
			if err != nil || got != tt.want {
				t.Errorf("%s within %s: got %v, %v; want %v", tt.expr, tt.class, got, err, tt.want)
			}
		})
	}
}

func TestPhrasesCanMatchWithinTheirOwnLettersOnly(t *testing.T) {
	p := PM("Select ;drop")
	for class, want := range map[string]bool{`[CELST]`: true, `[celst]`: true, `[;a-d]`: false, `[a-d]`: false} {
		if got, err := CanMatchWithin(p, alphabetOf(class)); err != nil || got != want {
			t.Errorf("%s: got %v, %v", class, got, err)
		}
	}
}

// Whatever text of an alphabet a rule matches, CanMatchWithin must have said so.
func TestNoRuleMatchesWhatItCannotMatch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	ruled := 0
	for _, p := range argPatterns(t) {
		want := oracle(t, p)
		for _, class := range []string{`[A-Za-z0-9_-]`, `[0-9]`, `[A-Za-z0-9 .,]`, `[0-9a-f:.-]`} {
			alphabet := alphabetOf(class)
			can, err := CanMatchWithin(p, alphabet)
			if err != nil {
				t.Fatal(err)
			}
			if can {
				continue
			}
			ruled++
			for range 30 {
				text := restrict(mutate(generate(t, p, rnd), rnd), alphabet)
				if want(text) {
					t.Errorf("%.60q matches %q, which is within %s", p.Expr, text, class)
				}
			}
		}
	}
	if ruled < 150 {
		t.Errorf("only %d pairs of rule and alphabet were ruled out", ruled)
	}
}

func restrict(s string, alphabet *[256]bool) string {
	var out []byte
	for i := range len(s) {
		if alphabet[s[i]] {
			out = append(out, s[i])
		}
	}
	return string(out)
}

func TestDisjoint(t *testing.T) {
	for _, tt := range []struct {
		name            string
		a, b            Pattern
		disjoint, known bool
	}{
		{"digits and a quote", Pattern{Expr: `^[0-9]+$`}, RX(`'`), true, true},
		{"digits and digits", Pattern{Expr: `^[0-9]+$`}, RX(`\d{3}`), false, true},
		{"too short", Pattern{Expr: `^[a-z]{2}$`}, RX(`[a-z]{3}`), true, true},
		{"order matters", Pattern{Expr: `^[a-z]+[0-9]+$`}, RX(`\d[a-z]`), true, true},
		{"an open pattern says little", Pattern{Expr: `^[a-z]`}, RX(`<script`), false, true},
		{"a boundary", Pattern{Expr: `^\w+$`}, RX(`a\b.`), true, true},
		{"the end of a line", Pattern{Expr: `(?m)^\w+$`}, RX(`a\b.`), false, true},
		{"phrases", Pattern{Expr: `^[a-z]+$`}, PM("SELECT union"), false, true},
		{"phrases with signs", Pattern{Expr: `^[a-z]+$`}, PM("a;b c-d"), true, true},
		{"bytes", Pattern{Expr: `^[a-zé]+$`}, Pattern{Expr: `\xa9`, Binary: true}, false, true},
		{"other bytes", Pattern{Expr: `^[a-zé]+$`}, Pattern{Expr: `\xaa`, Binary: true}, true, true},
		{"more than the bound", Pattern{Expr: `^(?:[ab]*a[ab]{20})$`}, RX(`c`), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disjoint, known, err := Disjoint(tt.a, tt.b, 2000)
			if err != nil || disjoint != tt.disjoint || known != tt.known {
				t.Errorf("got disjoint %v, known %v, %v", disjoint, known, err)
			}
		})
	}
}
