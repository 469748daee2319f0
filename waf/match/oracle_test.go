// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
	"rsc.io/binaryregexp"
)

// oracle is what Coraza's operators do with a pattern.
func oracle(t testing.TB, p Pattern) func(string) bool {
	t.Helper()
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

// rulePatterns reads all expressions and phrase lists of the core rule set's
// request rules, in order and without repetitions.
func rulePatterns(t testing.TB) []Pattern {
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
		text := strings.ReplaceAll(string(content), "\\\n", "")
		for _, m := range operator.FindAllStringSubmatch(text, -1) {
			if seen[m[0]] {
				continue
			}
			seen[m[0]] = true
			argument := strings.ReplaceAll(m[2], `\"`, `"`)
			p := Pattern{}
			switch m[1] {
			case "rx":
				p = RX(argument)
			case "pm":
				p = PM(argument)
			default:
				list, err := fs.ReadFile(coreruleset.FS, "@owasp_crs/"+argument)
				if err != nil {
					t.Fatal(err)
				}
				p = PhraseFile(string(list))
			}
			p.ID = len(out)
			out = append(out, p)
		}
	}
	return out
}
