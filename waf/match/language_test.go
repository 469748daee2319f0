// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

func TestAlphabet(t *testing.T) {
	var every [256]bool
	for i := range every {
		every[i] = true
	}
	for _, tt := range []struct {
		name, expr string
		class      string // "" is every byte
	}{
		{"a class", `^[a-f]+$`, `[a-f]`},
		{"a whole text", `\A-?[0-9]+\z`, `[0-9-]`},
		{"alternatives", `^(?:on|off)$`, `[onf]`},
		{"alternatives, each whole", `^on$|^off$`, `[onf]`},
		{"not tied to the end", `^[a-z]`, ``},
		{"not tied to the beginning", `[a-z]$`, ``},
		{"one of the alternatives is open", `^on$|off`, ``},
		{"the empty text", `^$`, `[^\x00-\x{10ffff}]`},
		{"whatever comes", `^.*$`, `[^\n]`},
		{"folded letters of ASCII", `(?i)^[abc]$`, `[a-cA-C]`},
		{"lines", `(?m)^[a-z]$`, ``},
		{"what never ends is no way to a match", `^(?:ab|c[^\x00-\x{10ffff}]d)$`, `[ab]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Alphabet(Pattern{Expr: tt.expr}, 1000)
			if err != nil {
				t.Fatal(err)
			}
			want := every
			if tt.class != "" {
				want = *alphabetOf(tt.class)
			}
			for b := range 128 {
				if got[b] != want[b] {
					t.Errorf("byte %q: got %v", rune(b), got[b])
				}
			}
			if tt.class != "" && tt.class[1] != '^' {
				for b := 128; b < 256; b++ {
					if got[b] {
						t.Errorf("byte %#x is in the alphabet", b)
					}
				}
			}
		})
	}
}

func TestAnAlphabetThatTakesTooLongIsEveryByte(t *testing.T) {
	got, err := Alphabet(Pattern{Expr: `^(?:[ab]*a[ab]{20})$`}, 100)
	if err != nil || !got['c'] {
		t.Errorf("got %v, %v", got['c'], err)
	}
	if got, err := Alphabet(Pattern{Expr: `(`}, 100); err == nil || !got['c'] {
		t.Errorf("an expression that is none: %v, %v", got['c'], err)
	}
}

func TestEveryTextThatMatchesIsOfTheAlphabet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, expr := range []string{
		`\A[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}\z`, `^[a-zé]+$`, `^(?:[\p{L}]{1,3} ?)+$`, `^\+?[0-9 ()-]{3,12}$`, `^[^<>]*$`, `^[A-Z]{2}(?:-[A-Z]{2})?$`,
		`^\w+@\w+\.(?:com|org)$`, `^(?i)k+$`, `^a|b$`, `^[\x{80}-\x{7ff}]?x$`,
	} {
		p := Pattern{Expr: expr}
		alphabet, err := Alphabet(p, 1000)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(expr)
		for range 300 {
			text := mutate(generate(t, p, rnd), rnd)
			if !re.MatchString(text) {
				continue
			}
			for i := range len(text) {
				if !alphabet[text[i]] {
					t.Fatalf("%s matches %q; byte %#x is not in its alphabet", expr, text, text[i])
				}
			}
		}
	}
}

func TestShortest(t *testing.T) {
	for _, tt := range []struct {
		expr string
		want int
	}{
		{`abc`, 3}, {`a|bcd`, 1}, {`a?b+c{3}`, 4}, {`^$`, 0}, {`\bab\b`, 2}, {`(?i)select.{3,}from`, 13}, {`[^\x00-\x{10ffff}]`, 0},
	} {
		if got, err := Shortest(Pattern{Expr: tt.expr}); err != nil || got != tt.want {
			t.Errorf("%s: got %d, %v; want %d", tt.expr, got, err, tt.want)
		}
	}
	if got, err := Shortest(PM("abc de")); err != nil || got != 2 {
		t.Errorf("phrases: got %d, %v", got, err)
	}
}

func TestNoRuleMatchesWhatIsTooShortForIt(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, p := range argPatterns(t) {
		least, err := Shortest(p)
		if err != nil {
			t.Fatal(err)
		}
		want := oracle(t, p)
		for range 20 {
			if text := mutate(generate(t, p, rnd), rnd); len(text) >= 1 {
				if text = text[:rnd.IntN(len(text))]; len(text) < least && want(text) {
					t.Errorf("%.60q matches %q, which has less than %d bytes", p.Expr, text, least)
				}
			}
		}
	}
}
