// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"durward/probe/finding"
)

var update = flag.Bool("update", false, "write the table of docs/features/probe-checks.md anew")

const checksPage = "../docs/features/probe-checks.md"

// table is that of all kinds, by check and in the order of Checks.
func table() string {
	var out strings.Builder
	out.WriteString("| check | finding | what it is | severity | CWE | OWASP | what is compared |\n|---|---|---|---|---|---|---|\n")
	for _, k := range Checks() {
		for _, kind := range k.Kinds {
			fmt.Fprintf(&out, "| %s | `%s` | %s | %s | [%d](https://cwe.mitre.org/data/definitions/%d.html) | %s | %s |\n",
				k.Name, kind.ID, cell(kind.Title), kind.Severity, kind.CWE, kind.CWE, kind.OWASP, cell(kind.Oracle))
		}
	}
	return out.String()
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }

func TestThePageOfChecksHasEveryKind(t *testing.T) {
	page, err := os.ReadFile(checksPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- kinds -->\n", "<!-- /kinds -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q", checksPage, begin)
	}
	if *update {
		if err := os.WriteFile(checksPage, []byte(before+begin+table()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table() {
		t.Errorf("%s is not the table of today: run go test ./probe -run TestThePageOfChecks -update", checksPage)
	}
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func TestEveryKindSaysWhatItIs(t *testing.T) {
	titles := map[string]string{}
	for _, k := range Checks() {
		if !kebab.MatchString(k.Name) || len(k.Kinds) == 0 || k.API == nil && k.Operation == nil {
			t.Errorf("check %q is not whole", k.Name)
		}
		for _, kind := range k.Kinds {
			if title, twice := titles[kind.ID]; twice && title != kind.Title {
				t.Errorf("%s is the id of two kinds", kind.ID)
			}
			titles[kind.ID] = kind.Title
			severities := []finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Info}
			if !kebab.MatchString(kind.ID) || kind.Title == "" || strings.HasSuffix(kind.Title, ".") || kind.CWE == 0 ||
				!strings.HasPrefix(kind.OWASP, "API") || !slices.Contains(severities, kind.Severity) || kind.Oracle == "" || kind.Advice == "" {
				t.Errorf("%s is not whole: %+v", kind.ID, kind)
			}
		}
	}
}
