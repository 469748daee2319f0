// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
	"rsc.io/binaryregexp"
)

// ruleCache is shared by the tests that hold the rules' patterns against texts:
// to compile them takes longer than most of these tests.
var ruleCache = sync.OnceValue(func() *Cache { return NewCache(0) })

// oracles are by what they match.
var oracles sync.Map

// oracle is what Coraza's operators do with a pattern.
func oracle(t testing.TB, p Pattern) func(string) bool {
	t.Helper()
	key := fmt.Sprint(p.Binary, p.Expr, strings.Join(p.Phrases, "\x00"))
	if known, ok := oracles.Load(key); ok {
		return known.(func(string) bool)
	}
	made := newOracle(p)
	oracles.Store(key, made)
	return made
}

func newOracle(p Pattern) func(string) bool {
	switch {
	case p.Phrases != nil:
		b := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{
			AsciiCaseInsensitive: true, MatchKind: ahocorasick.LeftMostLongestMatch, DFA: true,
		})
		ac := b.Build(p.Phrases)
		return func(s string) bool { return ac.Iter(s).Next() != nil }
	case p.Binary:
		return binaryregexp.MustCompile(p.Expr).MatchString
	}
	return regexp.MustCompile(p.Expr).MatchString
}

// rulePatterns reads all expressions and phrase lists of the core rule set, in
// order and without repetitions.
func rulePatterns(t testing.TB) []Pattern {
	t.Helper()
	return readRules(t, func(string) bool { return true })
}

// argPatterns are those that rules of the first paranoia level hold against
// arguments: the set that most values of a request meet.
func argPatterns(t testing.TB) []Pattern {
	t.Helper()
	return readRules(t, func(rule string) bool {
		variables, _, _ := strings.Cut(rule, ` "`)
		return strings.Contains(variables, "|ARGS|") && strings.Contains(rule, "paranoia-level/1'")
	})
}

func readRules(t testing.TB, wanted func(rule string) bool) []Pattern {
	t.Helper()
	files, err := fs.Glob(coreruleset.FS, "@owasp_crs/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rule files: %v", err)
	}
	operator := regexp.MustCompile(`"!?@(rx|pm|pmFromFile) ((?:[^"\\]|\\.)*)"`)
	var out []Pattern
	seen := map[string]bool{}
	for _, name := range files {
		content, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range strings.Split(strings.ReplaceAll(string(content), "\\\n", ""), "\n") {
			m := operator.FindStringSubmatch(rule)
			if m == nil || !strings.HasPrefix(strings.TrimSpace(rule), "SecRule") || !wanted(rule) || seen[m[0]] {
				continue
			}
			seen[m[0]] = true
			p := rulePattern(t, m[1], strings.ReplaceAll(m[2], `\"`, `"`))
			p.ID = len(out)
			out = append(out, p)
		}
	}
	return out
}

func rulePattern(t testing.TB, operator, argument string) Pattern {
	t.Helper()
	switch operator {
	case "rx":
		return RX(argument)
	case "pm":
		return PM(argument)
	}
	list, err := fs.ReadFile(coreruleset.FS, "@owasp_crs/"+argument)
	if err != nil {
		t.Fatal(err)
	}
	return PhraseFile(string(list))
}
