// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"durward/config"
	"durward/explain"
	"durward/replay"
	"durward/store"
)

type replayCmd struct {
	configFlag
	Recording string `help:"Folder of the recording; else that of the configuration." placeholder:"DIR"`
	KeyEnv    string `help:"Variable that holds the recording's key; else that of the configuration." placeholder:"VAR"`
	Store     string `help:"Store URL; else that of the configuration." placeholder:"URL"`
	Output    string `short:"o" default:"text" enum:"text,json" help:"text or json."`
	ExitCode  bool   `help:"Exit with 1 when something would be decided differently."`
}

// errDifferent is the exit code of --exit-code.
var errDifferent = errors.New("some recorded requests would be decided differently")

func (c *replayCmd) Run(ctx context.Context, s streams) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	directory, keyText := c.Recording, cfg.Recorder.Key
	if directory == "" {
		directory = cfg.Recorder.Directory
	}
	if c.KeyEnv != "" {
		keyText = os.Getenv(c.KeyEnv)
	}
	if directory == "" {
		return errors.New("name the recording with --recording, or configure recorder")
	}
	key, err := replay.ParseKey(keyText)
	if err != nil {
		return fmt.Errorf("the recording's key %w", err)
	}
	url := c.Store
	if url == "" {
		url = cfg.Store
	}
	if path, err := store.ParseURL(url); err != nil {
		return err
	} else if _, err := os.Stat(path); err != nil && c.Store == "" {
		url = "memory:"
	}
	st, err := store.Open(ctx, url, store.Options{Log: newLog(io.Discard, "error", "text")})
	if err != nil {
		return err
	}
	defer st.Close()
	e, err := explain.New(cfg, st)
	if err != nil {
		return err
	}
	defer e.Close()
	comparison := replay.Compare(func(r *replay.Record) replay.Decision { return e.Replay(ctx, r) })
	if err := replay.Read(directory, key, comparison.Add); err != nil {
		return err
	}
	found := comparison.Summary()
	if err := writeReplay(s, c.Output, found); err != nil {
		return err
	}
	if c.ExitCode && len(found.Groups) > 0 {
		return errDifferent
	}
	return nil
}

func writeReplay(s streams, output string, found *replay.Summary) error {
	if output == "json" {
		return json.NewEncoder(s.out).Encode(found)
	}
	for i := range found.Groups {
		g := &found.Groups[i]
		label := "stricter"
		switch {
		case g.Weaker():
			label = "WEAKER"
		case !g.Before.Allowed && !g.After.Allowed:
			label = "otherwise"
		}
		where := "no operation"
		if g.Operation != "" {
			where = g.API + " " + g.Operation
		}
		fmt.Fprintf(s.out, "%-9s %6d  %s: %s, now %s", label, g.Count, plain(where), g.Before.String(), g.After.String())
		if g.After.Reason != "" {
			fmt.Fprintf(s.out, " because: %s", plain(g.After.Reason))
		}
		fmt.Fprintf(s.out, "\n                  such as %s\n", g.Examples[0])
	}
	_, err := fmt.Fprintf(s.out, "%d recorded requests, %d decided the same\n", found.Records, found.Same)
	return err
}
