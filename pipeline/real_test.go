// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"durward/config"
	"durward/contract"
	"durward/internal/realdocs"
)

// TestInitOnRealDocuments writes a first configuration for what people publish:
// it loads and compiles wherever the document loads and declares an operation.
func TestInitOnRealDocuments(t *testing.T) {
	folder, files := realdocs.Files(t)
	b := newBench(t, smallest, nil)
	outcomes := map[string]int{}
	for _, name := range files {
		path := filepath.Join(folder, name)
		text, err := config.Init(path, "http://127.0.0.1:9000")
		if err == nil {
			outcomes[compiled(t, b, name, text)]++
			continue
		}
		doc, loadErr := contract.Load(path, contract.AllGaps)
		switch {
		case loadErr != nil:
			outcomes["refused: the document does not load"]++
		case len(doc.Operations()) == 0 && len(doc.Closed()) == 0:
			outcomes["refused: the document declares no operation"]++
		default:
			outcomes["FAILED"]++
			t.Errorf("%s: %v", name, strings.ReplaceAll(err.Error(), path, ""))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%5d %s", outcomes[kind], kind)
	}
	t.Logf("%5d documents", len(files))
}

// compiled names the outcome of a configuration.
func compiled(t *testing.T, b *bench, name string, text []byte) string {
	t.Helper()
	cfg, err := config.Parse("durward.yaml", text, nil)
	if err != nil {
		t.Errorf("%s: the configuration does not load: %v", name, err)
		return "FAILED"
	}
	g, err := Compile(cfg, b.env)
	if err != nil {
		t.Errorf("%s: the configuration does not compile: %v", name, err)
		return "FAILED"
	}
	g.Close()
	doc := cfg.Contract(cfg.APINames()[0])
	switch {
	case len(doc.Operations()) == 0:
		return "a configuration that loads, with warnings: every operation is closed"
	case len(cfg.Warnings()) > 0:
		return "a configuration that loads, with warnings"
	}
	return "a configuration that loads"
}
