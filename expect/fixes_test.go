// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"regexp"
	"strings"
	"testing"

	"durward/config"
	"durward/internal/strictyaml"
	"durward/probe"
	"durward/probe/finding"
)

// blank is a word for people: <your issuer>.
var blank = regexp.MustCompile(`<[^>]*>`)

// A finding that names a configuration names one that there is: fields of an
// API, of an operation, or of the whole document.
func TestEveryFixIsConfiguration(t *testing.T) {
	seen := map[string]finding.Kind{}
	for _, c := range probe.Checks() {
		if c.Name == "" || len(c.Kinds) == 0 {
			t.Errorf("check %q can find nothing", c.Name)
		}
		for _, k := range c.Kinds {
			if other, twice := seen[k.ID]; twice && other.Title != k.Title {
				t.Errorf("%s of %s is another kind elsewhere", k.ID, c.Name)
			}
			seen[k.ID] = k
			checkKind(t, k)
		}
	}
	if len(seen) < 2 {
		t.Errorf("only %d kinds", len(seen))
	}
}

func checkKind(t *testing.T, k finding.Kind) {
	t.Helper()
	if k.Title == "" || strings.HasSuffix(k.Title, ".") || k.CWE == 0 || !regexp.MustCompile(`^API(10|[1-9]):2023$`).MatchString(k.OWASP) || k.Oracle == "" || k.Advice == "" || k.Severity == "" {
		t.Errorf("%s lacks a title, references, severity, oracle or advice: %+v", k.ID, k)
	}
	var lines []string
	for line := range strings.Lines(k.Fix) {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "#") {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	if len(lines) == 0 {
		return // words, or nothing that a gateway can do
	}
	text := []byte(blank.ReplaceAllString(strings.Join(lines, "\n"), "x") + "\n")
	_, api := strictyaml.Decode(text, new(config.API), strictyaml.Options{Name: "fix.yaml"})
	_, operation := strictyaml.Decode(text, new(config.Operation), strictyaml.Options{Name: "fix.yaml"})
	_, document := strictyaml.Decode(text, new(config.Config), strictyaml.Options{Name: "fix.yaml"})
	if api != nil && operation != nil && document != nil {
		t.Errorf("the fix of %s is no configuration:\n%s\nof an API: %v\nof an operation: %v\nof the document: %v", k.ID, k.Fix, api, operation, document)
	}
}
