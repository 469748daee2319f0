// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// caddyPackage is what go install builds when Caddy is not there.
const caddyPackage = "github.com/caddyserver/caddy/v2/cmd/caddy@latest"

// findPrograms builds Durward, finds the peers, says clearly which are missing,
// and gives the gateways that can run.
func (b *bench) findPrograms(ctx context.Context, wanted []gateway, install bool) ([]gateway, error) {
	var present []gateway
	for _, g := range wanted {
		if _, known := b.binaries[g.name]; !known {
			b.binaries[g.name] = b.findProgram(ctx, g, install)
		}
		binary := b.binaries[g.name]
		if binary == "" {
			continue
		}
		if b.versions[g.name] == "" {
			b.versions[g.name] = readVersion(binary, g.version)
		}
		present = append(present, g)
	}
	if len(present) == 0 {
		return nil, errors.New("no gateway to run")
	}
	fmt.Printf("gateways: %s\n", names(present))
	return present, nil
}

// findProgram gives a gateway's program, or "" when there is none.
func (b *bench) findProgram(ctx context.Context, g gateway, install bool) string {
	switch {
	case g.name == "durward":
		if err := buildDurward(ctx, g.binary(b.out)); err != nil {
			fmt.Printf("MISSING durward: %v\n", err)
			return ""
		}
	case g.name == kinName:
		if err := buildKin(ctx, g.binary(b.out)); err != nil {
			fmt.Printf("MISSING %s: %v\n", kinName, err)
			return ""
		}
	case g.name == "caddy" && install && g.binary(b.out) == "":
		fmt.Fprintln(os.Stderr, "bench: building Caddy, which takes minutes (-install=false leaves it out)")
		cmd := exec.CommandContext(ctx, "go", "install", caddyPackage)
		cmd.Env = append(os.Environ(), "GOBIN="+filepath.Join(b.out, "bin"), "CGO_ENABLED=0")
		cmd.Dir = b.out // the version of its module, whatever this one needs
		if text, err := cmd.CombinedOutput(); err != nil {
			fmt.Printf("MISSING caddy: go install: %v: %s\n", err, lastLine(text))
			return ""
		}
	}
	binary := g.binary(b.out)
	if binary == "" {
		fmt.Printf("MISSING %s: not installed; the results are without it\n", g.name)
	}
	return binary
}

// buildDurward builds the program as a release is built.
func buildDurward(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/durward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, text)
	}
	return nil
}

// lastLine is the end of a program's output.
func lastLine(text []byte) string {
	const most = 300
	return string(text[max(0, len(text)-most):])
}

// raiseFileLimit lets the gateways hold job F's connections. Go raises its own
// limit only; one that is set here is inherited.
func raiseFileLimit() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) // job F says so when it is too low
	}
}
