// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestInitTakesNoLineFromADocument gives names that hold what YAML takes for
// the end of a line. A document that somebody else wrote must not add a setting.
func TestInitTakesNoLineFromADocument(t *testing.T) {
	for name, end := range map[string]string{"a line feed": "\n", "a return": "\r", "U+0085": "\u0085", "U+2028": "\u2028", "U+2029": "\u2029", "U+FEFF": "\ufeff", "DEL": "\x7f"} {
		t.Run(name, func(t *testing.T) {
			evil := "open" + end + "    operations: {other: {public: true}} #"
			doc := map[string]any{
				"openapi": "3.1.0", "info": map[string]any{"title": evil, "version": "1"},
				"paths": map[string]any{
					"/a": map[string]any{"get": map[string]any{"operationId": evil, "security": []any{}, "responses": map[string]any{"200": map[string]any{"description": "d"}}}},
					"/b": map[string]any{"get": map[string]any{"operationId": "other", "security": []any{}, "responses": map[string]any{"200": map[string]any{"description": "d"}}}},
				},
			}
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "api.json")
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := Init(path, "http://127.0.0.1:9000")
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := Parse("durward.yaml", out, nil)
			if err != nil {
				t.Fatal(err)
			}
			for api, one := range cfg.APIs {
				for id := range one.Operations {
					t.Errorf("%s got operations.%s", api, id)
				}
			}
		})
	}
}
