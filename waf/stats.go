// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"durward"
	"durward/waf/gate"
)

// Outcomes of an inspection, as metrics name them.
const (
	OutcomeClean   = "clean"   // no rule found anything
	OutcomeFound   = "found"   // rules found something, below the threshold
	OutcomeRefused = "refused" // refused, or would have been in report mode
	OutcomeFailed  = "failed"  // the rules could not be run
	OutcomeBusy    = "busy"    // there was no processor time for the rules
)

// Reasons why content was not inspected.
const (
	UninspectedUpgrade = "upgrade" // the connection leaves HTTP
	UninspectedType    = "type"    // no rule can read content of its type
	UninspectedSize    = "size"    // it is beyond body_limit
	UninspectedBusy    = "busy"    // there was no processor time for the rules
)

var (
	outcomes = []string{OutcomeClean, OutcomeFound, OutcomeRefused, OutcomeFailed, OutcomeBusy}
	reasons  = []string{UninspectedUpgrade, UninspectedType, UninspectedSize, UninspectedBusy}
)

// stats are counters that outlive reloads.
type stats struct {
	built    atomic.Int64
	requests [5]atomic.Int64 // by outcome
	answers  [5]atomic.Int64
	skipped  [4]atomic.Int64 // by reason
	rules    sync.Map        // ruleKey -> *atomic.Int64, bounded by the rules that there are
	clean    atomic.Int64    // proven so by a gate
	slow     sync.Map        // slowKey -> *atomic.Int64, bounded as rules
	compiled atomic.Int64    // nanoseconds that gates took to compile

	narrowings atomic.Int64 // in force
	narrowed   atomic.Int64 // requests
}

// slowKey is why the engine had to be asked: a rule, or one of a few words.
type slowKey struct {
	rule int
	word string
}

type ruleKey struct {
	rule int
	mode durward.Mode
}

func index(words []string, w string) int {
	for i := range words {
		if words[i] == w {
			return i
		}
	}
	return 0
}

// count notes one inspection.
func (s *stats) count(of *[5]atomic.Int64, outcome string, v *Verdict, mode durward.Mode) {
	of[index(outcomes, outcome)].Add(1)
	for _, id := range v.Rules {
		add(&s.rules, ruleKey{id, mode})
	}
}

// add counts one under a key.
func add(m *sync.Map, key any) {
	n, ok := m.Load(key)
	if !ok {
		n, _ = m.LoadOrStore(key, new(atomic.Int64))
	}
	n.(*atomic.Int64).Add(1)
}

// gate notes what the gate said of a request. Of a rule the id is enough: what
// it looks at would be many.
func (s *stats) gate(clean bool, why gate.Reason) {
	switch {
	case clean:
		s.clean.Add(1)
	case why.RuleID != 0:
		add(&s.slow, slowKey{rule: why.RuleID})
	default:
		add(&s.slow, slowKey{word: why.Target})
	}
}

func (s *stats) skip(reason string) { s.skipped[index(reasons, reason)].Add(1) }

// Engines tells how many instances are alive.
func (e *Engines) Engines() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, i := range e.live {
		n++
		if i.answers != nil {
			n++
		}
	}
	return n
}

// Requests gives the counts of inspections of requests by outcome, Answers
// those of answers, Uninspected those of content that was not looked at by
// reason. Every word is given, also with a count of 0.
func (e *Engines) Requests(yield func(n int64, outcome string)) {
	for i, o := range outcomes {
		yield(e.stats.requests[i].Load(), o)
	}
}

// Answers is as Requests, for answers.
func (e *Engines) Answers(yield func(n int64, outcome string)) {
	for i, o := range outcomes {
		yield(e.stats.answers[i].Load(), o)
	}
}

// Uninspected gives how often content was not looked at, by reason.
func (e *Engines) Uninspected(yield func(n int64, reason string)) {
	for i, r := range reasons {
		yield(e.stats.skipped[i].Load(), r)
	}
}

// Matches gives how often each rule matched, by the mode of the operation.
func (e *Engines) Matches(yield func(n int64, rule, mode string)) {
	e.stats.rules.Range(func(k, n any) bool {
		key := k.(ruleKey)
		yield(n.(*atomic.Int64).Load(), strconv.Itoa(key.rule), key.mode.String())
		return true
	})
}

// Gate gives how many requests the gate proved clean, with no reason, and how
// many it left to the rule engine: because of which rule, or of what else.
func (e *Engines) Gate(yield func(n int64, result, reason string)) {
	yield(e.stats.clean.Load(), "clean", "")
	e.stats.slow.Range(func(k, n any) bool {
		key := k.(slowKey)
		reason := key.word
		if key.rule != 0 {
			reason = strconv.Itoa(key.rule)
		}
		yield(n.(*atomic.Int64).Load(), "slow", reason)
		return true
	})
}

// GateTime is how long gates took to compile, in all.
func (e *Engines) GateTime() time.Duration { return time.Duration(e.stats.compiled.Load()) }
