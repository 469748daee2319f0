// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench decides how much a request costs behind Durward and behind its
// peers: whole processes side by side in one run, each gateway on one core, the
// load and the upstream on another. It believes the operating system, not the
// gateways: CPU time and memory come from /proc.
//
// It counts a run only when the gateway did what the job asks: each is probed
// before it is timed, and answers of the wrong kind make a run invalid, which
// the results say. It keeps no state but its folder of working files.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed testdata/request.lua testdata/headers.txt testdata/item.json testdata/bench.openapi.yaml
var testdata embed.FS

// wholeResults is where the results of all jobs and gateways go; they also go
// into the README.
const wholeResults = "bench/results.json"

// options are the command line.
type options struct {
	jobs, gateways             string
	rounds, seconds            int
	connections                int
	gatewayCore, loadCore      int
	out, results               string
	install, profile           bool
	soak                       time.Duration
	upstream, handshakes, idle string
	material                   string
}

func parseOptions(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.jobs, "jobs", "", "jobs to run, such as A,C; default all")
	f.StringVar(&o.gateways, "gateways", "", "gateways to run: durward, durward-buffered, haproxy, nginx, caddy, kin-openapi; default all")
	f.IntVar(&o.rounds, "rounds", 5, "runs of each gateway and job, in turns")
	f.IntVar(&o.seconds, "seconds", 3, "length of each run")
	f.IntVar(&o.connections, "connections", 64, "connections of the load")
	f.IntVar(&o.gatewayCore, "gateway-core", 0, "core of the gateways")
	f.IntVar(&o.loadCore, "load-core", 1, "core of the load and the upstream")
	f.StringVar(&o.out, "out", "bench/out", "folder of programs and working files")
	f.StringVar(&o.results, "results", "", "file of results; default bench/results.json, or OUT/results.json when -jobs or -gateways leaves some out")
	f.BoolVar(&o.install, "install", true, "build Caddy when it is missing, which takes minutes")
	f.BoolVar(&o.profile, "profile", false, "take one more run of Durward under perf; reports go to OUT/profile")
	f.DurationVar(&o.soak, "soak", time.Minute, "length of the run of job F that watches memory; 0 leaves it out")
	f.StringVar(&o.upstream, "upstream", "", "internal: serve as upstream on this address")
	f.StringVar(&o.handshakes, "handshakes", "", "internal: make TLS connections to this URL")
	f.StringVar(&o.idle, "idle", "", "internal: hold idle connections to this URL")
	f.StringVar(&o.material, "material", "", "internal: folder of request files")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.results == "" {
		o.results = wholeResults
		if o.jobs != "" || o.gateways != "" { // a look at a part does not replace the whole
			o.results = filepath.Join(o.out, "results.json")
		}
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.rounds < 1, o.seconds < 1, o.connections < 1:
		return o, errors.New("-rounds, -seconds and -connections must be at least 1")
	case len(chooseScenarios(o.jobs)) == 0:
		return o, fmt.Errorf("no job in -jobs %s; there are A to G", o.jobs)
	case o.gateways != "" && len(choose(o.gateways)) != strings.Count(o.gateways, ",")+1:
		return o, fmt.Errorf("-gateways %s: there are %s", o.gateways, names(gateways))
	case o.gatewayCore == o.loadCore:
		return o, errors.New("gateways and load must have a core each: -gateway-core and -load-core are the same")
	}
	return o, nil
}

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the bench itself, or the part of it that a process of its own plays.
func (o options) run(ctx context.Context) error {
	switch {
	case o.upstream != "":
		return serveUpstream(ctx, o.upstream)
	case o.idle != "":
		return holdIdle(ctx, o.idle, o.material, idleConnections, os.Stdout, os.Stdin)
	case o.handshakes != "":
		found, err := runHandshakes(ctx, o.handshakes, o.material, o.connections, time.Duration(o.seconds)*time.Second)
		if err == nil {
			_, err = os.Stdout.WriteString(found.line())
		}
		return err
	}
	b, chosen, err := o.prepare(ctx)
	if err != nil {
		return err
	}
	upstream, err := b.startUpstream(ctx)
	if err != nil {
		return err
	}
	defer upstream.stop()
	return o.runJobs(ctx, b, chosen)
}

// runJobs runs every scenario and writes the results after each, so that an
// end in the middle keeps what there is.
func (o options) runJobs(ctx context.Context, b *bench, chosen []gateway) error {
	direct, err := b.load.run(ctx, scenario{}, b.upstream, o.seconds)
	if err == nil {
		err = direct.check(noLimit)
	}
	if err != nil {
		return fmt.Errorf("upstream alone: %w", err)
	}
	fmt.Printf("upstream without a gateway: %.0f requests a second, p50 %v, p99 %v\n",
		float64(direct.requests)/direct.duration.Seconds(), direct.p50, direct.p99)
	var rows []row
	for _, s := range chooseScenarios(o.jobs) {
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.title())
		more, err := b.compare(ctx, s, chosen)
		if err != nil {
			return fmt.Errorf("%s: %w", s.title(), err)
		}
		rows = append(rows, more...)
		if s.load == idleLoad && o.soak > 0 {
			rows = append(rows, b.soakAll(ctx, chosen, o.soak)...)
		}
		if err := writeResults(o.results, rows); err != nil {
			return err
		}
	}
	if err := writeTable(os.Stdout, rows); err != nil {
		return err
	}
	writeTargets(os.Stdout, rows)
	fmt.Println("results:", o.results)
	if ctx.Err() == nil && o.results == wholeResults {
		return updateReadme("README.md", rows, thisMachine(o))
	}
	return ctx.Err()
}

// prepare builds Durward, finds the peers, and writes keys and request files.
func (o options) prepare(ctx context.Context) (*bench, []gateway, error) {
	if !isFile("go.mod") {
		return nil, nil, errors.New("run me from the top of the repository: go run ./bench")
	}
	out, err := filepath.Abs(o.out)
	if err != nil {
		return nil, nil, err
	}
	for _, tool := range []string{"taskset", "wrk"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, nil, fmt.Errorf("%s is missing; on Debian: apt-get install util-linux wrk", tool)
		}
	}
	raiseFileLimit()
	if err := os.RemoveAll(filepath.Join(out, "work")); err != nil {
		return nil, nil, err
	}
	m, err := newMaterial(filepath.Join(out, "work", "material"))
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	b := &bench{
		load:     loader{core: o.loadCore, connections: o.connections, material: m.dir, self: self},
		material: m, out: out, core: o.gatewayCore, rounds: o.rounds, seconds: o.seconds, profile: o.profile,
		versions: map[string]string{}, binaries: map[string]string{},
	}
	chosen, err := b.findPrograms(ctx, choose(o.gateways), o.install)
	return b, chosen, err
}

// startUpstream starts what all gateways pass requests to.
func (b *bench) startUpstream(ctx context.Context) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	b.upstream = address
	p, err := start("upstream", b.load.core, b.material.dir, []string{b.load.self, "-upstream", address})
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, address); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// soakAll runs the long run of each Durward; one that fails has a row that says
// why.
func (b *bench) soakAll(ctx context.Context, chosen []gateway, length time.Duration) []row {
	var rows []row
	for _, g := range chosen {
		if g.name != "durward" || g.audit != defaultAudit {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: F %s\n", soakVariant)
		r, err := b.soak(ctx, g, length)
		if err != nil {
			r = row{Job: "F", Variant: soakVariant, Gateway: g.name, Audit: g.audit,
				Version: b.versions[g.name], CPURuns: []float64{}, Invalid: []string{err.Error()}}
		}
		rows = append(rows, r)
	}
	return rows
}

// names lists gateways for people.
func names(list []gateway) string {
	var out []string
	for _, g := range list {
		out = append(out, g.flagName())
	}
	return strings.Join(out, ", ")
}
