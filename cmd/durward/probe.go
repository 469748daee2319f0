// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"durward/probe"
	"durward/probe/finding"
	"durward/probe/listener"
	"durward/probe/report"
)

type probeCmd struct {
	Run     probeRunCmd     `cmd:"" default:"withargs" help:"Test an API."`
	Results probeResultsCmd `cmd:"" help:"What came of the tests that the gateway made by its schedule."`
	List    probeListCmd    `cmd:"" help:"List the checks, and what each can find."`
}

type probeRunCmd struct {
	URL string `arg:"" optional:"" help:"The API's address; a path in it is what the operations are below." placeholder:"URL"`
	probeSource
	probeSides
	probeUsers
	probeBounds
	probeReports
}

// Run tests, reports, and ends with 0, 1 or 2.
func (c *probeRunCmd) Run(ctx context.Context, s streams) error {
	if err := c.run(ctx, s); err != nil {
		var coded exitError
		if errors.As(err, &coded) {
			return err
		}
		return exitError{report.Untested, err}
	}
	return nil
}

func (c *probeRunCmd) run(ctx context.Context, s streams) error {
	if err := errors.Join(c.probeSides.check(c.URL), c.probeReports.check()); err != nil {
		return err
	}
	cfg, end, err := c.config(ctx)
	if err != nil {
		return err
	}
	defer end()
	if c.Listener {
		l, err := listener.New()
		if err != nil {
			return err
		}
		defer l.Close()
		cfg.Listener = l
	}
	if c.Trace != "" {
		f, err := os.Create(c.Trace)
		if err != nil {
			return err
		}
		defer f.Close()
		cfg.Trace = linesTo(f)
	}
	cfg.Progress = progressTo(s.err)
	if c.Behind != "" {
		return c.both(ctx, s, cfg)
	}
	out, err := probe.Run(ctx, *cfg)
	if err != nil {
		return err
	}
	if err := c.accept(out, time.Now()); err != nil {
		return err
	}
	if err := c.write(s, out, cfg.Document); err != nil {
		return err
	}
	switch code := out.ExitCode(finding.Severity(c.FailOn), c.MinCoverage); {
	case code == report.Found:
		return exitError{code, errors.New("there are findings")}
	case code != report.Clean:
		return exitError{code, fmt.Errorf("could not test%s", because(out))}
	}
	return nil
}

// linesTo writes lines, one at a time.
func linesTo(w io.Writer) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, line)
	}
}

func because(r *report.Run) string {
	switch reached, all := r.Reached(); {
	case r.Failed != "":
		return ": " + r.Failed
	case r.Stopped != "":
		return " all: " + r.Stopped
	default:
		return fmt.Sprintf(" enough: %d of %d operations were reached", reached, all)
	}
}
