// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"durward"
)

// isOf tells whether a text is of a language.
func isOf(l *durward.Language, text string) bool {
	if l.Texts != nil {
		return slices.Contains(l.Texts, text)
	}
	for _, expr := range l.Exprs {
		if !regexp.MustCompile(expr).MatchString(text) {
			return false
		}
	}
	return l.Most == 0 || len(text) <= l.Most
}

func hasOne(list []durward.Language, text string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(l durward.Language) bool { return isOf(&l, text) })
}

// outside gives the first value of JSON content that is not as proven, and how
// many values were held against a language.
func outside(p *durward.Proof, v any, path string) (where string, held int) {
	if p == nil {
		return "", 0
	}
	text := ""
	switch v := v.(type) {
	case map[string]any:
		for name, one := range v {
			child, named := p.Members[name]
			if !named {
				child = p.Rest
			}
			at, n := outside(child, one, path+"/"+name)
			if held += n; at != "" {
				return at, held
			}
		}
		return "", held
	case []any:
		for i, one := range v {
			at, n := outside(p.Items, one, path+"/"+strconv.Itoa(i))
			if held += n; at != "" {
				return at, held
			}
		}
		return "", held
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	}
	if !hasOne(p.Texts, text) {
		return path + ": " + text, 1
	}
	return "", min(len(p.Texts), 1)
}

func takes(s *schema, text string) bool {
	lim := (&Config{}).limits()
	w := &work{}
	w.c.t, w.c.out, w.c.lim, w.c.in = &w.t, &w.out, &lim, "body"
	return w.value(nil, s, text) == nil && len(w.out) == 0
}

// checkProof holds a text that a schema takes against what is proven of it.
func checkProof(t *testing.T, source string, s *schema, p *durward.Proof, text string) (taken bool, held int) {
	t.Helper()
	if !takes(s, text) {
		return false, 0
	}
	v, err := readJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	where, held := outside(p, v, "")
	if where != "" {
		t.Fatalf("%s\ntakes %s, but it is proven that it does not: %s", source, text, where)
	}
	return true, held
}

func TestWhatASchemaTakesIsAsProven(t *testing.T) {
	r := random{rand.New(rand.NewPCG(21, 22))}
	taken, held := 0, 0
	for round := range 1500 {
		part := r.planned(3)
		if round%2 == 0 {
			part = r.schema(3)
		}
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		source := `{"allOf":[` + string(text) + `],` + passLibrary + `}`
		for _, v := range []variant{{}, {closed: true}} {
			s, _ := once(t, source, v)
			p := newProver().proof(conjunction{s})
			for range 12 {
				value, err := json.Marshal(r.value(3))
				if err != nil {
					t.Fatal(err)
				}
				ok, n := checkProof(t, source, s, p, string(value))
				if held += n; ok {
					taken++
				}
			}
		}
	}
	if taken < 2000 || held < 1000 {
		t.Errorf("the samples are one-sided: %d values taken, %d held against a language", taken, held)
	}
}

// Schemas as people write them, with values on the border.
func TestWhatIsProven(t *testing.T) {
	for _, tt := range []struct {
		name, schema string
		text         string // that fits
		want         []durward.Language
	}{
		{"an integer", `{"type":"integer"}`, `1e2`, []durward.Language{{Exprs: []string{durward.NumberExpr}, Most: 128}}},
		{"a boolean", `{"type":"boolean"}`, `true`, []durward.Language{{Texts: []string{"false", "true"}}}},
		{"what may be null", `{"type":["boolean","null"]}`, `null`, []durward.Language{{Texts: []string{""}}, {Texts: []string{"false", "true"}}}},
		{"constants", `{"type":"string","enum":["a","b",1]}`, `"b"`, []durward.Language{{Texts: []string{"a", "b"}}}},
		{"one constant", `{"const":"x"}`, `"x"`, []durward.Language{{Texts: []string{"x"}}}},
		{"a pattern", `{"type":"string","pattern":"^[a-c]+$"}`, `"abc"`, []durward.Language{{Exprs: []string{"^[a-c]+$"}}}},
		{"a length in characters", `{"type":"string","maxLength":3}`, `"\u4e2d\u4e2d\u4e2d"`, []durward.Language{{Most: 12}}},
		{"no character at all", `{"type":"string","maxLength":0}`, `""`, []durward.Language{{Most: 1}}},
		{"a format", `{"type":"string","format":"date"}`, `"2024-02-29"`, []durward.Language{{Exprs: []string{formatExprs["date"]}}}},
		{"all of several", `{"type":"string","allOf":[{"pattern":"^a"},{"format":"uuid"},{"maxLength":36}]}`, `"a0000000-0000-0000-0000-000000000000"`,
			[]durward.Language{{Exprs: []string{"^a", formatExprs["uuid"]}, Most: 144}}},
		{"one of several", `{"oneOf":[{"type":"string","format":"date"},{"type":"string","enum":["never"]}]}`, `"never"`,
			[]durward.Language{{Exprs: []string{formatExprs["date"]}}, {Texts: []string{"never"}}}},
		{"constants of which another schema takes some", `{"enum":["a","b"],"allOf":[{"enum":["b","c"]}]}`, `"b"`, []durward.Language{{Texts: []string{"b"}}}},
		{"a long pattern that is counted", `{"type":"string","pattern":"^[a-z]{1,2000}$"}`, `"abc"`, []durward.Language{{Exprs: []string{"^[a-z]*$"}, Most: 8000}}},
		{"a lookahead", `{"type":"string","pattern":"^(?=.*[0-9])(?!x)[a-z0-9]+$"}`, `"a1"`,
			[]durward.Language{{Exprs: []string{"^[a-z0-9]+$", `^(?:[^\n\r\x{2028}\x{2029}]*[0-9])`}}}},
		{"any string", `{"type":"string"}`, `"<script>"`, nil},
		{"a format that is a hint", `{"type":"string","format":"password"}`, `"<"`, nil},
		{"a string or a number", `{"type":["string","integer"]}`, `"<"`, nil},
		{"no type: a number is checked, a string is not", `{"minimum":1}`, `"<"`, nil},
		{"what is not", `{"type":"string","not":{"pattern":"x"}}`, `"<"`, nil},
		{"a format for some", `{"type":"string","if":{"maxLength":3},"then":{"format":"date"}}`, `"<<<<"`, nil},
		{"everything", `{}`, `"<"`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := once(t, tt.schema, variant{})
			p := newProver().proof(conjunction{s})
			if ok, _ := checkProof(t, tt.schema, s, p, tt.text); !ok {
				t.Fatal("the sample does not fit")
			}
			var got []durward.Language
			if p != nil {
				got = p.Texts
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v", got)
			}
			for i, l := range got {
				w := tt.want[i]
				if !slices.Equal(l.Texts, w.Texts) || !slices.Equal(l.Exprs, w.Exprs) || l.Most != w.Most {
					t.Errorf("got %+v, want %+v", l, w)
				}
			}
		})
	}
}

func TestEveryTextOfAFormatIsOfItsLanguage(t *testing.T) {
	samples := []string{
		"2024-02-29", "2024-02-29t23:59:60Z", "2024-02-29T01:02:03.5+05:30", "23:59:60Z", "01:02:03.123456z", "12:00:00-08:00",
		"f81d4fae-7dec-11d0-A765-00a0c91e6bf6", "P1Y2M3DT4H5M6S", "P4W", "PT1H", "a.b-c.example", "xn--bcher-kva.example", "192.0.2.1",
		"2001:db8::1", "::ffff:192.0.2.1", "YQ==", "", "a@b.example", `"a b"@[192.0.2.1]`, `"\""@[IPv6:::1]`, "a+b!#$%&'*/=?^_`{|}~@x",
		"https://u:p@[::1]:80/a;b?c=d&e#f", "urn:isbn:1", "//x/y", "../a", "?q='(x)'", "#", "a%20b", "mailto:a@b",
	}
	for name, expr := range formatExprs {
		re, fits := regexp.MustCompile(expr), 0
		for _, s := range samples {
			if stringFormats[name](s) {
				if fits++; !re.MatchString(s) {
					t.Errorf("%q is a %s and not of %s", s, name, expr)
				}
			}
		}
		if fits == 0 {
			t.Errorf("no sample is a %s", name)
		}
	}
}

func FuzzFormatsAreOfTheirLanguages(f *testing.F) {
	for _, s := range []string{"2024-02-29T01:02:03.5+05:30", "f81d4fae-7dec-11d0-A765-00a0c91e6bf6", `"a\"b"@[IPv6:::1]`, "P4W", "http://[v1.a]:1/?#", "YQ==", "::1", "1e5"} {
		f.Add(s)
	}
	compiled := map[string]*regexp.Regexp{}
	for name, expr := range formatExprs {
		compiled[name] = regexp.MustCompile(expr)
	}
	numbers := regexp.MustCompile(durward.NumberExpr)
	f.Fuzz(func(t *testing.T, s string) {
		for name, re := range compiled {
			if stringFormats[name](s) && !re.MatchString(s) {
				t.Errorf("%q is a %s and not of its language", s, name)
			}
		}
		if isNumber(s) != numbers.MatchString(s) && !numbers.MatchString(s) {
			t.Errorf("%q is a number and not of its language", s)
		}
	})
}

// FuzzProof holds any content that a schema takes against what is proven of it.
func FuzzProof(f *testing.F) {
	sources := []string{
		`{"type":"object","properties":{"a":{"type":["integer","null"]},"b":{"enum":["x","y",1,true]},"c":{"format":"date-time"}},"additionalProperties":{"type":"string","pattern":"^[a-z]+$"}}`,
		`{"$ref":"#/$defs/node",` + passLibrary + `}`, `{"items":{"$ref":"#/$defs/choice"},` + passLibrary + `}`,
		`{"patternProperties":{"^a":{"type":"integer"}},"properties":{"ab":{"enum":[1,2]}},"additionalProperties":{"format":"uuid","type":"string"}}`,
		`{"anyOf":[{"type":"string","maxLength":2},{"type":"array","prefixItems":[{"type":"integer"}],"items":{"const":"z"}},{"type":"object","not":{"required":["q"]},"properties":{"q":false}}]}`,
	}
	type compiled struct {
		s *schema
		p *durward.Proof
	}
	var all []compiled
	for i, source := range sources {
		s, _ := once(f, source, variant{})
		all = append(all, compiled{s, newProver().proof(conjunction{s})})
		for _, seed := range []string{`{"a":1e2,"b":"x","c":"2024-02-29T01:02:03Z","d":"abc"}`, `[{"a":1,"b":null},"x"]`, `{"ab":1,"x":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}`, `"\u4e2d\u4e2d"`, `[1,"z"]`, `{"a":{"a":{},"b":[1,"x",null]}}`} {
			f.Add(i, seed)
		}
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		one := all[uint(i)%uint(len(all))]
		checkProof(t, sources[uint(i)%uint(len(all))], one.s, one.p, text)
	})
}
