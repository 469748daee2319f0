// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	libinjection "github.com/corazawaf/libinjection-go"

	"durward"
	"durward/waf/match"
	"durward/waf/transform"
)

// digits fills the places of a form with digits: # is any, n one or more.
func digits(r *rand.Rand, form string) string {
	var b strings.Builder
	for _, c := range form {
		switch c {
		case 'n':
			for range 1 + r.IntN([]int{1, 3, 20, 60}[r.IntN(4)]) {
				b.WriteByte(byte('0' + r.IntN(10)))
			}
		case '#':
			b.WriteByte(byte('0' + r.IntN(10)))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// The reader of libinjection makes one token of a run of digits, whatever they
// are, but for 0 before x or b, which no form has. So one text of a form stands for
// all of it; many are tried, and every word that a form has.
func TestNoTextOfTheLanguagesWithoutSQLIsFound(t *testing.T) {
	var forms []string
	for _, sign := range []string{"", "-"} {
		for _, fraction := range []string{"", ".n"} {
			for _, exponent := range []string{"", "en", "En", "e+n", "e-n", "e n", "E+n", "E-n", "E n"} {
				forms = append(forms, sign+"n"+fraction+exponent)
			}
		}
	}
	forms = append(forms, "####-##-##")
	for _, date := range []string{"", "####-##-##T", "####-##-##t"} {
		for _, fraction := range []string{"", ".n"} {
			for _, zone := range []string{"Z", "z", "+##:##", "-##:##", " ##:##"} {
				for hour := range 100 {
					if date != "" || hour%10 == 0 {
						forms = append(forms, date+fmt.Sprintf("%02d:##:##", hour)+fraction+zone)
					}
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 9))
	for _, form := range forms {
		for range 12 {
			text := digits(r, form)
			if found, fingerprint := libinjection.IsSQLi(text); found {
				t.Fatalf("%q of the form %s is SQL: %s", text, form, fingerprint)
			}
			held := false
			for i := range noSQL {
				held = held || regexp.MustCompile(noSQL[i].Expr).MatchString(text)
			}
			if !held {
				t.Fatalf("%q of the form %s is of no language", text, form)
			}
		}
	}
}

func TestOneTokenIsOfTheLanguagesWithoutSQL(t *testing.T) {
	re := regexp.MustCompile(noSQL[0].Expr)
	r := rand.New(rand.NewPCG(1, 10))
	const signs = "azAZ_019 .-'"
	for range 20000 {
		b := make([]byte, r.IntN(8))
		for i := range b {
			b[i] = signs[r.IntN(len(signs))]
		}
		if s := string(b); re.MatchString(s) && !oneToken(s) {
			t.Fatalf("%q", s)
		}
	}
}

func must(t *testing.T, name string) transform.T {
	t.Helper()
	tr, ok := transform.Lookup(name)
	if !ok {
		t.Fatal(name)
	}
	return tr
}

// What becomes of a set behind transformations must hold what becomes of each of
// its texts.
func TestASetBehindTransformationsHoldsEveryTextBehindThem(t *testing.T) {
	languages := []durward.Language{
		{Texts: []string{"Open", "%41", "a+b", " ", "YWJj"}},
		{Exprs: []string{durward.NumberExpr}, Most: 20},
		{Exprs: []string{`^[A-Fa-f0-9-]{4,8}$`}},
		{Exprs: []string{`^[^A-M%]{1,6}$`}, Most: 6},
		{Exprs: []string{`^(?:[A-Z]\+?)+$`, `^[^X]*$`}},
		{Exprs: []string{`^\S{2,6}$`}},
		{Exprs: []string{`^(?i)k[a-c]*$`}},
		{Exprs: []string{`^[\x{80}-\x{17f}A-C]{1,4}$`}},
		{Most: 5},
	}
	alphabet := []rune("AKXZabckz0129-+ .%/\\\t'é\u017f\u212a")
	r := rand.New(rand.NewPCG(2, 3))
	all := transform.All()
	for _, l := range languages {
		for range 150 {
			chain := make([]transform.T, 1+r.IntN(4))
			for i := range chain {
				chain[i] = all[r.IntN(len(all))]
				if r.IntN(2) == 0 {
					chain[i] = must(t, []string{"lowercase", "uppercase", "urldecodeuni", "cmdline", "compresswhitespace", "removenulls"}[r.IntN(6)])
				}
			}
			multi := r.IntN(3) == 0
			for range 30 {
				text := sampleOf(&l, r, alphabet)
				if text == "" {
					continue
				}
				checkChain(t, &l, chain, multi, text)
			}
		}
	}
}

func sampleOf(l *durward.Language, r *rand.Rand, alphabet []rune) string {
	if l.Texts != nil {
		return l.Texts[r.IntN(len(l.Texts))]
	}
	var b strings.Builder
	for range 1 + r.IntN(6) {
		b.WriteRune(alphabet[r.IntN(len(alphabet))])
	}
	for _, expr := range l.Exprs {
		if !compiled(expr).MatchString(b.String()) {
			return ""
		}
	}
	if l.Most > 0 && b.Len() > l.Most {
		return ""
	}
	return b.String()
}

var expressions = map[string]*regexp.Regexp{}

func compiled(expr string) *regexp.Regexp {
	re := expressions[expr]
	if re == nil {
		re = regexp.MustCompile(expr)
		expressions[expr] = re
	}
	return re
}

func checkChain(t *testing.T, l *durward.Language, chain []transform.T, multi bool, text string) {
	t.Helper()
	v, s := textsOf(l), text
	for i, tr := range chain {
		v = v.after(tr, multi)
		out, reported := tr.ApplyReported(nil, []byte(s))
		if !multi || reported {
			s = string(out)
		}
		held := v.writes(s) && (v.most < 0 || len(s) <= v.most)
		for _, expr := range v.exprs {
			held = held && compiled(expr).MatchString(s)
		}
		if v.listed {
			held = false
			for _, one := range v.list {
				held = held || one == s
			}
		}
		if !held {
			t.Fatalf("%q of %+v behind %v is %q, which is not of the set (multi %v): %q, most %d", text, l, chain[:i+1], s, multi, v.exprs, v.most)
		}
	}
}

func TestWhatIsMoot(t *testing.T) {
	byteRange := func(text string) operator {
		op := operator{name: "validatebyterange", text: text}
		if err := op.byteRange(); err != nil {
			t.Fatal(err)
		}
		return op
	}
	rx := func(expr string) operator { p := match.RX(expr); return operator{name: "rx", pattern: &p} }
	number := durward.Language{Exprs: []string{durward.NumberExpr}, Most: 128}
	letters := durward.Language{Exprs: []string{`^[a-z]{2,8}$`}}
	free := durward.Language{Most: 4}
	two := durward.Language{Texts: []string{"on", "off"}}
	for _, tt := range []struct {
		name string
		of   durward.Language
		op   operator
		want bool
	}{
		{"a sign that numbers have not", number, rx(`'`), true},
		{"a point that they have", number, rx(`\.`), false},
		{"a length that letters have not", letters, rx(`[a-z]{9}`), true},
		{"a length that they have", letters, rx(`[a-z]{8}`), false},
		{"longer than any text", free, rx(`<.{4}`), true},
		{"as long as one", free, rx(`<.{3}`), false},
		{"an expression for any value", number, operator{name: "rx", whole: true, pattern: &match.Pattern{Expr: "^.*$"}}, false},
		{"phrases", letters, operator{name: "pm", pattern: &match.Pattern{Phrases: []string{"x-y", "toolongforit"}}}, true},
		{"one of them", letters, operator{name: "pm", pattern: &match.Pattern{Phrases: []string{"x-y", "XY"}}}, false},
		{"phrases and constants", two, operator{name: "pm", pattern: &match.Pattern{Phrases: []string{"OFFS"}}}, true},
		{"a phrase that is one", two, operator{name: "pm", pattern: &match.Pattern{Phrases: []string{"FF"}}}, false},
		{"no expression, of numbers", number, operator{name: "rx", negated: true, pattern: rx(`x`).pattern}, false},
		{"no expression, of constants that have it", two, operator{name: "rx", negated: true, pattern: rx(`o`).pattern, re: regexp.MustCompile("o")}, true},
		{"no expression, of constants of which one has not", two, operator{name: "rx", negated: true, pattern: rx(`n`).pattern, re: regexp.MustCompile("n")}, false},
		{"scripts in numbers", number, operator{name: "detectxss"}, true},
		{"scripts in anything", free, operator{name: "detectxss"}, false},
		{"SQL in numbers", number, operator{name: "detectsqli"}, true},
		{"SQL in a word", letters, operator{name: "detectsqli"}, true},
		{"SQL in anything", free, operator{name: "detectsqli"}, false},
		{"bytes of which letters have none", letters, byteRange("32-126"), true},
		{"bytes that anything may have", free, byteRange("32-126"), false},
		{"escapes in letters", letters, operator{name: "validateurlencoding"}, true},
		{"escapes in anything", free, operator{name: "validateurlencoding"}, false},
		{"bytes that are no UTF-8, in letters", letters, operator{name: "validateutf8encoding"}, true},
		{"and in anything", free, operator{name: "validateutf8encoding"}, false},
		{"a text with a sign", letters, operator{name: "contains", text: "a-b"}, true},
		{"a text without", letters, operator{name: "contains", text: "ab"}, false},
		{"the empty text", letters, operator{name: "contains"}, false},
		{"a text that is too long", free, operator{name: "streq", text: "abcde"}, true},
		{"a text that is as long", free, operator{name: "streq", text: "abcd"}, false},
		{"a part of the argument", letters, operator{name: "within", text: "-"}, false},
		{"a number", number, operator{name: "eq", text: "x"}, false},
		{"an address", number, operator{name: "ipmatch"}, false},
		{"never", number, operator{name: "nomatch"}, true},
		{"what is not known", number, operator{name: "geolookup"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := analyst{}
			v := textsOf(&tt.of)
			if got := a.impossible(&v, &tt.op); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestNothingIsMootForAConditionThatIsNotUnderstood(t *testing.T) {
	g := gateOf(t, `SecRule ARGS "@rx x" "id:1,phase:2,deny"`, nil)
	a := g.analyst()
	l := g.rules[0].links[0]
	sets := []texts{textsOf(&durward.Language{Exprs: []string{`^[0-9]+$`}})}
	if !a.moot(sets, &l) || a.moot(nil, &l) {
		t.Fatal("the condition as it is")
	}
	open := l
	open.open = "not understood"
	if a.moot(sets, &open) {
		t.Error("an open condition is moot")
	}
	unknown := l
	unknown.op.unknown = "not modelled"
	if a.moot(sets, &unknown) {
		t.Error("an unknown operator is moot")
	}
	if a.moot([]texts{sets[0], textsOf(&durward.Language{})}, &l) {
		t.Error("one language of two is enough")
	}
}

func TestAWiderExpressionIsOneAndHoldsTheOldTexts(t *testing.T) {
	for _, expr := range []string{`^[^A]*$`, `^[^\x{80}]$`, `^[\x00-\x{10ffff}]$`, `^[^\x{7f}-\x{90}]+$`, `(?i)^[k-m]é$`, `(?s)^.x$`, `^\PL\b$`, `^(?:a|B)?$`, `^[^a-z]{2}$`} {
		for _, becomes := range []func(rune) rune{otherCase, func(c rune) rune { return '+' }} {
			wider, ok := widened(expr, becomes)
			if !ok {
				t.Errorf("%s: cannot be widened", expr)
				continue
			}
			old, re := regexp.MustCompile(expr), compiled(wider)
			for c := range rune(0x180) {
				for _, s := range []string{string(c), string([]rune{c, 'x'}), string([]rune{c, 'é'}), string([]rune{c, c})} {
					if !old.MatchString(s) {
						continue
					}
					mapped := strings.Map(func(r rune) rune {
						if r < 128 {
							return becomes(r)
						}
						return r
					}, s)
					if !re.MatchString(s) || !re.MatchString(mapped) && strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 && !strings.Contains(expr, `\b`) {
						t.Fatalf("%s takes %q; %s does not take it or %q", expr, s, wider, mapped)
					}
				}
			}
		}
	}
	if _, ok := widened("(", otherCase); ok {
		t.Error("what is no expression was widened")
	}
}
