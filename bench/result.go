// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the results: the medians of one gateway's runs.
type row struct {
	Job     string `json:"job"`
	Variant string `json:"variant"`
	Gateway string `json:"gateway"`
	// Audit is how Durward's audit log was kept; empty for others.
	Audit   string  `json:"audit,omitempty"`
	Version string  `json:"version"`
	CPU     float64 `json:"cpu_us"` // microseconds of CPU for each request
	// Later is what the gateway put off during a run and did behind it.
	Later float64 `json:"later_us,omitempty"`
	RPS   float64 `json:"rps"` // as measured, with the load on one core
	// RPSPerCore is what the CPU time allows: a second by cpu_us.
	RPSPerCore float64 `json:"rps_per_core"`
	// CoreBusy is the share of its core that the gateway used. Below 0.95 the
	// load generator or the upstream was the limit of rps.
	CoreBusy float64 `json:"core_busy"`
	// OtherUse is the share of the gateway's core that other processes and the
	// kernel's own threads used. Above 0.05 the machine was not quiet and
	// cpu_us is too high.
	OtherUse float64 `json:"core_other_use"`
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	Runs     int     `json:"runs"` // that count
	// CPURuns are the runs' own figures, to show how they spread.
	CPURuns       []float64 `json:"cpu_us_runs"`
	PerConnection float64   `json:"memory_bytes_per_connection,omitempty"`
	PeakRSS       int64     `json:"peak_rss"` // bytes, of the last run
	// Soak is the growth of peak memory in a long run.
	Soak *soakResult `json:"soak,omitempty"`
	// Invalid lists the runs that do not count, and why.
	Invalid []string `json:"invalid,omitempty"`
}

// row makes a contestant's line.
func (b *bench) row(s scenario, c *contestant) row {
	r := row{Job: s.job, Variant: s.variant, Gateway: c.name, Audit: c.audit,
		Version: b.versions[c.name], Runs: len(c.samples), CPURuns: []float64{}, Invalid: c.faults}
	if len(c.samples) == 0 {
		return r
	}
	for _, one := range c.samples {
		r.CPURuns = append(r.CPURuns, round1(inMicros(one.cpu)))
	}
	r.CPU = round1(medianOf(c.samples, func(s sample) float64 { return inMicros(s.cpu) }))
	r.Later = round1(medianOf(c.samples, func(s sample) float64 { return inMicros(s.later) }))
	r.RPS = math.Round(medianOf(c.samples, func(s sample) float64 { return s.rps }))
	r.CoreBusy = math.Round(medianOf(c.samples, func(s sample) float64 { return s.busy })*100) / 100
	r.OtherUse = math.Round(medianOf(c.samples, func(s sample) float64 { return s.others })*100) / 100
	r.P50 = round1(medianOf(c.samples, func(s sample) float64 { return inMicros(s.p50) }))
	r.P99 = round1(medianOf(c.samples, func(s sample) float64 { return inMicros(s.p99) }))
	r.PerConnection = math.Round(medianOf(c.samples, func(s sample) float64 { return s.perConnection }))
	r.PeakRSS = c.samples[len(c.samples)-1].peak
	if r.CPU > 0 {
		r.RPSPerCore = math.Round(1e6 / r.CPU)
	}
	return r
}

func inMicros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func round1(x float64) float64 { return math.Round(x*10) / 10 }

// medianOf gives the median of one figure of the runs.
func medianOf(samples []sample, figure func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return median(values)
}

// median gives the middle value, the mean of the two middle ones where there
// are two, and 0 of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// writeResults replaces the file of results as a whole.
func writeResults(path string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// writeTable prints rows for people.
func writeTable(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "job\tgateway\tversion\tCPU µs\tlater µs\treq/s/core\treq/s\tbusy\tothers\tp50 µs\tp99 µs\tKiB/conn\tpeak MiB\truns\t")
	for _, r := range rows {
		name := gateway{name: r.Gateway, audit: r.Audit}.label()
		if r.Runs == 0 {
			fmt.Fprintf(t, "%s %s\t%s\t%s\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t0\t\n", r.Job, r.Variant, name, r.Version)
			continue
		}
		memory := "-"
		if r.PerConnection != 0 {
			memory = fmt.Sprintf("%.1f", r.PerConnection/1024)
		}
		fmt.Fprintf(t, "%s %s\t%s\t%s\t%.1f\t%.1f\t%.0f\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t%s\t%.1f\t%d\t\n", r.Job, r.Variant, name,
			r.Version, r.CPU, r.Later, r.RPSPerCore, r.RPS, r.CoreBusy, r.OtherUse, r.P50, r.P99, memory, float64(r.PeakRSS)/(1<<20), r.Runs)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if len(r.Invalid) > 0 {
			fmt.Fprintf(w, "INVALID %s %s, %s: %s\n", r.Job, r.Variant, r.Gateway, strings.Join(r.Invalid, "; "))
		}
	}
	noisy := 0
	for _, r := range rows {
		if r.Runs > 0 && r.OtherUse > quiet {
			noisy++
		}
	}
	if noisy > 0 {
		fmt.Fprintf(w, "NOISY: in %d of %d rows others used more than %.0f %% of the gateway's core (see \"others\"); CPU time is too high there\n",
			noisy, len(rows), quiet*100)
	}
	return nil
}

// quiet is the share of a gateway's core that others may use without a remark.
const quiet = 0.05

// find gives the row of a gateway in a scenario; of Durward the one with the
// default audit log.
func find(rows []row, job, variant, name string) (row, bool) {
	at := slices.IndexFunc(rows, func(r row) bool {
		return r.Job == job && r.Variant == variant && r.Gateway == name && r.Runs > 0 &&
			cmp.Or(r.Audit, defaultAudit) == defaultAudit
	})
	if at < 0 {
		return row{}, false
	}
	return rows[at], true
}
