// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"durward/internal/strictyaml"
)

var shown = regexp.MustCompile("(?s)<!-- loads -->\n```yaml\n.*?\n    authorize:\n(.*?)\n```")

// TestTheRulesOfTheDocumentsFitMootsContract compiles what the documents show.
func TestTheRulesOfTheDocumentsFitMootsContract(t *testing.T) {
	for _, name := range []string{"policies.md", "object-rules.md"} {
		text, err := os.ReadFile("../docs/features/" + name)
		if err != nil {
			t.Fatal(err)
		}
		m := shown.FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s shows no rules", name)
		}
		var lines []string
		for _, line := range strings.Split(string(m[1]), "\n") {
			lines = append(lines, strings.TrimPrefix(line, "      "))
		}
		var cfg Config
		if _, err := strictyaml.Decode([]byte(strings.Join(lines, "\n")+"\n"), &cfg, strictyaml.Options{Name: name}); err != nil {
			t.Fatal(err)
		}
		c, err := Compile(&cfg, mootAPI(t), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Close()
	}
}
