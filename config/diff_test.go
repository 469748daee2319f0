// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"durward/config/strength"
)

func TestEveryFieldHasARuleOfStrength(t *testing.T) {
	for _, key := range strength.Missing(reflect.TypeFor[Config]()) {
		t.Errorf("package strength has no rule for %s, or one that does not fit: say there what a change of it does to the protection", key)
	}
	for _, key := range strength.Unused(reflect.TypeFor[Config]()) {
		t.Errorf("package strength has a rule for %s, which no document can set", key)
	}
}

// told finds a default in a description: "Default 10s.", "0 means 64".
var told = regexp.MustCompile(`(?:[Dd]efault:?|0 means|0 is) ([0-9][0-9A-Za-z]*)`)

// The defaults that comparisons go by are those that the schema tells users.
func TestDefaultsOfStrengthAreThoseOfTheSchema(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Default     any    `json:"default"`
				Description string `json:"description"`
			} `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, def := range schema.Defs {
		for field, p := range def.Properties {
			fallback := strength.FallbackOf(name + "." + field)
			if fallback == "" || fallback == "unlimited" || p.Default == nil && !told.MatchString(p.Description) {
				continue
			}
			checked++
			if p.Default != nil && fmt.Sprint(p.Default) == fallback {
				continue
			}
			found := false
			for _, m := range told.FindAllStringSubmatch(p.Description, -1) {
				found = found || m[1] == fallback || strings.ReplaceAll(m[1], "a day", "24h") == fallback
			}
			if !found {
				t.Errorf("%s.%s: comparisons take %q for the default, the schema says %v: %s", name, field, fallback, p.Default, p.Description)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d defaults were found", checked)
	}
}

func TestFilesThatAreReadOnceAreComparedByContent(t *testing.T) {
	const doc = `listen: [{address: "127.0.0.1:0"}]
apis:
  notes:
    contract: notes.yaml
    upstream: {targets: ["http://127.0.0.1:1"]}
    authenticate: [{api_key: {}}]
    authorize: {authenticated: ["*"], policies: [{file: rules.cedar}]}
`
	load := func(policy string) *Config {
		t.Helper()
		cfg, err := loadIn(t, map[string]string{"durward.yaml": doc, "notes.yaml": effectiveContract, "rules.cedar": policy})
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	old, next := load("forbid (principal, action, resource);\n"), load("// nothing\n")
	// Both stand in folders of their own, so give them one name.
	for _, c := range []*Config{old, next} {
		c.APIs["notes"].Authorize.Policies[0].File = "/etc/rules.cedar"
		for path, was := range c.contents {
			_, sum, _ := strings.Cut(was, "\x00")
			c.contents[path] = "/etc/rules.cedar\x00" + sum
		}
	}
	found := false
	for _, change := range next.Diff(old) {
		if change.Field == "apis.notes.authorize.policies[0].file" && change.Label == strength.Weaker && len(change.Operations) == 2 {
			found = true
		}
	}
	if !found {
		t.Errorf("a policy was emptied, and nothing is said: %+v", next.Diff(old))
	}
	if changes := old.Diff(old); len(changes) != 0 {
		t.Errorf("a document differs from itself: %+v", changes)
	}
}
