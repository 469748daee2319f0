// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"durward/probe"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/report"
)

// probeSides asks for the same tests on both sides of a gateway.
type probeSides struct {
	Behind      string `help:"Test the service itself at this address, and through the gateway at --front; print what the gateway closed." placeholder:"URL"`
	Front       string `help:"The gateway's address of the same API." placeholder:"URL"`
	BehindUsers string `help:"The users as the service itself knows them, where they differ: a file." placeholder:"FILE"`
}

func (c *probeSides) check(url string) error {
	switch {
	case (c.Behind == "") != (c.Front == ""):
		return errors.New("--behind and --front go together")
	case c.Behind != "" && url != "":
		return errors.New("with --behind and --front there is no other address")
	case c.Behind == "" && c.BehindUsers != "":
		return errors.New("--behind-users needs --behind")
	}
	return nil
}

// both tests the service itself, then the gateway before it, and compares.
func (c *probeRunCmd) both(ctx context.Context, s streams, cfg *probe.Config) error {
	behind, front := *cfg, *cfg
	behind.URL, behind.Expect, front.URL = c.Behind, nil, c.Front
	if c.BehindUsers != "" {
		users, err := identity.Read(c.BehindUsers)
		if err != nil {
			return err
		}
		behind.Users, behind.Extra = users, nil
	}
	if cfg.State != "" {
		behind.State, front.State = cfg.State+".behind", cfg.State+".front"
	}
	var runs [2]*report.Run
	for i, side := range []*probe.Config{&behind, &front} {
		fmt.Fprintf(s.err, "probe: testing %s\n", plain(side.URL))
		out, err := probe.Run(ctx, *side)
		if err != nil {
			return err
		}
		if err := c.accept(out, time.Now()); err != nil {
			return err
		}
		runs[i] = out
	}
	compared := report.Compare(runs[0], runs[1], finding.Severity(c.FailOn))
	if err := c.writeBoth(s, compared); err != nil {
		return err
	}
	switch code := compared.ExitCode(); code {
	case report.Found:
		return exitError{code, fmt.Errorf("the gateway leaves %d findings open", len(compared.Open)+len(compared.New))}
	case report.Untested:
		return exitError{code, errors.New("not everything could be compared")}
	}
	return nil
}

// writeBoth gives the comparison in the forms that it has.
func (c *probeReports) writeBoth(s streams, compared *report.Comparison) error {
	formats := c.Output
	if len(formats) == 0 {
		formats = []string{"text"}
	}
	for i, format := range formats {
		to := "-"
		if i < len(c.Report) {
			to = c.Report[i]
		}
		write := compared.Text
		switch format {
		case "text":
		case "json":
			write = compared.JSON
		default:
			return fmt.Errorf("a comparison is text or json, not %s", plain(format))
		}
		if err := toFile(s, to, write); err != nil {
			return err
		}
	}
	return nil
}

// toFile writes to a file, or to the standard output for "-".
func toFile(s streams, name string, write func(io.Writer) error) (err error) {
	if name == "-" {
		return write(s.out)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}
