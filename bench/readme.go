// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	readmeBegin = "<!-- bench:begin -->\n"
	readmeEnd   = "<!-- bench:end -->"
)

// machine is where a result comes from; a figure without it says nothing.
type machine struct {
	when        time.Time
	cpu         string
	kernel      string
	cores       int
	connections int
	rounds      int
	seconds     int
}

func thisMachine(o options) machine {
	m := machine{when: time.Now().UTC(), cores: runtime.NumCPU(), connections: o.connections, rounds: o.rounds, seconds: o.seconds}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.cpu = cpuModel(string(text))
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel, _, _ = strings.Cut(strings.TrimSpace(string(text)), "-")
	}
	return m
}

func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// updateReadme puts the results between the marks of the file.
func updateReadme(path string, rows []row, m machine) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin := bytes.Index(text, []byte(readmeBegin))
	end := bytes.Index(text, []byte(readmeEnd))
	if begin < 0 || end < begin {
		return fmt.Errorf("%s has no place for the results (%s...%s)", path, strings.TrimSpace(readmeBegin), readmeEnd)
	}
	var out bytes.Buffer
	out.Write(text[:begin+len(readmeBegin)])
	writeSection(&out, rows, m)
	out.Write(text[end:])
	return os.WriteFile(path, out.Bytes(), 0o644)
}

// writeSection writes a table of CPU time with a column for each gateway, what
// does not fit it, and the verdicts.
func writeSection(out *bytes.Buffer, rows []row, m machine) {
	fmt.Fprintf(out, "Measured on %s, %s, %d cores, Linux %s: medians of %d alternating runs of %d s, %d connections.\n",
		m.when.Format(time.DateOnly), m.cpu, m.cores, m.kernel, m.rounds, m.seconds, m.connections)
	fmt.Fprint(out, "Microseconds of CPU for each request, and in brackets the median time of an answer in milliseconds:\n\n")
	var columns []string
	versions := map[string]string{}
	for _, r := range rows {
		name := gateway{name: r.Gateway, audit: r.Audit}.label()
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
		versions[r.Gateway] = r.Version
	}
	fmt.Fprintf(out, "| job | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)))
	cells := map[string]map[string]string{}
	var jobs []string
	for _, r := range rows {
		if r.Soak != nil || r.PerConnection != 0 {
			continue
		}
		job := r.Job + " " + r.Variant
		if cells[job] == nil {
			cells[job] = map[string]string{}
			jobs = append(jobs, job)
		}
		if r.Runs > 0 {
			cells[job][gateway{name: r.Gateway, audit: r.Audit}.label()] = fmt.Sprintf("%.1f (%.1f)", r.CPU, r.P50/1000)
		}
	}
	for _, job := range jobs {
		fmt.Fprintf(out, "| %s |", job)
		for _, c := range columns {
			fmt.Fprintf(out, " %s |", cells[job][c])
		}
		fmt.Fprintln(out)
	}
	writeMemory(out, rows, columns)
	fmt.Fprint(out, "\nAgainst the aims:\n\n```\n")
	writeTargets(out, rows)
	fmt.Fprint(out, "```\n")
	var named []string
	for _, name := range slices.Sorted(keys(versions)) {
		if name != "durward" {
			named = append(named, name+" "+versions[name])
		}
	}
	fmt.Fprintf(out, "\nPeers: %s. Durward's default syncs the audit record of each request to the disk before the request goes on; "+
		"\"buffered\" hands it to the operating system, as the peers do with their logs. [bench/README.md](bench/README.md) says what each job is.\n",
		strings.Join(named, ", "))
}

func writeMemory(out *bytes.Buffer, rows []row, columns []string) {
	fmt.Fprint(out, "| F KiB for an idle connection |")
	for _, c := range columns {
		cell := ""
		for _, r := range rows {
			if r.PerConnection != 0 && (gateway{name: r.Gateway, audit: r.Audit}).label() == c {
				cell = fmt.Sprintf("%.1f", r.PerConnection/1024)
			}
		}
		fmt.Fprintf(out, " %s |", cell)
	}
	fmt.Fprintln(out)
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
