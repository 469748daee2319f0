// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"durward/observe"
	"durward/waf"
)

// registerFirewall makes metrics of what the firewall counts.
func registerFirewall(m *observe.Metrics, e *waf.Engines) {
	type byWord func(yield func(int64, string))
	for _, c := range []struct {
		name, help, label string
		read              byWord
	}{
		{"waf_requests_total", "Requests that the firewall inspected, by what came of it.", "outcome", e.Requests},
		{"waf_answers_total", "Answers that the firewall inspected, by what came of it.", "outcome", e.Answers},
		{"waf_uninspected_total", "Requests whose content the firewall did not look at, or not all of it, by reason.", "reason", e.Uninspected},
	} {
		m.CountersFunc(c.name, c.help, []string{c.label}, func(emit func(float64, ...string)) {
			c.read(func(n int64, word string) { emit(float64(n), word) })
		})
	}
	m.CountersFunc("waf_rule_matches_total", "Matches of the firewall's rules, by rule and the operation's mode.", []string{"rule", "mode"},
		func(emit func(float64, ...string)) {
			e.Matches(func(n int64, rule, mode string) { emit(float64(n), rule, mode) })
		})
	m.GaugeFunc("waf_engines", "Instances of the rule engine in memory.", func() float64 { return float64(e.Engines()) })
}
