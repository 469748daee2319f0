// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// source is all Go code of the repository but its tests.
func source(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMetricsThatTheDocumentsNameExist(t *testing.T) {
	code := source(t)
	metric := regexp.MustCompile(`durward_[a-z_]+[a-z]`)
	found := 0
	for _, doc := range documents(t) {
		for _, name := range metric.FindAllString(page(t, doc), -1) {
			found++
			if !strings.Contains(code, `"`+strings.TrimPrefix(name, "durward_")+`"`) {
				t.Errorf("%s names the metric %s, which does not exist", doc, name)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d metrics were found", found)
	}
}

func TestThePipelinePageNamesEveryStage(t *testing.T) {
	text := page(t, "docs/features/pipeline.md")
	stages := regexp.MustCompile(`func \([^)]*\) Name\(\) string\s*\{ return (?:"([a-z-]+)"|StageName|s\.name) \}`)
	found := 0
	for _, m := range stages.FindAllStringSubmatch(source(t), -1) {
		if m[1] != "" {
			found++
			if !strings.Contains(text, "`"+m[1]+"`") {
				t.Errorf("it says nothing of the stage %s", m[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d stages were found", found)
	}
}

// row is a row of a table test: its first member is its name.
var row = regexp.MustCompile(`(?m)^\t\t?\{"([^"]+)", `)

// unwrapped puts each paragraph and each item of a list on one line.
func unwrapped(text string) string {
	return regexp.MustCompile(`\n *([^\n |*#])`).ReplaceAllString(text, " $1")
}

// tables are the variables of tests whose rows stand outside of them.
var tables = map[string]string{
	"TestHostileRequestsAreRefusedByTheRuleThatTheyBreak": "var hostile = ",
	"TestRequestsAreReadAsTheyWereSent":                   "var accepted = ",
}

func TestTheCanonicalRequestPageHasEveryRow(t *testing.T) {
	text := unwrapped(page(t, "docs/canonical-request.md"))
	for file, tests := range map[string][]string{
		"route/canonical_test.go":       {"TestAPathHasOneCanonicalForm", "TestARequestThatCanBeReadInTwoWaysIsRefused", "TestWhatIsUsualPasses", "TestAHostHasOneCanonicalForm"},
		"route/client_test.go":          {"TestTheClientIsTheNearestHopThatIsNoProxy"},
		"listen/http1/hostile_test.go":  {"TestHostileRequestsAreRefusedByTheRuleThatTheyBreak"},
		"listen/http1/request_test.go":  {"TestRequestsAreReadAsTheyWereSent", "TestContentThatCannotBeReadEndsTheConnection"},
		"listen/http1/exchange_test.go": {"TestConnectionsGoOnOrEndAsTheRequestsSay"},
	} {
		code := page(t, file)
		for _, name := range tests {
			_, body, ok := strings.Cut(code, cmp.Or(tables[name], "func "+name+"("))
			if !ok || !strings.Contains(code, "func "+name+"(") {
				t.Errorf("%s has no %s", file, name)
				continue
			}
			body, _, _ = strings.Cut(body, "\n}\n")
			section, _, _ := strings.Cut(text[max(strings.Index(text, "`"+name+"`"), 0):], "\n## ")
			rows := row.FindAllStringSubmatch(body, -1)
			if len(rows) < 10 {
				t.Errorf("only %d rows of %s were found", len(rows), name)
			}
			for _, r := range rows {
				if !strings.Contains(section, "\n| "+r[1]+" |") && !strings.Contains(section, "\n* "+r[1]+"\n") && !strings.Contains(section, ": "+r[1]+";") && !strings.Contains(section, "; "+r[1]) {
					t.Errorf("its part on %s leaves out %q", name, r[1])
				}
			}
		}
	}
}

func TestTheCanonicalRequestPageHasEveryFaultOfTheWire(t *testing.T) {
	text := unwrapped(page(t, "docs/canonical-request.md"))
	faults := regexp.MustCompile(`&fault\{durward\.\w+, "([^"]+)"\}`).FindAllStringSubmatch(page(t, "listen/http1/faults.go"), -1)
	if len(faults) < 30 {
		t.Errorf("only %d faults were found", len(faults))
	}
	for _, f := range faults {
		if !strings.Contains(text, "| "+f[1]+" |") && !strings.Contains(text, "`"+f[1]+"`") {
			t.Errorf("it leaves out %q", f[1])
		}
	}
}

func TestEveryDirectDependencyHasItsReason(t *testing.T) {
	text := page(t, "docs/adr/0013-direct-dependencies.md")
	var modules []string
	for _, m := range regexp.MustCompile(`(?m)^\| (\S+\.\S+/\S+|go\.\S+)`).FindAllStringSubmatch(text, -1) {
		modules = append(modules, m[1])
	}
	used := map[string]bool{}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, imported := range list {
				first, _, _ := strings.Cut(imported, "/")
				if !strings.Contains(first, ".") {
					continue // the standard library, or this module
				}
				named := false
				for _, m := range modules {
					if imported == m || strings.HasPrefix(imported, m+"/") {
						named, used[m] = true, true
					}
				}
				if !named {
					t.Errorf("%s imports %s, which has no reason in docs/adr", p.ImportPath, imported)
				}
			}
		}
	}
	for _, m := range modules {
		if !used[m] {
			t.Errorf("the page gives a reason for %s, which nobody imports", m)
		}
	}
}
