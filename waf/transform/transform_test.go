// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"durward/internal/allocs"
)

var inputs = flag.Int("inputs", 4000, "how many random values TestRandomValuesTransformAsInCoraza compares")

// cases are values on which transformations differ most.
var cases = []string{
	"", ".", "/", "//", "./", "../", "a/", "a/.", "/a/../b", "a//b", "a\\..\\b", "C:\\a:b", "c:", "c:/x:y/", "a /b. /", " ", " / ", "...", "x...", "a/ /b",
	"a.b", ".hidden", "ÄÖü", "İı", "\xff", "a\xffb c", "\xa0", " \xa0", "\xc2\xa0", "\xc2\x85 ", "à", "a  b", "a\tb", "�",
	"%", "%4", "%41", "%4g", "%u", "%u0041", "%uFF1C", "%uff5f", "%uff00", "%uffff", "%u00e9", "%U2019", "%u123", "+", "a+b", "%25%2b", "%%41", "%u%41",
	`\`, `\\`, `\n`, `\x41`, `\X41`, `\x4`, `\u0041`, `\uff1c`, `\u{41}`, `\u{00ff1c}`, `\u{1234567}`, `\u{}`, `\u{41`, `\0`, `\101`, `\401`, `\777`, `\8`, `\'`, `\"`, `\?`, `\a\b\f\v`, `a\`,
	`\41 b`, `\000041x`, `\0041 42`, "\\\nx", `\0`, `\d800`, `\110000`, `\ff1c`, `\ff5e\ff5f`,
	"&lt;", "&lt", "&amp;lt;", "&#60;", "&#x3c", "&#x3C;", "&#0;", "&#128;", "&acE;", "&notit;", "&", "& ", "&;", "&#", "&#;", "&zzz;", "a&b=1", "&NotEqualTilde;", "&#xFFFFFFFFF;",
	"\x00", "a\x00b", "/*", "*/", "/**/", "/*a*/", "/*a*/b", "a/*b", "<!--", "<!--a-->", "<!--a-->b", "-->", "--", "-", "#", "a#b", "/*--*/x", "<!--/*-->*/y", "/*/x", "*", "/", "a/*b*/c/*d*/",
	"ls  -la", "ls, -la", `c^md "x" 'y' \z`, "a (b", "a /b", ", (", " /", "a;b", "A",
	"YWJj", "YWJ", "YW", "Y", "YWJj=YWJj", "YW Jj", "Y-W_", "YW.Jj", "YWJj\r\nYWJj", "Yé", "====", "YWJj\x85YW",
	"61", "6", "6g", "0aFF", " x ", "\v x\f",
	strings.Repeat("a", 5000), strings.Repeat("%41", 700),
}

func TestKnownValuesTransformAsInCoraza(t *testing.T) {
	for _, value := range cases {
		compare(t, value)
	}
}

// alphabet is what random values are made of: the bytes and words that mean
// something to some transformation, and few others.
var alphabet = func() []string {
	words := strings.Fields(`% + & # ; \ / . .. * - -- --> <!-- /* */ ' " ^ , ( { } = _ u U x X 0 1 3 4 7 8 9 a A f F g z Z lt gt amp acE
		%u %41 %zz %u00 %uff 1c \u \x \u{ &# &#x &lt &lt; ff5e ff01 d800 é Ä İ ſ K : C: c:/ YWJj`)
	return append(words, " ", "\t", "\n", "\v", "\f", "\r", "\x00", "\x85", "\xa0", "\xc2", "\xc2\xa0", "\xc2\x85", "\xff", "\xed\xa0\x80", "\u2028", "\U0001f600")
}()

// randomValue writes values of few different words, so that they meet.
func randomValue(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(10) == 0 {
		for range r.IntN(30) {
			b.WriteByte(byte(r.Uint32()))
		}
		return b.String()
	}
	words := make([]string, 1+r.IntN(6))
	for i := range words {
		words[i] = alphabet[r.IntN(len(alphabet))]
	}
	for range r.IntN(12) {
		b.WriteString(words[r.IntN(len(words))])
	}
	return b.String()
}

func TestRandomValuesTransformAsInCoraza(t *testing.T) {
	r := rand.New(rand.NewPCG(7, uint64(*inputs)))
	for range *inputs {
		if compare(t, randomValue(r)); t.Failed() {
			return
		}
	}
}

func FuzzTransform(f *testing.F) {
	for _, value := range cases {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) { compare(t, value) })
}

func TestEveryCodePointFoldsAsInCoraza(t *testing.T) {
	var value strings.Builder
	for high := range 0x100 {
		value.Reset()
		for low := range 0x100 {
			fmt.Fprintf(&value, "%%u%02x%02X", high, low)
		}
		compare(t, value.String())
	}
}

func TestEveryNameOfCorazaIsKnown(t *testing.T) {
	for name, want := range map[string]string{
		"none": "none", "urlDecodeUni": "urldecodeuni", "URLDECODEUNI": "urldecodeuni",
		"normalisePath": "normalizepath", "normalizePath": "normalizepath", "normalisePathWin": "normalizepathwin",
	} {
		if tr, ok := Lookup(name); !ok || tr.String() != want {
			t.Errorf("Lookup(%q) is %v, %v", name, tr, ok)
		}
	}
	if _, ok := Lookup("sqlHexDecode"); ok {
		t.Error("Lookup knows a transformation that Coraza has not")
	}
	if n := len(All()); n != len(byName)-2 || All()[0].String() != "none" {
		t.Errorf("All has %d transformations, %d names are known", n, len(byName))
	}
	var zero T
	if out, changed := zero.Apply(nil, []byte("A")); changed || string(out) != "A" {
		t.Errorf("the zero transformation makes %q of A", out)
	}
}

func TestAValueThatDoesNotChangeCostsNoAllocation(t *testing.T) {
	plain := []byte("the-quick_brown-fox~jumps")
	german := []byte("größe über straße, ein wert wie viele")
	buffer := make([]byte, 0, 256)
	for _, tr := range All() {
		for _, value := range [][]byte{plain, german, nil} {
			if _, changed := tr.Apply(buffer, value); changed {
				continue
			}
			if n := allocs.PerRun(20, func() { tr.Apply(buffer, value) }); n > 0 {
				t.Errorf("%s of %q is unchanged and costs %v allocations", tr, value, n)
			}
		}
	}
}

func TestAChangedValueStandsInTheGivenMemory(t *testing.T) {
	buffer := make([]byte, 0, 256)
	for _, c := range []struct{ name, in, out string }{
		{"lowercase", "ABC", "abc"},
		{"urlDecodeUni", "a%20b%u0041", "a bA"},
		{"jsDecode", `\u0041\x42`, "AB"},
		{"cssDecode", `\41 b`, "Ab"},
		{"cmdLine", `C:\Windows, "x"`, "c:windows x"},
		{"removeNulls", "a\x00b", "ab"},
		{"removeWhitespace", "a b\tc", "abc"},
		{"compressWhitespace", "a \t b", "a b"},
		{"replaceComments", "a/*b*/c", "a c"},
		{"utf8toUnicode", "ä", "%u00e4"},
		{"base64Decode", "YWJj", "abc"},
		{"hexEncode", "ab", "6162"},
		{"sha1", "a", "\x86\xf7\xe4\x37\xfa\xa5\xa7\xfc\xe1\x5d\x1d\xdc\xb9\xea\xea\xea\x37\x76\x67\xb8"},
		{"length", "abc", "3"},
	} {
		tr, _ := Lookup(c.name)
		in := []byte(c.in)
		out, changed := tr.Apply(buffer, in)
		if string(out) != c.out || !changed {
			t.Errorf("%s of %q is %q, changed %v", c.name, c.in, out, changed)
		}
		if n := allocs.PerRun(20, func() { tr.Apply(buffer, in) }); n > 0 {
			t.Errorf("%s of %q costs %v allocations though there is memory", c.name, c.in, n)
		}
	}
}

func TestByteSetsAreSets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a, b := randomValue(r), randomValue(r)
		x, y := Bytes(a), Bytes(b)
		shared := false
		for i := range 256 {
			c := string([]byte{byte(i)})
			inA, inB := strings.Contains(a, c), strings.Contains(b, c)
			shared = shared || inA && inB
			u := x.Union(y)
			if x.Has(byte(i)) != inA || u.Has(byte(i)) != (inA || inB) {
				t.Fatalf("byte %#x of %q and %q", i, a, b)
			}
		}
		if x.Intersects(&y) != shared {
			t.Fatalf("Intersects of %q and %q is %v", a, b, !shared)
		}
	}
}
