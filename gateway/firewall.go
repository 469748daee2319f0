// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"

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
	m.CountersFunc("waf_gate_total", "Requests by what the firewall's gate said: clean, or slow, with the rule or the reason why the rule engine was asked.", []string{"result", "reason"},
		func(emit func(float64, ...string)) {
			e.Gate(func(n int64, result, reason string) { emit(float64(n), result, reason) })
		})
	m.CounterFunc("waf_gate_compile_seconds_total", "Time that the firewall's gates took to compile.", func() float64 { return e.GateTime().Seconds() })
	m.GaugeFunc("waf_gates_ready", "Gates of the firewall that are compiled.", func() float64 { ready, _, _ := e.Gates(); return float64(ready) })
	m.GaugeFunc("waf_gates_compiling", "Gates that are still to be compiled: until then their requests take the slow path.", func() float64 { _, n, _ := e.Gates(); return float64(n) })
	m.GaugeFunc("waf_gates_failed", "Gates that could not be compiled: their requests take the slow path.", func() float64 { _, _, n := e.Gates(); return float64(n) })
	m.GaugeFunc("waf_narrowings_ready", "Gates that use what contracts prove of values.", func() float64 { ready, _ := e.Narrowings(); return float64(ready) })
	m.GaugeFunc("waf_narrowings_waiting", "Gates for which what contracts prove is still to be compiled.", func() float64 { _, n := e.Narrowings(); return float64(n) })
	m.CounterFunc("waf_narrowed_total", "Requests whose values the gate kept from rules that cannot match them, by the contract.", func() float64 { return float64(e.Narrowed()) })
	registerSlowPath(m, e)
	m.GaugeFunc("waf_engines", "Instances of the rule engine in memory.", func() float64 { return float64(e.Engines()) })
}

// registerSlowPath makes metrics of who runs the rule engine, and of virtual patches.
func registerSlowPath(m *observe.Metrics, e *waf.Engines) {
	m.CountersFunc("waf_patch_matches_total", "Requests that a virtual patch was about, by patch.", []string{"patch"},
		func(emit func(float64, ...string)) {
			e.Patches().Matches(func(n int64, id string) { emit(float64(n), id) })
		})
	slow := e.SlowPath()
	m.CountersFunc("waf_slow_path_total", "Requests that had to run the rule engine, by whether they could.", []string{"outcome"},
		func(emit func(float64, ...string)) {
			slow.Outcomes(func(n int64, outcome string) { emit(float64(n), outcome) })
		})
	m.HistogramFunc("waf_slow_path_seconds", "Processor time of runs of the rule engine.", slow.Seconds)
	m.CounterFunc("waf_large_content_seconds_total", "Processor time that the gate took for large content, paid from the budgets of the slow path.", func() float64 { return slow.Spent().Seconds() })
	m.GaugeFunc("waf_slow_path_waiting", "Requests that wait for the rule engine.", func() float64 { return float64(slow.Waiting()) })
}

// gateNotes says which gates are missing: requests are inspected without them, and
// take longer.
func gateNotes(e *waf.Engines) (notes []string) {
	_, compiling, failed := e.Gates()
	if compiling > 0 {
		notes = append(notes, fmt.Sprintf("the firewall compiles %d gates: until then its requests take the slow path", compiling))
	}
	if failed > 0 {
		notes = append(notes, fmt.Sprintf("%d gates of the firewall could not be compiled: their requests take the slow path", failed))
	}
	return notes
}
