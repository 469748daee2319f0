// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"durward/store"
)

type revisionsCmd struct {
	List            revisionsListCmd   `cmd:"" default:"withargs" help:"List revisions, the newest first."`
	Show            revisionsShowCmd   `cmd:"" help:"Show what is known of one revision, and its files."`
	Diff            revisionsDiffCmd   `cmd:"" help:"Compare two revisions."`
	Reject          revisionsRejectCmd `cmd:"" help:"Refuse a pending revision."`
	RequireApproval revisionsRuleCmd   `cmd:"" help:"Say which revisions need the approval of somebody else."`
}

// describedRevision is what is shown of a revision.
type describedRevision struct {
	Number      int64           `json:"number"`
	State       store.State     `json:"state"`
	Author      string          `json:"author_claimed"`
	Made        string          `json:"made"`
	Message     string          `json:"message,omitempty"`
	Fingerprint string          `json:"fingerprint"`
	Compared    int64           `json:"compared_with,omitempty"`
	Restores    int64           `json:"restores,omitempty"`
	Weaker      bool            `json:"weaker"`
	Labels      []store.Label   `json:"labels,omitempty"`
	DecidedBy   string          `json:"decided_by_claimed,omitempty"`
	Decided     string          `json:"decided,omitempty"`
	Files       []string        `json:"files,omitempty"`
	History     []describedStep `json:"history,omitempty"`
}

type describedStep struct {
	At     string `json:"at"`
	Author string `json:"author_claimed,omitempty"`
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
}

func describeRevision(r *store.Revision) describedRevision {
	return describedRevision{
		Number: r.Number, State: r.State, Author: r.Author, Made: moment(r.Made), Message: r.Message, Fingerprint: r.Fingerprint,
		Compared: r.Compared, Restores: r.Restores, Weaker: r.Weaker, Labels: r.Labels, DecidedBy: r.DecidedBy, Decided: moment(r.Decided),
	}
}

type revisionsListCmd struct {
	revisionFlags
	Limit int  `default:"20" help:"How many."`
	JSON  bool `name:"json" help:"Print as JSON lines."`
}

func (c *revisionsListCmd) Run(ctx context.Context, s streams) error {
	st, _, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	all, err := st.Revisions(ctx, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		for i := range all {
			if err := json.NewEncoder(s.out).Encode(describeRevision(&all[i])); err != nil {
				return err
			}
		}
		return nil
	}
	rule, err := st.RevisionApproval(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tSTATE\tMADE\tAUTHOR (CLAIMED)\tEFFECT\tCONFIGURATION\tMESSAGE")
	for i := range all {
		r := &all[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%.12s\t%s\n", r.Number, r.State, moment(r.Made), plain(r.Author), effect(r), r.Fingerprint, plain(firstLine(r.Message)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(s.err, approvals(rule))
	return nil
}

// effect sums a revision's labels up.
func effect(r *store.Revision) store.Effect {
	if r.Weaker {
		return store.Weaker
	}
	for _, l := range r.Labels {
		if l.Effect == store.Stronger {
			return store.Stronger
		}
	}
	return store.Neutral
}

type revisionsShowCmd struct {
	revisionFlags
	Number int64  `arg:"" help:"The revision."`
	Write  string `help:"Write its files into this new folder, as they were applied." placeholder:"DIR"`
	JSON   bool   `name:"json" help:"Print as one line of JSON."`
}

func (c *revisionsShowCmd) Run(ctx context.Context, s streams) error {
	st, _, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := st.RevisionAt(ctx, c.Number)
	if err != nil {
		return about("revision", fmt.Sprint(c.Number), err)
	}
	events, err := st.RevisionEvents(ctx, c.Number)
	if err != nil {
		return err
	}
	d := describeRevision(&r)
	for _, e := range events {
		d.History = append(d.History, describedStep{moment(e.At), e.Author, e.What, e.Detail})
	}
	b, err := st.Bundle(ctx, r.Fingerprint)
	if err != nil && c.Write != "" {
		return fmt.Errorf("the files of revision %d: %w", c.Number, err)
	}
	d.Files = slices.Sorted(maps.Keys(b.Files))
	if c.Write != "" {
		if err := writeFiles(c.Write, b.Files); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(d)
	}
	return printRevision(s, &d)
}

func printRevision(s streams, d *describedRevision) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("number", "%d", d.Number)
	row("state", "%s", d.State)
	row("author", "%s (claimed, not authenticated)", plain(d.Author))
	row("made", "%s", d.Made)
	row("message", "%s", or(plain(d.Message), "-"))
	row("configuration", "%s", d.Fingerprint)
	if d.Restores != 0 {
		row("restores", "revision %d", d.Restores)
	}
	if d.Compared != 0 {
		row("compared with", "revision %d", d.Compared)
	}
	if d.DecidedBy != "" {
		row("decided by", "%s (claimed, not authenticated) at %s", plain(d.DecidedBy), d.Decided)
	}
	for _, name := range d.Files {
		row("file", "%s", plain(name))
	}
	for _, e := range d.History {
		row("history", "%s %s %s %s", e.At, e.What, plain(e.Author), plain(e.Detail))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	printLabels(s, d.Labels)
	return nil
}

// writeFiles writes files into a folder that does not exist yet.
func writeFiles(dir string, files map[string][]byte) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, content := range files {
		name = filepath.FromSlash(name)
		if sub := filepath.Dir(name); sub != "." {
			if err := root.MkdirAll(sub, 0o700); err != nil {
				return err
			}
		}
		if err := root.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

type revisionsDiffCmd struct {
	revisionFlags
	From int64 `arg:"" help:"The old revision."`
	To   int64 `arg:"" help:"The new one."`
}

func (c *revisionsDiffCmd) Run(ctx context.Context, s streams) error {
	st, m, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	d, err := m.Diff(ctx, c.From, c.To)
	if err != nil {
		return err
	}
	if len(d.Files) == 0 {
		fmt.Fprintf(s.out, "revisions %d and %d are the same configuration\n", c.From, c.To)
		return nil
	}
	printLabels(s, d.Labels)
	for _, f := range d.Files {
		fmt.Fprintf(s.out, "%-8s  %s\n", f.What, plain(f.Name))
	}
	return nil
}
