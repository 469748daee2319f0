// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package observe counts and traces what the gateway does, for operators:
// Prometheus metrics with bounded labels, and OpenTelemetry spans with W3C
// trace context (https://www.w3.org/TR/trace-context/). It never sees a path,
// a caller or a credential: those belong in the audit log.
//
// Failure policy: it decides nothing, so its failures never touch a request. A
// trace collector that is away loses spans, which are queued within a bound.
package observe

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"durward"
)

// Metrics is every metric of one gateway. It outlives reloads, so that no
// counter goes back. Safe for concurrent use.
type Metrics struct {
	Registry *prometheus.Registry

	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	upstream  *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	inFlight  prometheus.Gauge
	panics    prometheus.Counter
	reloadOK  prometheus.Gauge
	reloadAt  prometheus.Gauge
	reloads   *prometheus.CounterVec
	stripped  *prometheus.CounterVec
	invalid   *prometheus.CounterVec
	unguarded *prometheus.CounterVec
	leaks     *prometheus.CounterVec

	byDecision sync.Map // decisionKey -> prometheus.Counter, bounded by configuration
}

// Build is what `durward version` says, for the metric durward_build_info.
type Build struct{ Version, Commit, Go string }

var latency = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// NewMetrics makes the metrics of one gateway, on a registry of their own.
func NewMetrics(build Build) *Metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "durward", Name: name, Help: help}
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts(opts(name, help)))
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "durward", Name: name, Help: help, Buckets: latency}, []string{"api", "operation"})
	}
	m := &Metrics{
		Registry:  prometheus.NewRegistry(),
		requests:  counter("requests_total", "Exchanges ended, by class of the answer's status.", "api", "operation", "class"),
		duration:  histogram("request_duration_seconds", "From the request's head to the end of its answer."),
		upstream:  histogram("upstream_duration_seconds", "From the request to the upstream until the head of its answer."),
		decisions: counter("decisions_total", "Decisions of stages that did not simply allow.", "api", "operation", "stage", "verdict", "code", "mode"),
		inFlight:  gauge("requests_in_flight", "Exchanges that have begun and not ended."),
		panics:    prometheus.NewCounter(prometheus.CounterOpts(opts("panics_total", "Panics that the runner recovered from."))),
		reloadOK:  gauge("config_last_reload_success", "Whether the last load of the configuration was taken: 1 or 0."),
		reloadAt:  gauge("config_last_reload_success_timestamp_seconds", "When a configuration was last taken, in Unix time."),
		reloads:   counter("config_reloads_total", "Loads of the configuration, by result.", "result"),
	}
	m.stripped = counter("response_fields_stripped_total", "Members of answers that were removed because the contract does not have them or not for the caller; in report mode those that would have been.", "api", "operation")
	m.invalid = counter("response_values_invalid_total", "Values of answers that are not as the contract says.", "api", "operation")
	m.leaks = counter("leaks_total", "What must not be told and was found in answers, by what it is and what was done.", "api", "detector", "action")
	m.unguarded = counter("response_unguarded_total", "Answers whose content was not looked into, by reason.", "api", "operation", "reason")
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("build_info", "Always 1; the labels say what runs.")), []string{"version", "commit", "go"})
	info.WithLabelValues(build.Version, build.Commit, build.Go).Set(1)
	m.Registry.MustRegister(m.requests, m.duration, m.upstream, m.decisions, m.inFlight, m.panics,
		m.stripped, m.invalid, m.unguarded, m.leaks,
		m.reloadOK, m.reloadAt, m.reloads, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// GaugeFunc registers a gauge that is read when the metrics are.
func (m *Metrics) GaugeFunc(name, help string, read func() float64) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "durward", Name: name, Help: help}, read))
}

// CounterFunc registers a counter that is read when the metrics are.
func (m *Metrics) CounterFunc(name, help string, read func() float64) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "durward", Name: name, Help: help}, read))
}

// LabelledCounterFunc registers one counter of several that share a name and
// are told apart by the value of a label.
func (m *Metrics) LabelledCounterFunc(name, help, label, value string, read func() float64) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: "durward", Name: name, Help: help, ConstLabels: prometheus.Labels{label: value},
	}, read))
}

// LabelledGaugeFunc registers one gauge of several, likewise.
func (m *Metrics) LabelledGaugeFunc(name, help, label, value string, read func() float64) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "durward", Name: name, Help: help, ConstLabels: prometheus.Labels{label: value},
	}, read))
}

// Operation is the metrics of one operation, resolved once at load, so that
// counting one costs an atomic addition.
type Operation struct {
	metrics  *Metrics
	op       *durward.Operation
	classes  [6]prometheus.Counter
	duration prometheus.Observer
	upstream prometheus.Observer
	// unguarded is the counter of the reason that came last: nearly always one
	// operation has but one.
	unguarded atomic.Pointer[reasonCounter]
}

type reasonCounter struct {
	reason  string
	counter prometheus.Counter
}

// Operation resolves the metrics of op.
func (m *Metrics) Operation(op *durward.Operation) *Operation {
	o := &Operation{
		metrics: m, op: op,
		duration: m.duration.WithLabelValues(op.API, op.ID),
		upstream: m.upstream.WithLabelValues(op.API, op.ID),
	}
	for i, class := range classNames {
		o.classes[i] = m.requests.WithLabelValues(op.API, op.ID, class)
	}
	return o
}

// classNames are the classes of status codes; "none" is for a client that went
// before its answer.
var classNames = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Begin counts an exchange in.
func (m *Metrics) Begin() { m.inFlight.Inc() }

// End counts an exchange out. op is nil when the request was refused before it
// was routed.
func (m *Metrics) End(op *Operation, x *durward.Exchange, status int, took time.Duration) {
	m.inFlight.Dec()
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	if op == nil {
		m.requests.WithLabelValues("", "", classNames[class]).Inc()
	} else {
		op.classes[class].Inc()
		op.duration.Observe(took.Seconds())
		if x.Upstream.Took > 0 {
			op.upstream.Observe(x.Upstream.Took.Seconds())
		}
	}
	if g := &x.Guard; !g.None() && op != nil {
		op.guarded(g)
	}
	for i := range x.Trail {
		if x.Trail[i].Verdict != durward.Allow {
			m.decision(op, &x.Trail[i])
		}
	}
}

// guarded counts what was found in an answer. The reasons are this program's.
func (o *Operation) guarded(g *durward.GuardFacts) {
	if g.Stripped > 0 {
		o.metrics.stripped.WithLabelValues(o.op.API, o.op.ID).Add(float64(g.Stripped))
	}
	if g.Invalid > 0 {
		o.metrics.invalid.WithLabelValues(o.op.API, o.op.ID).Add(float64(g.Invalid))
	}
	for i := range g.Leaks {
		o.metrics.leaks.WithLabelValues(o.op.API, g.Leaks[i].Detector, g.Leaks[i].Action).Add(float64(g.Leaks[i].Count))
	}
	if g.Unguarded != "" {
		c := o.unguarded.Load()
		if c == nil || c.reason != g.Unguarded {
			c = &reasonCounter{g.Unguarded, o.metrics.unguarded.WithLabelValues(o.op.API, o.op.ID, g.Unguarded)}
			o.unguarded.Store(c)
		}
		c.counter.Inc()
	}
}

// decisionKey has a bounded number of values: operations and stages come from
// the configuration, verdicts, codes and modes from this program.
type decisionKey struct {
	api, operation, stage string
	verdict               durward.Verdict
	code                  durward.Code
	mode                  durward.Mode
}

func (m *Metrics) decision(op *Operation, s *durward.Step) {
	key := decisionKey{stage: s.Stage, verdict: s.Verdict, code: s.Code, mode: s.Mode}
	if op != nil {
		key.api, key.operation = op.op.API, op.op.ID
	}
	if c, ok := m.byDecision.Load(key); ok {
		c.(prometheus.Counter).Inc()
		return
	}
	c := m.decisions.WithLabelValues(key.api, key.operation, key.stage, key.verdict.String(), string(key.code), key.mode.String())
	m.byDecision.Store(key, c)
	c.Inc()
}

// Panicked counts a recovered panic.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Reloaded records whether a configuration was taken.
func (m *Metrics) Reloaded(ok bool, now time.Time) {
	if !ok {
		m.reloadOK.Set(0)
		m.reloads.WithLabelValues("refused").Inc()
		return
	}
	m.reloadOK.Set(1)
	m.reloadAt.Set(float64(now.Unix()))
	m.reloads.WithLabelValues("taken").Inc()
}
