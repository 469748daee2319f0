// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Operators write documents by the page, so it lists exactly what is checked.
func TestTheFormatTableIsTheDocumentedOne(t *testing.T) {
	page, err := os.ReadFile("../docs/features/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (string|number) \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		if documented[m[1]] != "" {
			t.Errorf("%s is in the table twice", m[1])
		}
		documented[m[1]] = m[2]
	}
	checked := map[string]string{}
	for name := range stringFormats {
		checked[name] = "string"
	}
	for name := range numberFormats {
		checked[name] = "number"
	}
	if diff := cmp.Diff(checked, documented); diff != "" {
		t.Errorf("what is checked (-) and what is documented (+):\n%s", diff)
	}
}

// No format lets everything through, none panics on anything, and none is
// asserted of another type.
func TestEveryFormatRefusesSomethingAndTakesOtherTypes(t *testing.T) {
	tricks := []string{"", " ", "\x00", "\xff", "é", "-", "%", "a b", "1e400", "-0", "P", "T", "[", "//", "/~", "@", "0x1", "٣"}
	for name, check := range stringFormats {
		if !slices.ContainsFunc(tricks, func(s string) bool { return !check(s) }) {
			t.Errorf("%s refuses nothing", name)
		}
		s, pl := once(t, `{"format":"`+name+`"}`, variant{})
		for _, other := range []string{`1`, `null`, `[]`, `{}`, `true`} {
			if tree, pass, _ := both(s, pl, other, (&Config{}).limits()); !tree || !pass {
				t.Errorf("%s is asserted of %s", name, other)
			}
		}
	}
	for name := range maps.Keys(numberFormats) {
		s, pl := once(t, `{"format":"`+name+`"}`, variant{})
		for text, want := range map[string]bool{`"x"`: true, `null`: true, `1e400`: false, `-1e400`: false, `0`: true, `-0`: true, `-0.0`: true} {
			if tree, pass, _ := both(s, pl, text, (&Config{}).limits()); tree != want || pass != want {
				t.Errorf("%s of %s: by the tree %v, in one pass %v, want %v", name, text, tree, pass, want)
			}
		}
	}
}
