// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// configureKin configures the peer of job E, which holds requests against the
// contract with kin-openapi.
func configureKin(binary string, s setup) ([]string, error) {
	path := filepath.Join(s.dir, "kin.json")
	text, err := json.Marshal(map[string]any{
		"Listen": s.listen, "Upstream": s.upstream, "Contract": filepath.Join(s.material, "bench.openapi.yaml"), "Check": !s.noCheck,
	})
	if err != nil {
		return nil, err
	}
	return []string{binary, path}, os.WriteFile(path, text, 0o600)
}

// buildKin builds that peer.
func buildKin(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./bench/kin")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, lastLine(text))
	}
	return nil
}
