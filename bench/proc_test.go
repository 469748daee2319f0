// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " 20 0 1 0 234603 3133440 418 18446744073709551615"
	for name, test := range map[string]struct {
		line string
		want procStat
		bad  bool
	}{
		"a plain process": {
			"11283 (nginx) S 11167 11167 5053 0 -1 4194304 102 0 0 0 250 50 7 9" + rest,
			procStat{11283, 11167, 3 * time.Second}, false},
		"a name with spaces and brackets": {
			"7 (a) S (b c) R 1 7 7 0 -1 0 0 0 0 0 1 2 0 0" + rest,
			procStat{7, 1, 30 * time.Millisecond}, false},
		"an empty line":        {"", procStat{}, true},
		"no command":           {"7 S 1 7", procStat{}, true},
		"brackets turned over": {"7 ) x (", procStat{}, true},
		"cut short":            {"7 (x) S 1 7 7 0", procStat{}, true},
		"a pid that is none":   {"x (x) S 1 7 7 0 -1 0 0 0 0 0 1 2 0 0" + rest, procStat{}, true},
		"a time that is none":  {"7 (x) S 1 7 7 0 -1 0 0 0 0 0 z 2 0 0" + rest, procStat{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat([]byte(test.line))
			if (err != nil) != test.bad || got != test.want {
				t.Errorf("got %+v, %v; want %+v, error %v", got, err, test.want, test.bad)
			}
		})
	}
}

func TestParseStatus(t *testing.T) {
	for name, test := range map[string]struct {
		text      string
		rss, peak int64
		bad       bool
	}{
		"both figures":       {"Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n", 1 << 20, 2 << 20, false},
		"a kernel thread":    {"Name:\tkthreadd\n", 0, 0, true},
		"another unit":       {"VmHWM:\t1 MB\nVmRSS:\t1 kB\n", 0, 0, true},
		"no number":          {"VmHWM:\tx kB\nVmRSS:\t1 kB\n", 0, 0, true},
		"one figure of both": {"VmRSS:\t1 kB\n", 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			rss, peak, err := parseStatus([]byte(test.text))
			if (err != nil) != test.bad || (err == nil && (rss != test.rss || peak != test.peak)) {
				t.Errorf("got %d, %d, %v", rss, peak, err)
			}
		})
	}
}

func TestParseCore(t *testing.T) {
	const text = "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 10 1 20 300 40 1 2 6 5 0\ncpu10 9 9 9 9 9 9 9 9 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\nintr 5\n"
	got, err := parseCore([]byte(text), 0)
	if want := (coreTimes{busy: 400 * time.Millisecond, all: 3800 * time.Millisecond}); err != nil || got != want {
		t.Errorf("core 0: %+v, %v; want %+v", got, err, want)
	}
	got, err = parseCore([]byte(text), 1)
	if want := (coreTimes{busy: 10 * time.Millisecond, all: 20 * time.Millisecond}); err != nil || got != want {
		t.Errorf("core 1: %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "cpu0 1 2\n", "cpu0 a 1 1 1 1 1 1 1\n"} {
		if _, err := parseCore([]byte(bad), 0); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDescendantsAreTheWholeTreeAndNothingElse(t *testing.T) {
	all := []procStat{{pid: 40, parent: 30}, {pid: 1}, {pid: 30, parent: 20}, {pid: 20, parent: 1}, {pid: 21, parent: 1}}
	var pids []int
	for _, p := range descendants(20, all) {
		pids = append(pids, p.pid)
	}
	slices.Sort(pids)
	if want := []int{20, 30, 40}; !slices.Equal(pids, want) {
		t.Errorf("got %v, want %v", pids, want)
	}
	if got := descendants(99, all); len(got) != 0 {
		t.Errorf("a process that is gone has %v", got)
	}
}

// The real /proc: a process that works uses time and memory, and its child's
// count with it.
func TestUsageOfThisProcess(t *testing.T) {
	before, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.rss <= 0 || before.peak < before.rss {
		t.Errorf("resident %d, peak %d", before.rss, before.peak)
	}
	deadline := time.Now().Add(time.Minute)
	for x := 0; ; x++ {
		if x%1_000_000 != 0 {
			continue
		}
		after, err := readUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after.cpu > before.cpu {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("ten seconds of work used no CPU time")
		}
	}
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Skip("no cat to start:", err)
	}
	all, err := readStats()
	in.Close()
	_ = child.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(descendants(os.Getpid(), all), func(p procStat) bool { return p.pid == child.Process.Pid }) {
		t.Error("the child was not found")
	}
	if _, err := readUsage(1 << 30); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a process that is not there: %v", err)
	}
}

func TestReadCore(t *testing.T) {
	got, err := readCore(0)
	if err != nil || got.all <= 0 || got.busy > got.all {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (a) S 1 7 7 0 -1 0 0 0 0 0 1 2 0 0"))
	f.Add([]byte(") ("))
	f.Fuzz(func(t *testing.T, line []byte) {
		if p, err := parseStat(line); err != nil && p != (procStat{}) {
			t.Errorf("an error and %+v", p)
		}
	})
}
