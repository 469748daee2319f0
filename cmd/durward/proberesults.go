// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"durward"
	"durward/config"
	"durward/probe"
	"durward/probe/report"
	"durward/store"
)

// maxProbeReport bounds a report that was unpacked.
const maxProbeReport = 256 << 20

type probeResultsCmd struct {
	configFlag
	Store string `help:"Store URL; else that of the configuration file." placeholder:"URL"`
	Job   string `help:"Only runs of this job." placeholder:"NAME"`
	Limit int    `help:"How many runs are listed." default:"20"`
	probeReports
	ID int64 `arg:"" optional:"" help:"The number of a run: print its report." placeholder:"RUN"`
}

// Run lists runs, or writes the report of one.
func (c *probeResultsCmd) Run(ctx context.Context, s streams) error {
	if err := c.probeReports.check(); err != nil {
		return err
	}
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	if c.Job != "" && cfg.Probe[c.Job] == nil {
		return fmt.Errorf("the configuration has no job %s", plain(c.Job))
	}
	flags := storeFlags{configFlag: c.configFlag, Store: cmp.Or(c.Store, cfg.Store)}
	st, err := flags.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	if c.ID != 0 {
		return c.show(ctx, s, cfg, st)
	}
	runs, err := st.ProbeRuns(ctx, c.Job, c.Limit)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		fmt.Fprintln(s.out, "no run yet")
		return nil
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RUN\tJOB\tFOR\tSTARTED\tTOOK\tOUTCOME\tSUMMARY")
	for _, r := range runs {
		took, outcome := "", "not ended"
		if !r.Finished.IsZero() {
			took, outcome = r.Finished.Sub(r.Started).Round(time.Millisecond).String(), r.Outcome
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, plain(r.Job), plain(r.Trigger), r.Started.Format(time.RFC3339), took, outcome, plain(r.Summary))
	}
	return t.Flush()
}

func (c *probeResultsCmd) show(ctx context.Context, s streams, cfg *config.Config, st *store.Store) error {
	kept, err := st.ProbeRun(ctx, c.ID)
	if errors.Is(err, durward.ErrNotFound) {
		return fmt.Errorf("there is no run %d", c.ID)
	}
	if err != nil {
		return err
	}
	if len(kept.Report) == 0 {
		return fmt.Errorf("run %d has no report: %s %s", c.ID, cmp.Or(kept.Outcome, "not ended"), plain(kept.Summary))
	}
	z, err := gzip.NewReader(bytes.NewReader(kept.Report))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxProbeReport))
	if err != nil {
		return err
	}
	var r report.Run
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	document := "openapi"
	if job := cfg.Probe[kept.Job]; job != nil {
		if api := cfg.APIs[cmp.Or(job.API, cfg.APINames()[0])]; api != nil {
			document = filepath.Base(api.Contract)
		}
	}
	if err := c.accept(&r, time.Now()); err != nil {
		return err
	}
	return c.write(s, &r, document)
}

type probeListCmd struct {
	Kinds bool `help:"With each kind of finding, its references and how it is told."`
}

// Run lists the checks.
func (c *probeListCmd) Run(s streams) error {
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, k := range probe.Checks() {
		if !c.Kinds {
			how := "reads"
			switch {
			case k.Destructive:
				how = "only with --destructive"
			case k.Writes:
				how = "writes"
			}
			fmt.Fprintf(t, "%s\t%d kinds\t%s\n", k.Name, len(k.Kinds), how)
			continue
		}
		for _, f := range k.Kinds {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\tCWE-%d\t%s\n", k.Name, f.ID, f.Severity, f.OWASP, f.CWE, f.Title)
		}
	}
	return t.Flush()
}
