// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import "github.com/prometheus/client_golang/prometheus"

// CountersFunc registers counters that share a name, are told apart by labels
// whose values are not known beforehand, and are read when the metrics are.
// read emits each combination of values at most once, with as many values as
// there are labels, and bounds their number itself.
func (m *Metrics) CountersFunc(name, help string, labels []string, read func(emit func(value float64, labels ...string))) {
	m.Registry.MustRegister(&counters{prometheus.NewDesc("durward_"+name, help, labels, nil), prometheus.CounterValue, read})
}

// GaugesFunc is CountersFunc for values that may fall.
func (m *Metrics) GaugesFunc(name, help string, labels []string, read func(emit func(value float64, labels ...string))) {
	m.Registry.MustRegister(&counters{prometheus.NewDesc("durward_"+name, help, labels, nil), prometheus.GaugeValue, read})
}

type counters struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(emit func(value float64, labels ...string))
}

// Describe implements prometheus.Collector.
func (c *counters) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c *counters) Collect(out chan<- prometheus.Metric) {
	c.read(func(value float64, labels ...string) {
		if m, err := prometheus.NewConstMetric(c.desc, c.kind, value, labels...); err == nil {
			out <- m
		}
	})
}

// HistogramFunc registers a histogram that is read when the metrics are: how
// many there were, their sum, and how many were at most so much, each with all
// below it.
func (m *Metrics) HistogramFunc(name, help string, read func() (count uint64, sum float64, atMost map[float64]uint64)) {
	m.Registry.MustRegister(&histogram{prometheus.NewDesc("durward_"+name, help, nil, nil), read})
}

type histogram struct {
	desc *prometheus.Desc
	read func() (uint64, float64, map[float64]uint64)
}

// Describe implements prometheus.Collector.
func (h *histogram) Describe(out chan<- *prometheus.Desc) { out <- h.desc }

// Collect implements prometheus.Collector.
func (h *histogram) Collect(out chan<- prometheus.Metric) {
	count, sum, atMost := h.read()
	if m, err := prometheus.NewConstHistogram(h.desc, count, sum, atMost); err == nil {
		out <- m
	}
}
