// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// profileAll takes one more run of each Durward under perf, which needs no
// debug endpoint. These runs are not part of the results: sampling costs time.
func (b *bench) profileAll(ctx context.Context, s scenario, field []*contestant) {
	for _, c := range field {
		if c.name != "durward" || c.process == nil || s.load == idleLoad {
			continue
		}
		path, err := b.profileOne(ctx, s, c)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: profile of %s: %v\n", s.title(), err)
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: profile of %s, %s: %s\n", s.title(), c.label(), path)
	}
}

// profileOne writes two reports: where the time goes, and through whom.
func (b *bench) profileOne(ctx context.Context, s scenario, c *contestant) (string, error) {
	dir := filepath.Join(b.out, "profile")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	base := filepath.Join(dir, s.slug()+"-"+c.flagName())
	record := command(ctx, b.load.core, []string{"perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-g",
		"-o", base + ".data", "-p", strconv.Itoa(c.process.pid()), "--", "sleep", strconv.Itoa(b.seconds)})
	record.Stderr = os.Stderr
	if err := record.Start(); err != nil {
		return "", err
	}
	_, loadErr := b.load.run(ctx, s, c.address, b.seconds)
	if err := record.Wait(); err != nil {
		return "", fmt.Errorf("perf record: %w", err)
	}
	if loadErr != nil {
		return "", loadErr
	}
	for suffix, args := range map[string][]string{
		".self.txt":    {"--no-children", "-g", "none", "--percent-limit", "0.3"},
		".cum.txt":     {"--children", "-g", "none", "--percent-limit", "0.5"},
		".callers.txt": {"--no-children", "-g", "caller,0.5,callee", "--percent-limit", "1"},
	} {
		report := exec.CommandContext(ctx, "perf", append([]string{"report", "--stdio", "-i", base + ".data"}, args...)...)
		text, err := report.Output()
		if err != nil {
			return "", fmt.Errorf("perf report: %w", err)
		}
		if err := os.WriteFile(base+suffix, text, 0o600); err != nil {
			return "", err
		}
	}
	return base + ".self.txt, .cum.txt, .callers.txt", nil
}
