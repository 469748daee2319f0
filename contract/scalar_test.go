// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestNumbersFollowTheGrammarOfJSON(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "10": true, "-1.5": true, "1e5": true, "1E+5": true, "1.5e-5": true,
		"": false, "-": false, "+1": false, "01": false, ".5": false, "1.": false, "1e": false, "1e+": false, "0x1": false, " 1": false, "1 ": false, "NaN": false, "1_0": false, "١": false,
	} {
		if got := isNumber(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	for text, want := range map[string]bool{
		"1e400": true, "1e401": false, "1e-401": false, "1e99999999999999999999": false, strings.Repeat("1", 128): true, strings.Repeat("1", 129): false,
	} {
		if got := boundedNumber(text); got != want {
			t.Errorf("bounded %q: %v", text, got)
		}
	}
}

// The short way of comparing and dividing agrees with exact arithmetic.
func TestShortDecimalsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	literal := func() string {
		s := strconv.FormatInt(r.Int64N(1<<r.IntN(62)+1), 10)
		switch r.IntN(4) {
		case 0:
			s += "." + strconv.FormatInt(r.Int64N(1<<r.IntN(40)+1), 10)
		case 1:
			s += ".0"
		case 2:
			s += "e" + strconv.Itoa(r.IntN(10)-5)
		}
		if r.IntN(3) == 0 {
			s = "-" + s
		}
		return s
	}
	for range 20000 {
		a, b := literal(), literal()
		x, y := rat(a), rat(b)
		if got := compareNumbers(a, b); got != x.Cmp(y) {
			t.Fatalf("compare %s %s: %d", a, b, got)
		}
		if got := newBound(b).compare(a); got != x.Cmp(y) {
			t.Fatalf("bound %s %s: %d", a, b, got)
		}
		if got := isInteger(a); got != x.IsInt() {
			t.Fatalf("integer %s: %v", a, got)
		}
		if y.Sign() > 0 {
			if got, want := newBound(b).divides(a), new(big.Rat).Quo(x, y).IsInt(); got != want {
				t.Fatalf("%s multiple of %s: %v", a, b, got)
			}
		}
	}
}

func TestPatternsMeanWhatECMASays(t *testing.T) {
	for _, test := range []struct {
		source, text string
		want         bool
	}{
		{`^a$`, "a\n", false},
		{`^.$`, "\u2028", false},
		{`^\s$`, "\u00a0", true},
		{`^\S$`, "\u00a0", false},
		{`^[\s]$`, "\ufeff", true},
		{`^\d$`, "١", false},
		{`^\w$`, "é", false},
		{`^\p{Letter}$`, "é", true},
		{`^\p{Script=Greek}$`, "α", true},
		{`^\u00e9$`, "é", true},
		{`^\u{1F600}$`, "😀", true},
		{`^\ud83d\ude00$`, "😀", true},
		{`^\x41$`, "A", true},
		{`^\cJ$`, "\n", true},
		{`^[^]$`, "\n", true},
		{`^[[]$`, "[", true},
		{`^[\]]$`, "]", true},
		{`^\/\-$`, "/-", true},
		{`^a{1,4096}$`, strings.Repeat("a", 4096), true},
		{`^[a-z]{1,4096}$`, strings.Repeat("a", 4097), false},
		{`^[a-zé]{3000}$`, strings.Repeat("é", 3000), true},
		{`^.{2000,}$`, strings.Repeat("a", 1999), false},
		{`^(?<year>\d{4})$`, "2026", true},
		{`^a{`, "a{", true},
		{`^\bx`, "x", true},
		{`^[\b]$`, "\b", true},
		{`^[\s\S]*$`, "a\n \u2028", true},
		{`^[\S]$`, "\u3000", false},
		{`^[\S]$`, "é", true},
		{`^\_$`, "_", true},
		{`^\0$`, "\x00", true},
	} {
		p, err := compilePattern(test.source)
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
			continue
		}
		if got := p.MatchString(test.text); got != test.want {
			t.Errorf("%s on %.20q: %v", test.source, test.text, got)
		}
	}
	for _, source := range []string{`(?=a)`, `(?!a)`, `(?<=a)b`, `(?<!a)b`, `(a)\1`, `\k<a>`, `(?P<a>b)`, `[]`, `[a`, `(a`, `a**`, `\Aa\z`, `\u12`, `\ud83d`, `\p{None}`, `\`, `^[a]{5000,1}$`, strings.Repeat("a", 5000)} {
		if _, err := compilePattern(source); err == nil {
			t.Errorf("%.20s compiles", source)
		}
	}
}

// Every code point is either white space or not.
func TestWhiteSpaceHasAnExactComplement(t *testing.T) {
	space, _ := compilePattern(`^\s$`)
	other, _ := compilePattern(`^[\S]$`)
	for r := rune(0); r <= 0x10ffff; r++ {
		if s := string(r); space.MatchString(s) == other.MatchString(s) {
			t.Fatalf("%U", r)
		}
	}
}

func TestFormatsAreAsserted(t *testing.T) {
	for format, cases := range map[string]struct{ good, bad []string }{
		"uuid":          {[]string{"8d1c2a70-0000-4000-8000-000000000001", "8D1C2A70-0000-4000-8000-000000000001"}, []string{"", "8d1c2a70000040008000000000000001", "{8d1c2a70-0000-4000-8000-000000000001}", "8d1c2a70-0000-4000-8000-00000000000g"}},
		"date":          {[]string{"2024-02-29"}, []string{"2023-02-29", "2024-2-9", "2024-02-30", "+024-02-01", "2024/02/01"}},
		"time":          {[]string{"10:00:00Z", "23:59:60Z", "10:00:00.123+02:00", "00:59:60+01:00"}, []string{"10:00:00", "24:00:00Z", "10:00:60Z", "10:00:00.Z", "10:00:00+2:00", "10:00:00+24:00", "1:00:00Z"}},
		"date-time":     {[]string{"2026-11-21T10:00:00Z", "2026-11-21t10:00:00z"}, []string{"2026-11-21 10:00:00Z", "2026-11-21T10:00:00", "2026-11-21T"}},
		"duration":      {[]string{"P1Y2M3DT4H5M6S", "PT1M", "P4W", "P1D"}, []string{"P", "PT", "P1", "P1M1Y", "P1YT", "P1Y1D", "1D", "P1W1D", "P-1D"}},
		"email":         {[]string{"a@example.com", "a.b+c@example.co.uk", `"a b"@example.com`, "a@[127.0.0.1]", "a@[IPv6:::1]"}, []string{"a", "@b", "a@", ".a@b.c", "a..b@c.d", "a b@c.d", "é@b.c", "a@b_c", "a@[1]", "a@b@c"}},
		"idn-email":     {[]string{"é@exämple.com"}, []string{"é", "é@a b"}},
		"hostname":      {[]string{"a", "a.b-c.example", "xn--bcher-kva.example", "1.2"}, []string{"", ".", "a.", "-a", "a-", "a_b", "ab--c", strings.Repeat("a", 64), "a b", "é"}},
		"ipv4":          {[]string{"1.2.3.4"}, []string{"1.2.3", "01.2.3.4", "256.1.1.1", "::1", "1.2.3.4 "}},
		"ipv6":          {[]string{"::1", "2001:db8::1.2.3.4"}, []string{"1.2.3.4", "::1%eth0", "12345::", ":::"}},
		"uri":           {[]string{"https://a.example/x?y#z", "urn:a:b", "http://[::1]:80/", "mailto:a@b"}, []string{"/a", "//a", "http://a b", "http://a/%zz", "http://[::1", "a:b#c#d", "http://a:x/", "http://é", "1a:b", `http://a\b`}},
		"uri-reference": {[]string{"/a", "", "a?b", "../x", "#f"}, []string{"a b", "%", "1:2", `\`}},
		"json-pointer":  {[]string{"", "/a~0~1", "/"}, []string{"a", "/~", "/~2"}},
		"regex":         {[]string{"^a$"}, []string{"(", "(?=a)"}},
		"byte":          {[]string{"", "YQ==", "YWI="}, []string{"YQ", "YQ=", "Y-==", "YR==", "YQ==\n"}},
	} {
		check := stringFormats[format]
		for _, s := range cases.good {
			if !check(s) {
				t.Errorf("%s: %q refused", format, s)
			}
		}
		for _, s := range cases.bad {
			if check(s) {
				t.Errorf("%s: %q taken", format, s)
			}
		}
	}
	for format, cases := range map[string]struct{ good, bad []string }{
		"int32":  {[]string{"2147483647", "-2147483648", "1.0", "1e3"}, []string{"2147483648", "1.5", "1e10"}},
		"int64":  {[]string{"9223372036854775807", "-9223372036854775808"}, []string{"9223372036854775808", "0.1"}},
		"float":  {[]string{"3.4e38", "-1.5"}, []string{"3.5e38", "-1e39"}},
		"double": {[]string{"1.7e308"}, []string{"1.8e308"}},
	} {
		check := numberFormats[format]
		for _, s := range cases.good {
			if !check(s) {
				t.Errorf("%s: %q refused", format, s)
			}
		}
		for _, s := range cases.bad {
			if check(s) {
				t.Errorf("%s: %q taken", format, s)
			}
		}
	}
}
