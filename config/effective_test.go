// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const effectiveDocument = `listen: [{address: "127.0.0.1:0"}]
rate_limit: {per_address: 9/s}
defaults:
  validation: {max_body: 1KiB, unknown_query: refuse}
  addresses: {deny: [203.0.113.0/24]}
  authenticate: [{capability: {keys: [{id: a, secret: "${SECRET}"}]}}]
apis:
  notes:
    contract: notes.yaml
    upstream: {targets: ["http://127.0.0.1:1"]}
    override: [validation.max_body]
    validation: {max_body: 2KiB}
    authorize: {authenticated: [list]}
    operations:
      add: {public: true, max_body: 4KiB, override: [max_body], rate_limit: {per_address: 1/s}}
`

const effectiveContract = `openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /notes:
    get: {operationId: list, responses: {"200": {description: ok}}}
    post: {operationId: add, requestBody: {content: {text/plain: {schema: {type: string}}}}, responses: {"200": {description: ok}}}
`

// loadIn writes files into a folder of the test's and loads durward.yaml.
func loadIn(t *testing.T, files map[string]string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "durward.yaml"), func(name string) (string, bool) {
		return strings.Repeat("s3cret", 8), name == "SECRET"
	})
}

func TestEffectiveSaysWhereEachValueComesFrom(t *testing.T) {
	cfg, err := loadIn(t, map[string]string{"durward.yaml": effectiveDocument, "notes.yaml": effectiveContract})
	if err != nil {
		t.Fatal(err)
	}
	find := func(operation, path string) EffectiveValue {
		for _, v := range cfg.Effective("notes", operation) {
			if v.Path == path {
				v.File = filepath.Base(v.File)
				return v
			}
		}
		return EffectiveValue{}
	}
	for _, tc := range []struct {
		operation string
		want      EffectiveValue
	}{
		{"list", EffectiveValue{Path: "validation.max_body", Value: "2KiB", File: "durward.yaml", Line: 12, Origin: OriginAPI, Overrides: true}},
		{"add", EffectiveValue{Path: "validation.max_body", Value: "4KiB", File: "durward.yaml", Line: 15, Origin: OriginOperation, Overrides: true}},
		{"list", EffectiveValue{Path: "validation.unknown_query", Value: "refuse", File: "durward.yaml", Line: 4, Origin: OriginDefaults}},
		{"list", EffectiveValue{Path: "validation.max_depth", Value: "32", File: ".", Origin: OriginDefault}},
		{"list", EffectiveValue{Path: "addresses.deny", Value: "[203.0.113.0/24]", File: "durward.yaml", Line: 5, Origin: OriginDefaults}},
		{"list", EffectiveValue{Path: "authenticate[0].capability.keys[0].secret", Value: "(secret)", File: "durward.yaml", Line: 6, Origin: OriginDefaults}},
		{"list", EffectiveValue{Path: "authorize.authenticated", Value: "[list]", File: "durward.yaml", Line: 13, Origin: OriginAPI}},
		{"list", EffectiveValue{Path: "gateway.rate_limit.per_address.rate", Value: "9/s", File: "durward.yaml", Line: 2, Origin: OriginGateway}},
		{"add", EffectiveValue{Path: "operation.rate_limit.per_address.rate", Value: "1/s", File: "durward.yaml", Line: 15, Origin: OriginOperation}},
		{"add", EffectiveValue{Path: "operation.public", Value: "true", File: "durward.yaml", Line: 15, Origin: OriginOperation}},
		{"list", EffectiveValue{Path: "operation.public", Origin: ""}},
	} {
		want := tc.want
		if want.Origin == "" {
			want.Path = ""
		}
		if got := find(tc.operation, tc.want.Path); got != want {
			t.Errorf("%s %s\n got %+v\nwant %+v", tc.operation, tc.want.Path, got, want)
		}
	}
	for _, v := range cfg.Effective("notes", "list") {
		if strings.Contains(v.Value, "s3cret") {
			t.Errorf("%s shows a secret: %s", v.Path, v.Value)
		}
	}
	if cfg.Effective("nothing", "list") != nil {
		t.Error("an API that is not there has values")
	}
}
