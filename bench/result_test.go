// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for name, test := range map[string]struct {
		in   []float64
		want float64
	}{
		"of nothing":               {nil, 0},
		"of one":                   {[]float64{7}, 7},
		"of an odd number":         {[]float64{9, 1, 5}, 5},
		"of an even number":        {[]float64{4, 1, 3, 2}, 2.5},
		"is not led by an outlier": {[]float64{10, 11, 1000, 9, 10}, 10},
	} {
		if got := median(test.in); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	in := []float64{3, 1, 2}
	median(in)
	if in[0] != 3 {
		t.Error("median changed the order of its values")
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(199-i))
	}
	if p50, p99 := percentile(times, 50), percentile(times, 99); p50 != 100 || p99 != 198 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	if got := percentile([]time.Duration{5}, 99); got != 5 {
		t.Errorf("of one: %d", got)
	}
}

func TestASampleIsWhatTheOperatingSystemSays(t *testing.T) {
	o := outcome{requests: 20_000, duration: 2 * time.Second, p50: time.Millisecond, p99: 3 * time.Millisecond}
	before := reading{usage{cpu: time.Second}, coreTimes{busy: 10 * time.Second, all: 20 * time.Second}}
	after := reading{usage{cpu: 2 * time.Second, peak: 77}, coreTimes{busy: 11500 * time.Millisecond, all: 22 * time.Second}}
	got := newSample(o, before, after)
	want := sample{cpu: 50 * time.Microsecond, busy: 0.5, others: 0.25, rps: 10_000,
		p50: time.Millisecond, p99: 3 * time.Millisecond, peak: 77}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// sampleRows are the rows of a small made-up run.
func sampleRows() []row {
	b := &bench{versions: map[string]string{"durward": "1", "haproxy": "2"}}
	one := func(cpu time.Duration) sample {
		return sample{cpu: cpu, busy: 0.9, rps: 1000, p50: 2 * time.Millisecond, p99: 9 * time.Millisecond, peak: 1 << 20}
	}
	get := scenario{job: "A", variant: "GET"}
	buffered, group, haproxy := gateways[1], gateways[0], gateways[2]
	return []row{
		b.row(get, &contestant{gateway: buffered, samples: []sample{one(10 * time.Microsecond)}}),
		b.row(get, &contestant{gateway: group, samples: []sample{one(44 * time.Microsecond), one(40 * time.Microsecond), one(41 * time.Microsecond)}}),
		b.row(get, &contestant{gateway: haproxy, samples: []sample{one(20 * time.Microsecond)}, faults: []string{"its reason"}}),
		b.row(scenario{job: "B", variant: "RS256"}, &contestant{gateway: haproxy, faults: []string{"did not start"}}),
	}
}

func TestResultsHaveTheNamesThatReadersUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	if err := writeResults(path, sampleRows()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		for _, name := range []string{"job", "variant", "gateway", "version", "cpu_us", "rps", "rps_per_core", "p50_us", "p99_us", "runs", "cpu_us_runs", "peak_rss"} {
			if _, ok := r[name]; !ok {
				t.Errorf("%s is missing in %v", name, r)
			}
		}
	}
	group, failed := rows[1], rows[3]
	for name, want := range map[string]any{"job": "A", "gateway": "durward", "audit": "group", "version": "1",
		"cpu_us": 41.0, "rps": 1000.0, "rps_per_core": 24390.0, "p50_us": 2000.0, "p99_us": 9000.0, "runs": 3.0} {
		if group[name] != want {
			t.Errorf("%s is %v, want %v", name, group[name], want)
		}
	}
	if failed["runs"] != 0.0 || failed["invalid"] == nil {
		t.Errorf("a gateway that failed: %v", failed)
	}
	if _, err := os.Stat(path + ".tmp"); err == nil {
		t.Error("the temporary file is left")
	}
}

func TestTheTableShowsEveryRowAndWhatDoesNotCount(t *testing.T) {
	rows := sampleRows()
	rows[1].OtherUse = 0.3
	var out bytes.Buffer
	if err := writeTable(&out, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"durward (buffered)", "41.0", "INVALID A GET, haproxy: its reason",
		"INVALID B RS256, haproxy: did not start", "NOISY: in 1 of 4 rows"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	rows[1].OtherUse = quiet
	out.Reset()
	if err := writeTable(&out, rows); err != nil || strings.Contains(out.String(), "NOISY") {
		t.Errorf("quiet rows are called noisy, %v:\n%s", err, out.String())
	}
}

func TestTargetsAreJudgedOnTheDefaultAuditLog(t *testing.T) {
	var out bytes.Buffer
	writeTargets(&out, sampleRows())
	if want := "met     A GET: 2.05 of haproxy's GET CPU, at most 2.3\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	rows := sampleRows()
	rows[1].CPU = 47
	rows = append(rows,
		row{Job: "F", Variant: "idle connections", Gateway: "durward", Runs: 1, PerConnection: 30 << 10},
		row{Job: "F", Variant: soakVariant, Gateway: "durward", Runs: 1, Soak: &soakResult{Seconds: 60, Growth: 1.2}})
	out.Reset()
	writeTargets(&out, rows)
	if got := strings.Count(out.String(), "MISSED"); got != 3 {
		t.Errorf("%d missed, want 3:\n%s", got, out.String())
	}
}

func TestMemoryIsFlatWhenTheLatePeakIsNotAboveTheEarlyOne(t *testing.T) {
	for name, test := range map[string]struct {
		rss  []int64
		flat bool
		bad  bool
	}{
		"level":                          {[]int64{10, 100, 101, 99, 100, 102, 100, 101}, true, false},
		"a peak at the start hides none": {[]int64{900, 900, 100, 101, 120, 130, 140, 150}, false, false},
		"growing":                        {[]int64{100, 110, 120, 130, 140, 150, 160, 170}, false, false},
		"a late spike":                   {[]int64{100, 100, 100, 100, 100, 100, 100, 106}, false, false},
		"too short":                      {[]int64{1, 2, 3}, false, true},
		"nothing seen":                   {[]int64{0, 0, 0, 0}, false, true},
	} {
		got, err := soakOf(test.rss, time.Minute)
		if (err != nil) != test.bad || got.Flat != test.flat {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTheCostOfACheckIsADifferenceWithinOneProgram(t *testing.T) {
	e := func(variant, gateway, audit string, cpu float64) row {
		return row{Job: "E", Variant: variant, Gateway: gateway, Audit: audit, CPU: cpu, Runs: 1}
	}
	rows := []row{
		e("checked", "durward", defaultAudit, 42), e("not checked", "durward", defaultAudit, 30.5),
		e("checked", kinName, "", 190), e("not checked", kinName, "", 120),
		e("GET checked", "durward", defaultAudit, 36), e("GET not checked", "durward", defaultAudit, 30),
	}
	var out strings.Builder
	writeTargets(&out, rows)
	for _, want := range []string{
		"met     E checked: the check costs 11.5 us of CPU, at most 15; kin-openapi's 70.0\n",
		"MISSED  E GET checked: the check costs 6.0 us of CPU, at most 3\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	out.Reset()
	writeTargets(&out, rows[:1]) // nothing to compare with
	if out.String() != "" {
		t.Error(out.String())
	}
}
