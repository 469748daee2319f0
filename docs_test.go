// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"durward"
)

// page reads a document of the repository.
func page(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// documents lists every Markdown file of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md"):
			all = append(all, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// exists tells whether a path of the repository is there, with a * perhaps.
func exists(name string) bool {
	found, err := filepath.Glob(filepath.FromSlash(name))
	return err == nil && len(found) > 0
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(withoutCode(page(t, doc)), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if full := path.Join(path.Dir(doc), target); !exists(full) {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			}
		}
	}
}

var fence = regexp.MustCompile("(?ms)^```.*?^```$")

func withoutCode(text string) string { return fence.ReplaceAllString(text, "") }

func TestEveryProblemCodeHasItsPage(t *testing.T) {
	index := page(t, "docs/problems/README.md")
	want := map[string]bool{"README.md": true}
	for _, k := range durward.Kinds() {
		name := string(k.Code) + ".md"
		want[name] = true
		text := page(t, "docs/problems/"+name)
		status := strconv.Itoa(k.Status)
		for _, line := range []string{"# " + string(k.Code), "* Status: " + status, "* Title: " + k.Title,
			"## When", "## What the caller can do", "## What the operator looks for", "## Example"} {
			if !slices.Contains(strings.Split(text, "\n"), line) {
				t.Errorf("%s has no line %q", name, line)
			}
		}
		if line := "| [" + string(k.Code) + "](" + name + ") | " + status + " | " + k.Title + " |"; !strings.Contains(index, line) {
			t.Errorf("the index has no line %q", line)
		}
		checkExample(t, name, text, k)
	}
	pages, err := os.ReadDir("docs/problems")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if !want[p.Name()] {
			t.Errorf("docs/problems/%s is about no code", p.Name())
		}
	}
}

// checkExample holds the example answer of a page against what the gateway
// sends: the same members in the same order.
func checkExample(t *testing.T, name, text string, k durward.Kind) {
	t.Helper()
	_, example, found := strings.Cut(text, "```json\n")
	example, _, closed := strings.Cut(example, "\n```")
	if !found || !closed {
		t.Errorf("%s has no example", name)
		return
	}
	var got struct {
		RequestID string `json:"request_id"`
		Errors    []struct{ In, Name, Pointer, Detail string }
		Violated  []string `json:"violated-policies"`
	}
	if err := json.Unmarshal([]byte(example), &got); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	var violations durward.Violations
	for _, e := range got.Errors {
		violations = append(violations, durward.Violation{In: e.In, Name: e.Name + e.Pointer, Reason: e.Detail})
	}
	p := durward.NewProblem("", &durward.Decision{Code: k.Code, Err: violations}, &durward.Exchange{ID: got.RequestID, Violated: got.Violated})
	compact := regexp.MustCompile(`\n *`).ReplaceAllString(strings.ReplaceAll(example, `": `, `":`), "")
	if want := string(p.AppendJSON(nil)); compact != want {
		t.Errorf("%s shows\n%s\nand the gateway answers\n%s", name, compact, want)
	}
}

// testNames lists every test and fuzz target, by package folder.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w+)\(`)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := os.ReadFile(name)
		for _, m := range function.FindAllStringSubmatch(string(b), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)

func TestTestsThatTheDocumentsNameExist(t *testing.T) {
	names := testNames(t)
	for _, doc := range documents(t) {
		for _, name := range testName.FindAllString(page(t, doc), -1) {
			if !names[name] {
				t.Errorf("%s names the test %s, which does not exist", doc, name)
			}
		}
	}
}

// rows are the rows of the requirements, in their order.
func rows() []string {
	var all []string
	for _, part := range []struct {
		letter string
		count  int
	}{{"G", 11}, {"R", 5}, {"I", 9}, {"T", 6}, {"A", 6}, {"C", 7}, {"L", 9}, {"S", 6}, {"O", 8}} {
		for i := range part.count {
			all = append(all, part.letter+strconv.Itoa(i+1))
		}
	}
	return all
}

var script = regexp.MustCompile(`[\w-]+\.txtar`)

func TestTheCoverageTableIsWhole(t *testing.T) {
	names := testNames(t)
	seen := map[string]bool{}
	for line := range strings.Lines(page(t, "docs/coverage.md")) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 8 || !slices.Contains(rows(), strings.TrimSpace(cells[1])) {
			continue
		}
		row, state, tests := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[3]), cells[6]
		if seen[row] {
			t.Errorf("row %s stands twice", row)
		}
		seen[row] = true
		switch state {
		case "later":
			continue
		case "whole", "first version", "partly":
		default:
			t.Errorf("row %s has the state %q", row, state)
		}
		if !link.MatchString(cells[5]) {
			t.Errorf("row %s names no page", row)
		}
		found := 0
		for _, name := range testName.FindAllString(tests, -1) {
			found++
			if !names[name] {
				t.Errorf("row %s names the test %s, which does not exist", row, name)
			}
		}
		for _, name := range script.FindAllString(tests, -1) {
			found++
			if !exists("cmd/durward/testdata/script/" + name) {
				t.Errorf("row %s names the script %s, which does not exist", row, name)
			}
		}
		if found == 0 {
			t.Errorf("row %s names no test", row)
		}
	}
	scripts, err := filepath.Glob("cmd/durward/testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts were found", err)
	}
	table := page(t, "docs/coverage.md")
	for _, s := range scripts {
		if !strings.Contains(table, " "+filepath.Base(s)+" ") {
			t.Errorf("no row names the script %s", filepath.Base(s))
		}
	}
	for _, row := range rows() {
		if !seen[row] {
			t.Errorf("row %s is missing", row)
		}
	}
}

// field is a configuration key in backquotes.
var field = regexp.MustCompile("`([a-z_]+(?:\\[\\])?(?:\\.(?:<name>|[a-z_]+)(?:\\[\\])?)+)`")

func TestConfigurationKeysOfTheCoverageTableExist(t *testing.T) {
	reference := page(t, "docs/configuration.md")
	for _, doc := range []string{"docs/coverage.md", "docs/failure-policy.md"} {
		for _, m := range field.FindAllStringSubmatch(page(t, doc), -1) {
			if exists(m[1]) || exists(m[1]+"*") { // a file
				continue
			}
			if !strings.Contains(reference, "`"+m[1]) {
				t.Errorf("%s names the field %s, which does not exist", doc, m[1])
			}
		}
	}
}

func TestThePathsOfTheArchitectureExist(t *testing.T) {
	text := page(t, "ARCHITECTURE.md")
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z][\\w./*-]*(?:/|\\.(?:go|md|txtar|yaml|sh)))`").FindAllStringSubmatch(text, -1) {
		named[m[1]] = true
	}
	for m := range strings.Lines(text) { // the tree: a path, two blanks, what it is
		if name, _, ok := strings.Cut(m, "  "); ok && regexp.MustCompile(`^[\w./]+/$`).MatchString(name) {
			named[name] = true
		}
	}
	if len(named) < 20 {
		t.Fatalf("only %d paths were found in it", len(named))
	}
	for name := range named {
		if !exists(strings.TrimSuffix(name, "/")) {
			t.Errorf("ARCHITECTURE.md names %s, which is not there", name)
		}
	}
	for _, p := range listPackages(t) {
		rel := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "durward"), "/")
		if rel != "" && !named[rel+"/"] {
			t.Errorf("ARCHITECTURE.md says nothing of %s/", rel)
		}
	}
}

func TestWhatTheReadmeRunsExists(t *testing.T) {
	makefile := page(t, "Makefile")
	program := page(t, "cmd/durward/main.go")
	commands := map[string]bool{}
	for _, doc := range documents(t) {
		for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(page(t, doc), -1) {
			for line := range strings.Lines(block[1]) {
				words := strings.Fields(line)
				for i, w := range words {
					switch {
					case w == "#":
					case w == "make" && i+1 < len(words) && (i == 0 || words[i-1] == "&&"):
						if !regexp.MustCompile(`(?m)^` + words[i+1] + `:`).MatchString(makefile) {
							t.Errorf("%s runs make %s, which is no target", doc, words[i+1])
						}
					case path.Base(w) == "durward" && i+1 < len(words) && (i == 0 || words[i-1] == "&&") && words[i+1][0] != '-':
						commands[words[i+1]] = true
					}
				}
			}
		}
	}
	if len(commands) < 5 {
		t.Fatalf("only %d commands were found", len(commands))
	}
	for c := range maps.Keys(commands) {
		if !strings.Contains(program, strings.ToUpper(c[:1])+c[1:]+" ") {
			t.Errorf("a document runs durward %s, which is no command", c)
		}
	}
}
