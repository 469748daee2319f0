// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of the times in /proc/PID/stat. Linux shows USER_HZ, which
// is 100 on every platform that Go runs on.
const tick = 10 * time.Millisecond

// procStat is what the bench wants of /proc/PID/stat.
type procStat struct {
	pid, parent int
	cpu         time.Duration // user and system, threads that ended included
}

// parseStat reads one /proc/PID/stat. The command's name may hold spaces and
// brackets, so that fields are counted from its last bracket.
func parseStat(line []byte) (procStat, error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return procStat{}, errors.New("no command in the stat line")
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line[:open])))
	if err != nil {
		return procStat{}, fmt.Errorf("stat: pid: %w", err)
	}
	fields := bytes.Fields(line[end+1:]) // state is the first
	if len(fields) < 13 {
		return procStat{}, fmt.Errorf("stat of %d: %d fields after the command", pid, len(fields))
	}
	var numbers [3]int64
	for i, at := range [3]int{1, 11, 12} { // ppid, utime, stime
		if numbers[i], err = strconv.ParseInt(string(fields[at]), 10, 64); err != nil {
			return procStat{}, fmt.Errorf("stat of %d: %w", pid, err)
		}
	}
	return procStat{pid: pid, parent: int(numbers[0]), cpu: time.Duration(numbers[1]+numbers[2]) * tick}, nil
}

// parseStatus reads resident memory and its peak, in bytes, out of
// /proc/PID/status.
func parseStatus(text []byte) (rss, peak int64, err error) {
	found := 0
	for line := range bytes.Lines(text) {
		var into *int64
		switch {
		case bytes.HasPrefix(line, []byte("VmRSS:")):
			into = &rss
		case bytes.HasPrefix(line, []byte("VmHWM:")):
			into = &peak
		default:
			continue
		}
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[2]) != "kB" {
			return 0, 0, fmt.Errorf("status: %q", bytes.TrimSpace(line))
		}
		kib, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("status: %w", err)
		}
		*into = kib << 10
		found++
	}
	if found != 2 {
		return 0, 0, errors.New("status: VmRSS or VmHWM is missing")
	}
	return rss, peak, nil
}

// descendants gives root and everything below it.
func descendants(root int, all []procStat) []procStat {
	within := map[int]bool{root: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if within[p.parent] && !within[p.pid] {
				within[p.pid], grown = true, true
			}
		}
	}
	var out []procStat
	for _, p := range all {
		if within[p.pid] {
			out = append(out, p)
		}
	}
	return out
}

// usage is what a process and its children have used.
type usage struct {
	cpu       time.Duration
	rss, peak int64
}

// readUsage adds up a process and its children. The peak is the sum of the
// processes' own peaks, an upper bound.
func readUsage(pid int) (usage, error) {
	all, err := readStats()
	if err != nil {
		return usage{}, err
	}
	tree := descendants(pid, all)
	if len(tree) == 0 {
		return usage{}, fmt.Errorf("process %d is gone", pid)
	}
	var u usage
	for _, p := range tree {
		u.cpu += p.cpu
		var rss, peak int64
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
		if err == nil {
			rss, peak, err = parseStatus(text)
		}
		if err != nil && p.pid != pid {
			continue // a child that has ended meanwhile, which has no memory
		}
		if err != nil {
			return usage{}, fmt.Errorf("process %d: %w", p.pid, err)
		}
		u.rss += rss
		u.peak += peak
	}
	return u, nil
}

// readStats reads the stat of every process that is there; those that end
// meanwhile are left out.
func readStats() ([]procStat, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []procStat
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		p, err := parseStat(line)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// coreTimes are the busy and all time of one core since the start.
type coreTimes struct{ busy, all time.Duration }

// parseCore reads the line of one core out of /proc/stat. Guest time is within
// user time; waiting for the disk is idle.
func parseCore(text []byte, core int) (coreTimes, error) {
	name := []byte("cpu" + strconv.Itoa(core))
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 9 || !bytes.Equal(fields[0], name) {
			continue
		}
		var t coreTimes
		for i, field := range fields[1:9] { // user nice system idle iowait irq softirq steal
			n, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil {
				return coreTimes{}, fmt.Errorf("%s: %w", name, err)
			}
			t.all += time.Duration(n) * tick
			if i != 3 && i != 4 {
				t.busy += time.Duration(n) * tick
			}
		}
		return t, nil
	}
	return coreTimes{}, fmt.Errorf("no %s in /proc/stat", name)
}

// readCore reads what one core has done.
func readCore(core int) (coreTimes, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return coreTimes{}, err
	}
	return parseCore(text, core)
}
