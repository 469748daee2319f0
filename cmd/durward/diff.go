// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"durward/config"
	"durward/config/strength"
)

type diffCmd struct {
	Old      string `arg:"" help:"The configuration file that is in force." placeholder:"OLD"`
	New      string `arg:"" help:"The one that is to take its place." placeholder:"NEW"`
	Output   string `short:"o" enum:"text,json" default:"text" help:"text or json."`
	ExitCode bool   `help:"Exit with 1 when something is weaker."`
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

// exitCode is what the program exits with for an error.
func exitCode(err error) int {
	var coded exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	return 1
}

// wrongUsage is the exit code of a command that could not be tried.
const wrongUsage = 2

func (c *diffCmd) Run(s streams) error {
	changes, err := difference(c.Old, c.New)
	if err != nil {
		return exitError{wrongUsage, err}
	}
	if c.Output == "json" {
		err = writeChangesJSON(s.out, changes)
	} else {
		err = writeChanges(s.out, changes)
	}
	if n := changes.Count(strength.Weaker); err == nil && c.ExitCode && n > 0 {
		return fmt.Errorf("%s is weaker than %s in %d points", c.New, c.Old, n)
	}
	return err
}

// difference loads both files; the environment is the same for both.
func difference(old, new string) (strength.Changes, error) {
	before, err := config.Load(old, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	after, err := config.Load(new, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	return after.Diff(before), nil
}

func writeChangesJSON(w io.Writer, changes strength.Changes) error {
	if changes == nil {
		changes = strength.Changes{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"weaker": changes.Count(strength.Weaker), "stronger": changes.Count(strength.Stronger), "neutral": changes.Count(strength.Neutral),
		"changes": changes,
	})
}

// writeChanges writes changes for people: two or three lines each.
func writeChanges(w io.Writer, changes strength.Changes) error {
	var b strings.Builder
	for i := range changes {
		c := &changes[i]
		fmt.Fprintf(&b, "%-8s %s: %s\n", c.Label, plain(c.Field), plain(c.Reason))
		fmt.Fprintf(&b, "         %s\n", plain(sideText(c.Old))+" -> "+plain(sideText(c.New)))
		if !c.Everything {
			fmt.Fprintf(&b, "         operations: %s\n", plain(operationsText(c.Operations)))
		}
	}
	fmt.Fprintf(&b, "%d weaker, %d stronger, %d neutral\n", changes.Count(strength.Weaker), changes.Count(strength.Stronger), changes.Count(strength.Neutral))
	_, err := io.WriteString(w, b.String())
	return err
}

func sideText(s strength.Side) string {
	value := s.Value
	if value == "" {
		value = "(not set)"
		if s.Field != "" {
			value = "(see there)"
		}
	}
	if s.File == "" {
		return value
	}
	return fmt.Sprintf("%s (%s:%d)", value, s.File, s.Line)
}

// operationsText names operations, but not so many that nobody reads them.
func operationsText(ids []string) string {
	const most = 8
	switch {
	case len(ids) == 0:
		return "none"
	case len(ids) > most:
		return strings.Join(ids[:most], ", ") + fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return strings.Join(ids, ", ")
}

// errWeaker is what a command says that refuses a weaker file.
func errWeaker(w io.Writer, changes strength.Changes, old, new string) error {
	weaker := changes.Weaker()
	if len(weaker) == 0 {
		return nil
	}
	if err := writeChanges(w, weaker); err != nil {
		return err
	}
	return fmt.Errorf("%s is weaker than %s; if that is meant, say --allow-weaker", new, old)
}
