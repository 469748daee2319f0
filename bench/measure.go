// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// bench is one run of the harness.
type bench struct {
	load     loader
	material *material
	upstream string // host:port of the upstream
	out      string // folder of programs and working files
	core     int    // the gateways' core
	rounds   int
	seconds  int
	profile  bool
	versions map[string]string
	binaries map[string]string // by the gateway's name
}

// sample is one run of one gateway.
type sample struct {
	cpu           time.Duration // of the gateway, for each request
	later         time.Duration // likewise, after the run
	busy          float64       // the share of its core that it used
	others        float64       // the share of its core that something else used
	rps           float64
	p50, p99      time.Duration
	peak          int64
	perConnection float64 // bytes; job F only
}

// newSample puts together what the load and the operating system say.
func newSample(o outcome, before, after reading) sample {
	used := after.cpu - before.cpu
	result := sample{
		cpu: used / time.Duration(o.requests), busy: used.Seconds() / o.duration.Seconds(),
		rps: float64(o.requests) / o.duration.Seconds(), p50: o.p50, p99: o.p99, peak: after.peak,
	}
	if all := after.core.all - before.core.all; all > 0 {
		result.others = max(0, (after.core.busy-before.core.busy-used).Seconds()/all.Seconds())
	}
	return result
}

// reading is what the operating system says of a gateway and its core.
type reading struct {
	usage
	core coreTimes
}

func (b *bench) read(c *contestant) (reading, error) {
	var r reading
	var err error
	if r.usage, err = readUsage(c.process.pid()); err == nil {
		r.core, err = readCore(b.core)
	}
	return r, err
}

// contestant is a gateway within one scenario.
type contestant struct {
	gateway
	dir     string
	address string
	process *process
	samples []sample
	faults  []string // why runs do not count
}

// launch configures and starts the contestant, and holds it against its probes.
func (b *bench) launch(ctx context.Context, s scenario, c *contestant) error {
	if err := os.RemoveAll(c.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	var err error
	if c.address, err = freeAddress(); err != nil {
		return err
	}
	admin, err := freeAddress()
	if err != nil {
		return err
	}
	binary := b.binaries[c.name]
	argv, err := c.configure(binary, setup{
		dir: c.dir, material: b.material.dir, listen: c.address, upstream: b.upstream,
		tls: s.tls, alg: s.alg, limit: s.limit, noCheck: s.noCheck, firewall: s.firewall, admin: admin,
	})
	if err != nil {
		return err
	}
	if c.process, err = start(c.flagName(), b.core, c.dir, argv); err != nil {
		return err
	}
	if err := c.process.ready(ctx, c.address); err != nil {
		return err
	}
	if err := runProbes(ctx, s, c.checksContracts(), b.material.dir, c.address); err != nil {
		return err
	}
	if s.firewall && c.name == "durward" {
		return gatesCompiled(ctx, "http://"+admin+"/metrics")
	}
	return nil
}

// halt stops the contestant, when it runs.
func (c *contestant) halt() {
	if c.process != nil {
		c.process.stop()
		c.process = nil
	}
}

// leastLine is less than any gateway's log line has, in bytes.
const leastLine = 80

// logSize is how much a peer has logged, in bytes.
func (c *contestant) logSize() int64 {
	info, err := os.Stat(filepath.Join(c.dir, c.log))
	if err != nil {
		return 0
	}
	return info.Size()
}

// restarts says whether a gateway must be started anew for each run: when it may
// not know any token yet, or when its memory is what is measured.
func (s scenario) restarts() bool { return s.fresh || s.load == idleLoad }

// compare runs one scenario over its gateways, in turns, and gives a row for
// each. A gateway that fails has a row that says so.
func (b *bench) compare(ctx context.Context, s scenario, chosen []gateway) ([]row, error) {
	var field []*contestant
	defer func() {
		for _, c := range field {
			c.halt()
		}
	}()
	if err := b.prepare(s); err != nil {
		return nil, err
	}
	for _, g := range chosen {
		if !g.can(s) {
			continue
		}
		field = append(field, &contestant{gateway: g, dir: filepath.Join(b.out, "work", s.slug()+"-"+g.flagName())})
	}
	for round := -1; round < b.rounds; round++ { // the first is the warm-up
		for _, c := range field {
			if len(c.faults) > 0 && (c.process == nil || len(c.faults) > b.rounds/2) {
				continue // it does not start, or fails again and again
			}
			err := b.turn(ctx, s, c, round)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				c.faults = append(c.faults, err.Error())
				fmt.Fprintf(os.Stderr, "bench: %s: %s: %v\n", s.title(), c.label(), err)
			}
		}
	}
	if b.profile {
		b.profileAll(ctx, s, field)
	}
	var rows []row
	for _, c := range field {
		rows = append(rows, b.row(s, c))
		c.halt()
		if err := os.RemoveAll(c.dir); err != nil { // logs of millions of requests
			return nil, err
		}
	}
	return rows, nil
}

// turn is one gateway's run within a round; round -1 is the warm-up.
func (b *bench) turn(ctx context.Context, s scenario, c *contestant, round int) error {
	if round < 0 && s.restarts() {
		return nil // each run has a warm-up of its own, or must have none
	}
	if c.process == nil || s.restarts() {
		c.halt()
		if err := b.launch(ctx, s, c); err != nil {
			c.halt()
			return err
		}
	}
	if s.load == idleLoad {
		result, err := b.idleSample(ctx, s, c)
		if err == nil {
			c.samples = append(c.samples, result)
		}
		return err
	}
	if round < 0 || s.restarts() {
		known := s
		known.fresh = false // tokens for the run must stay unknown
		if _, err := b.load.run(ctx, known, c.address, 1); err != nil {
			return err
		}
		if round < 0 {
			_, err := b.rest(ctx, c)
			return err
		}
	}
	logged := c.logSize()
	before, err := b.read(c)
	if err != nil {
		return err
	}
	found, err := b.load.run(ctx, s, c.address, b.seconds)
	if err != nil {
		return err
	}
	after, err := b.read(c)
	if err != nil {
		return err
	}
	if err := found.check(s.limit); err != nil {
		return err
	}
	if lines := (c.logSize() - logged) / leastLine; c.log != "" && lines < found.requests {
		return fmt.Errorf("its log took too little for %d requests", found.requests)
	}
	result := newSample(found, before, after)
	later, err := b.rest(ctx, c)
	if err != nil {
		return err
	}
	result.later = later / time.Duration(found.requests)
	c.samples = append(c.samples, result)
	return nil
}

const (
	// A gateway rests when it uses less than that in one look.
	restLook = 500 * time.Millisecond
	restUse  = 20 * time.Millisecond
	// restMost is how many looks are waited.
	restMost = 60
)

// rest waits until a gateway has done what it put off during the run, so that
// the next one has the core to itself. It gives the processor time of that.
func (b *bench) rest(ctx context.Context, c *contestant) (time.Duration, error) {
	began, err := readUsage(c.process.pid())
	if err != nil {
		return 0, err
	}
	last := began
	for range restMost {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(restLook):
		}
		now, err := readUsage(c.process.pid())
		if err != nil {
			return 0, err
		}
		if now.cpu-last.cpu < restUse {
			return last.cpu - began.cpu, nil
		}
		last = now
	}
	return last.cpu - began.cpu, nil
}

// freshTokens are more than Durward's cache of tokens holds, so that a run that
// comes round finds none of them there.
const freshTokens = 30_000

// prepare makes what only this scenario needs.
func (b *bench) prepare(s scenario) error {
	if !s.fresh || isFile(b.material.path(s.tokens())) {
		return nil
	}
	return b.material.writeTokens(s.tokens(), jose.SignatureAlgorithm(s.alg), freshTokens)
}
