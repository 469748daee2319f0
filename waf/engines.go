// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"durward"
	"durward/waf/patch"
	"durward/waf/slowpath"
)

// Engines keeps the instances of the rule engine over reloads: a configuration
// with the same rule set takes the one that is there. It also counts. Safe for
// concurrent use. A nil Engines keeps and counts nothing.
type Engines struct {
	now   func() time.Time
	mu    sync.Mutex
	live  map[string]*instance
	stats stats
	slow  *slowpath.Scheduler

	waiting   []*plan // gates to be compiled
	compiling bool    // somebody is at it
	narrow    []*narrowing

	patches patch.Counts
}

// NewEngines makes an empty one.
func NewEngines(now func() time.Time) *Engines {
	return &Engines{now: now, live: map[string]*instance{}, slow: slowpath.New(now)}
}

// instance is a rule set in use by one or more configurations.
type instance struct {
	key      string
	digest   map[string][sha256.Size]byte // of the operator's files
	requests *Engine
	answers  *Engine // nil where no answer is inspected
	plans    plans
	users    int
}

// Set is what one configuration has of the engines, until it is closed.
type Set struct {
	engines *Engines
	shared  *instance
	plans   map[Settings]*plan
	narrow  map[Settings]*narrowing
	now     func() time.Time
	stats   *stats
	once    sync.Once
	slow    slowpath.Config
	limits  sync.Once // puts slow in force
}

// Set compiles the rule set that a builder has collected, or takes the one that
// is there. Its gates are compiled behind its back; what has none yet is slower.
func (e *Engines) Set(b *Builder, demands []*Demand) (*Set, error) {
	if e == nil {
		e = NewEngines(time.Now)
	}
	s, err := e.set(b, demands)
	if err == nil {
		e.mu.Lock()
		s.plans = e.plansOf(s.shared, demands)
		s.narrow = e.narrowingsOf(s.plans, demands)
		e.work()
		e.mu.Unlock()
	}
	return s, err
}

func (e *Engines) set(b *Builder, demands []*Demand) (*Set, error) {
	rules, err := b.Rules(e.now(), demands...)
	if err != nil {
		return nil, err
	}
	answers := slices.ContainsFunc(demands, func(d *Demand) bool { return d.cfg.Responses == on })
	key := fmt.Sprint(rules.hash(), answers)
	e.mu.Lock()
	defer e.mu.Unlock()
	shared := e.live[key]
	if shared == nil || !unchanged(shared.digest) {
		if shared, err = newInstance(key, rules, answers); err != nil {
			return nil, err
		}
		shared.plans.inherit(e.live)
		e.live[key] = shared
		e.stats.built.Add(1)
	}
	shared.users++
	return &Set{engines: e, shared: shared, now: e.now, stats: &e.stats, slow: b.global.SlowPath}, nil
}

func newInstance(key string, rules *Rules, answers bool) (*instance, error) {
	i := &instance{key: key, plans: newPlans(rules)}
	var err error
	if i.requests, err = newEngine(rules.Text, rules.FS); err != nil {
		return nil, ruleFault(err)
	}
	if answers {
		if i.answers, err = newEngine(rules.Response, rules.FS); err != nil {
			return nil, errors.Join(ruleFault(err), i.requests.Close())
		}
	}
	i.digest = rules.files.digest()
	return i, nil
}

// ruleFault bounds what the engine says of a rule that it cannot take.
func ruleFault(err error) error {
	text := err.Error()
	return durward.Invalid("", "the rules cannot be compiled: %s", text[:min(len(text), 500)])
}

// Close gives the engines back; the last configuration ends them.
func (s *Set) Close() error {
	var err error
	s.once.Do(func() {
		e := s.engines
		e.mu.Lock()
		defer e.mu.Unlock()
		s.shared.plans.release(s.plans)
		for _, n := range s.narrow {
			if n.closed = true; n.counted {
				n.counted = false
				e.stats.narrowings.Add(-1)
			}
		}
		if s.shared.users--; s.shared.users > 0 {
			return
		}
		if e.live[s.shared.key] == s.shared {
			delete(e.live, s.shared.key)
		}
		err = s.shared.requests.Close()
		if s.shared.answers != nil {
			err = errors.Join(err, s.shared.answers.Close())
		}
	})
	return err
}

// SlowPath is what decides who may run the rules, and when.
func (e *Engines) SlowPath() *slowpath.Scheduler { return e.slow }

// Patches counts how often virtual patches applied.
func (e *Engines) Patches() *patch.Counts {
	if e == nil {
		return nil
	}
	return &e.patches
}

// Rules counts the rules of the set.
func (s *Set) Rules() int { return s.shared.requests.Count() }

// Try compiles what a builder has collected and throws it away: for who wants
// to know whether it can be used.
func Try(b *Builder, demands []*Demand) error {
	s, err := NewEngines(time.Now).set(b, demands)
	if err != nil {
		return err
	}
	return s.Close()
}
