// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"durward/config"
	"durward/expect"
	"durward/observe"
	"durward/probe"
	"durward/probe/identity"
	"durward/probe/report"
	"durward/probe/schedule"
	"durward/probe/spec"
	"durward/store"
)

// probes are the security tests that the gateway makes of its own APIs.
type probes struct {
	gateway   *Gateway
	scheduler *schedule.Scheduler

	mu   sync.Mutex
	runs map[[2]string]float64 // by job and outcome
	last map[string]float64    // when a job's last run ended, in Unix time
}

func (g *Gateway) openProbes() {
	p := &probes{gateway: g, runs: map[[2]string]float64{}, last: map[string]float64{}}
	p.scheduler = schedule.New(schedule.Options{Log: g.log, Begin: g.store.BeginProbe, Run: p.run, Finish: p.finish})
	g.probes = p
	g.closers = append(g.closers, p.scheduler.Close)
	p.register(g.env.Metrics)
}

func (p *probes) register(m *observe.Metrics) {
	m.CountersFunc("probe_runs_total", "Runs of security tests, by how they ended.", []string{"job", "outcome"}, func(emit func(float64, ...string)) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for k, n := range p.runs {
			emit(n, k[0], k[1])
		}
	})
	m.GaugesFunc("probe_last_run_timestamp_seconds", "When the last run of security tests ended, in Unix time.", []string{"job"}, func(emit func(float64, ...string)) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for job, at := range p.last {
			emit(at, job)
		}
	})
}

// set takes the jobs of the configuration that is now in force.
func (p *probes) set(cfg *config.Config) {
	jobs := make(map[string]schedule.Config, len(cfg.Probe))
	for name, job := range cfg.Probe {
		jobs[name] = *job
	}
	p.scheduler.Set(jobs, cfg.Fingerprint())
}

// run makes one run against the configuration that is in force now.
func (p *probes) run(ctx context.Context, name string, job *schedule.Config) (*report.Run, error) {
	g := p.gateway
	cfg := g.cfg.Load()
	policy, err := expect.New(cfg, g.store, job.API)
	if err != nil {
		return nil, err
	}
	defer policy.Close()
	api, err := spec.Load(policy.Document())
	if err != nil {
		return nil, err
	}
	requests, rate, limit := job.Bounds()
	run := probe.Config{API: api, Document: policy.Document(), URL: job.URL, Seed: uint64(max(job.Seed, 1)), Only: job.Checks, Skip: job.Skip,
		ReadOnly: !job.Writes, MaxRequests: requests, Rate: float64(rate), Time: limit, Concurrency: 2, Expect: policy, Version: g.opts.Build.Version}
	if run.URL == "" {
		if run.URL, err = g.ownURL(cfg, policy.Prefix()); err != nil {
			return nil, err
		}
	}
	if job.Users != "" {
		if run.Users, err = identity.Read(job.Users); err != nil {
			return nil, err
		}
	}
	g.log.Info("security tests begin", "job", name, "api", policy.Name(), "url", run.URL)
	out, err := probe.Run(ctx, run)
	if err != nil || job.Baseline == "" {
		return out, err
	}
	text, err := os.ReadFile(job.Baseline)
	if err != nil {
		return nil, err
	}
	known, err := report.ParseBaseline(job.Baseline, text)
	if err != nil {
		return nil, err
	}
	out.Notes = append(out.Notes, known.Apply(out.Findings, time.Now())...)
	return out, nil
}

// ownURL is where this gateway serves an API itself, without TLS.
func (g *Gateway) ownURL(cfg *config.Config, prefix string) (string, error) {
	bound, ok := g.Addresses()[cfg.Listen[0].Address].(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("listener %s is not there", cfg.Listen[0].Address)
	}
	host := bound.AddrPort().Addr().Unmap()
	at := net.JoinHostPort(host.String(), fmt.Sprint(bound.Port))
	if host.IsUnspecified() {
		at = net.JoinHostPort("localhost", fmt.Sprint(bound.Port))
	}
	return "http://" + at + prefix, nil
}

// finish keeps the results, and tells them.
func (p *probes) finish(ctx context.Context, id int64, r schedule.Result) {
	g := p.gateway
	text, err := packed(r.Report)
	if err == nil {
		err = g.store.FinishProbe(ctx, id, r.Outcome, r.Summary, text)
	}
	if err != nil {
		g.log.Error("the results of security tests were not kept", "job", r.Job, "run", id, "error", err)
	}
	if err := g.env.Audit.System("security tests", fmt.Sprintf("job %s, run %d, for %s: %s; %s", r.Job, id, r.Trigger, r.Outcome, r.Summary)); err != nil {
		g.log.Error("security tests were not recorded", "job", r.Job, "run", id, "error", err)
	}
	say := g.log.Info
	if r.Outcome != schedule.Clean {
		say = g.log.Warn
	}
	say("security tests ended", "job", r.Job, "run", id, "outcome", r.Outcome, "summary", r.Summary, "took", r.Took.Round(time.Millisecond))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs[[2]string{r.Job, r.Outcome}]++
	p.last[r.Job] = float64(time.Now().Unix())
}

// packed is a report as the store keeps it. One that is too large is kept
// without its evidence.
func packed(r *report.Run) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	var b bytes.Buffer
	for range 2 {
		b.Reset()
		z := gzip.NewWriter(&b)
		if err := report.JSON(z, r); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		if b.Len() <= store.MaxProbeReport {
			break
		}
		r.Notes = append(r.Notes, "the evidence was left out: the report was too large")
		for i := range r.Findings {
			r.Findings[i].Steps = nil
		}
	}
	return b.Bytes(), nil
}
