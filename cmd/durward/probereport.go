// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"durward/probe/finding"
	"durward/probe/report"
)

type probeReports struct {
	Output        []string `short:"o" help:"text, json, junit, sarif or html; more than one with as many --report." placeholder:"FORMAT"`
	Report        []string `help:"Where the reports go, in the order of --output; - is the standard output." placeholder:"FILE"`
	Baseline      string   `help:"A file of accepted findings; they do not count." placeholder:"FILE"`
	WriteBaseline string   `help:"Write a baseline that accepts what was found, with --reason and --until." placeholder:"FILE"`
	Reason        string   `help:"Why what --write-baseline accepts may stay." placeholder:"TEXT"`
	Until         string   `help:"The last day on which it may, as 2027-01-31." placeholder:"DAY"`
	FailOn        string   `help:"The least severity that makes the exit code 1: critical, high, medium, low or info." enum:"critical,high,medium,low,info" default:"low"`
	All           bool     `help:"Show tentative and accepted findings in the text, too."`
}

// accept applies the baseline, and writes a new one where it is asked for.
func (c *probeReports) accept(r *report.Run, now time.Time) error {
	if c.Baseline != "" {
		text, err := os.ReadFile(c.Baseline)
		if err != nil {
			return err
		}
		known, err := report.ParseBaseline(c.Baseline, text)
		if err != nil {
			return err
		}
		r.Notes = append(r.Notes, known.Apply(r.Findings, now)...)
	}
	if c.WriteBaseline == "" {
		return nil
	}
	var b strings.Builder
	if err := report.WriteBaseline(&b, r.Findings, c.Reason, c.Until); err != nil {
		return err
	}
	return os.WriteFile(c.WriteBaseline, []byte(b.String()), 0o644) //nolint:gosec // it holds no secret
}

// check reports what of the flags cannot be, before anything is sent.
func (c *probeReports) check() error {
	for _, f := range c.Output {
		if !slices.Contains([]string{"text", "json", "junit", "sarif", "html"}, f) {
			return fmt.Errorf("--output takes text, json, junit, sarif and html, not %s", plain(f))
		}
	}
	if c.WriteBaseline != "" {
		return report.WriteBaseline(io.Discard, nil, c.Reason, c.Until)
	}
	return nil
}

// write gives the reports that were asked for; text without any.
func (c *probeReports) write(s streams, r *report.Run, document string) error {
	formats, files := c.Output, c.Report
	if len(formats) == 0 {
		formats = []string{"text"}
	}
	for i, f := range formats {
		to := "-"
		if i < len(files) {
			to = files[i]
		}
		if err := c.one(s, f, to, r, document); err != nil {
			return err
		}
	}
	return nil
}

func (c *probeReports) one(s streams, format, to string, r *report.Run, document string) error {
	return toFile(s, to, func(w io.Writer) error {
		switch format {
		case "json":
			return report.JSON(w, r)
		case "junit":
			return report.JUnit(w, r, finding.Severity(c.FailOn))
		case "sarif":
			return report.SARIF(w, r, document)
		case "html":
			return report.HTML(w, r)
		}
		return report.Text(w, r, report.TextOptions{All: c.All, Color: to == "-" && useColor(s.out)})
	})
}
