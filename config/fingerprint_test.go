// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"durward/internal/strictyaml"
)

func fingerprint(t *testing.T, replace ...string) string {
	t.Helper()
	c, err := parse(t, replace...)
	if err != nil {
		t.Fatal(err)
	}
	return c.Fingerprint()
}

func TestFingerprintIsOfTheEffectiveDocument(t *testing.T) {
	original := fingerprint(t)
	if len(original) != 2*sha256.Size || original != fingerprint(t) {
		t.Errorf("%q is not a stable SHA-256", original)
	}
	for name, replace := range map[string][]string{
		"a comment":                          {"apis:", "# why\napis:"},
		"another order":                      {"    authorize:\n      authenticated: [\"*\"]\n", "", "    contract:", "    authorize: {authenticated: [\"*\"]}\n    contract:"},
		"a default that is written out":      {"apis:", "limits: {requests: 10000}\napis:"},
		"another way to write the same size": {"apis:", "limits: {drain: 30000ms}\napis:"},
		"the root written as a prefix":       {"    contract:", "    prefix: /\n    contract:"},
		"a substituted value":                {"127.0.0.1:8080", "${NO:-127.0.0.1:8080}"},
	} {
		if fingerprint(t, replace...) != original {
			t.Errorf("%s changes the fingerprint", name)
		}
	}
	for name, replace := range map[string][]string{
		"an address":                            {"8080", "8081"},
		"a rule":                                {`["*"]`, `[health, readNote, listNotes, createNote, "DELETE /notes/{id}"]`},
		"a public operation":                    {"    authorize:", "    operations: {health: {public: true}}\n    authorize:"},
		"a number that is not the default by 0": {"upstream: {", "upstream: {retries: 0, "},
		"a part that is switched on by an empty {}": {"    authorize:", "    operations: {health: {quota: {}}}\n    authorize:"},
	} {
		if fingerprint(t, replace...) == original {
			t.Errorf("%s does not change the fingerprint", name)
		}
	}
}

func TestFingerprintFollowsTheContract(t *testing.T) {
	data, err := os.ReadFile("testdata/notes.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	of := func(content string) string {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return fingerprint(t, "notes.openapi.yaml", path)
	}
	if of(string(data)) == of(strings.Replace(string(data), "type: string", "type: integer", 1)) {
		t.Error("a changed contract does not change the fingerprint")
	}
}

func TestFingerprintFollowsTheFilesOfTheContract(t *testing.T) {
	data, err := os.ReadFile("testdata/notes.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	content := strings.Replace(string(data), "schema: {type: object, properties: {text: {type: string}}, required: [text]}", "schema: {$ref: 'shared.yaml#/note'}", 1)
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(shared string) *Config {
		if err := os.WriteFile(filepath.Join(dir, "shared.yaml"), []byte(shared), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := parse(t, "notes.openapi.yaml", filepath.Join(dir, "c.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, two, again := with("note: {type: object}\n"), with("note: {type: string}\n"), with("note: {type: object}\n")
	if one.Fingerprint() == two.Fingerprint() || one.Same(two) {
		t.Error("a changed file that the contract refers to makes no difference")
	}
	if one.Fingerprint() != again.Fingerprint() || !one.Same(again) {
		t.Error("the same files make a difference")
	}
}

func TestFingerprintHoldsNoSecret(t *testing.T) {
	type secret struct {
		Open string `yaml:"open"`
		Key  string `yaml:"key" secret:"true"`
	}
	hash := func(s secret, secrets bool) string {
		h := sha256.New()
		hashFields(h, reflect.ValueOf(s), secrets)
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	sum := func(s secret) string { return hash(s, false) }
	if hash(secret{"a", "k1"}, true) == hash(secret{"a", "k2"}, true) {
		t.Error("Same would not see that a secret changed")
	}
	if sum(secret{"a", "k1"}) != sum(secret{"a", "k2"}) {
		t.Error("a secret can be told from the fingerprint")
	}
	if sum(secret{"a", "k1"}) == sum(secret{"a", ""}) || sum(secret{"a", "k"}) == sum(secret{"b", "k"}) {
		t.Error("a missing secret or another value does not change the fingerprint")
	}
}

func TestWalkVisitsEveryFieldOnce(t *testing.T) {
	c := load(t, "testdata/good/full.yaml")
	seen := map[string]int{}
	walk(reflect.ValueOf(c).Elem(), "", strictyaml.Field{}, func(path string, _ strictyaml.Field, _ reflect.Value) { seen[path]++ })
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s is visited %d times", path, n)
		}
	}
	for _, path := range []string{
		"listen[0].tls.certificates[0].cert", "trusted_proxies[1]", "issuers.corp.audiences[0]", "apis.notes.upstream.targets[1].weight",
		`apis.notes.operations["DELETE /notes/{id}"].quota.per_subject.rate`, "apis.notes.authorize.roles.member[1]", "apis.notes.authenticate[0].jwt.issuer",
	} {
		if seen[path] != 1 {
			t.Errorf("%s is not visited", path)
		}
	}
}
