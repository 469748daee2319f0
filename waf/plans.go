// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"fmt"
	"sync/atomic"
	"time"

	"durward/waf/gate"
	"durward/waf/match"
	"durward/waf/seclang"
)

// plan is the gate for one kind of settings. Until it is compiled, and when it
// cannot be, requests are shown to the engine: the gate saves time and decides
// nothing, so that nobody has to wait for it.
type plan struct {
	settings Settings
	of       *instance
	gate     atomic.Pointer[gate.Gate]
	failed   atomic.Bool
	users    int // configurations; under the lock of Engines

	last *gate.Narrowing // for whoever compiles the next one
}

// plans are the gates of a rule set.
type plans struct {
	rules *Rules
	cache *match.Cache // of expressions, which nearly all gates share
	heir  int          // of how many rule sets before this one the cache was
	byTX  map[Settings]*plan
	set   *seclang.Set // read by the one who compiles
}

func newPlans(r *Rules) plans {
	return plans{rules: r, cache: match.NewCache(0), byTX: map[Settings]*plan{}}
}

// maxHeirs bounds what is kept of rule sets that are gone: a cache never forgets
// an expression.
const maxHeirs = 16

// inherit takes the cache of a rule set that is still there: at a reload nearly
// all expressions are the same. It runs under the lock of Engines.
func (p *plans) inherit(live map[string]*instance) {
	for _, i := range live {
		if i.plans.heir < maxHeirs && i.plans.heir >= p.heir {
			p.cache, p.heir = i.plans.cache, i.plans.heir+1
		}
	}
}

// plansOf finds or makes the plans that operations need, one for each kind of settings
// they will ever have. It runs under the lock of Engines.
func (e *Engines) plansOf(i *instance, demands []*Demand) map[Settings]*plan {
	mine := map[Settings]*plan{}
	for _, d := range demands {
		s := d.cfg.settings()
		for _, span := range d.spans {
			s = s.with(span.profile)
			p := i.plans.byTX[s]
			if p == nil {
				p = &plan{settings: s, of: i}
				i.plans.byTX[s] = p
				e.waiting = append(e.waiting, p)
			}
			if mine[s] == nil {
				mine[s] = p
				p.users++
			}
		}
	}
	return mine
}

// work sees to it that somebody compiles what is to be compiled. It runs under
// the lock of Engines.
func (e *Engines) work() {
	if len(e.waiting)+len(e.narrow) > 0 && !e.compiling {
		e.compiling = true
		go e.compile()
	}
}

// compile makes gates one after the other, so that no more than one core is
// taken from requests, and then what narrows them, until there is nothing left to
// do.
func (e *Engines) compile() {
	for {
		e.mu.Lock()
		if len(e.waiting) == 0 && len(e.narrow) > 0 {
			n := e.narrow[0]
			e.mu.Unlock()
			e.narrowed(n)
			continue
		}
		if len(e.waiting) == 0 {
			e.waiting, e.narrow, e.compiling = nil, nil, false
			e.mu.Unlock()
			return
		}
		p := e.waiting[0]
		e.waiting = e.waiting[1:]
		wanted := p.users > 0
		e.mu.Unlock()
		if !wanted {
			continue
		}
		start := time.Now()
		g, err := p.of.plans.compile(&p.settings)
		e.stats.compiled.Add(int64(time.Since(start)))
		if err != nil {
			p.failed.Store(true)
			continue
		}
		p.gate.Store(g)
	}
}

// narrowed compiles the first narrowing that waits, unless nobody needs it.
func (e *Engines) narrowed(n *narrowing) {
	e.mu.Lock()
	wanted := !n.closed
	e.mu.Unlock()
	if wanted {
		start := time.Now()
		n.make()
		e.stats.compiled.Add(int64(time.Since(start)))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.narrow = e.narrow[1:]
	if n.done.Load() != nil && !n.closed {
		n.counted = true
		e.stats.narrowings.Add(1)
	}
}

// compile makes one gate. Rules that the engine takes and the gate cannot read
// are an error that costs time only.
func (p *plans) compile(s *Settings) (g *gate.Gate, err error) {
	defer func() {
		if v := recover(); v != nil {
			g, err = nil, fmt.Errorf("waf: the gate cannot be compiled: %v", v)
		}
	}()
	if p.set == nil {
		if p.set, err = seclang.Parse(p.rules.FS, p.rules.Text); err != nil {
			return nil, err
		}
	}
	return gate.Compile(p.set, gate.Profile{TX: s.variables(), Cache: p.cache})
}

// Why a request was shown to the engine, where no rule of the gate is the reason.
const (
	slowCompiling = "not compiled yet"
	slowFailed    = "cannot be compiled"
	slowPanic     = "internal error"
)

// clean tells whether it is proven that no rule matches a request.
func (p *plan) clean(r *gate.Request) (clean bool, why gate.Reason) {
	g := p.gate.Load()
	switch {
	case g != nil:
	case p.failed.Load():
		return false, gate.Reason{Target: slowFailed}
	default:
		return false, gate.Reason{Target: slowCompiling}
	}
	defer func() {
		if recover() != nil { // what it holds may quote the request
			clean, why = false, gate.Reason{Target: slowPanic}
		}
	}()
	return g.Clean(r)
}

// release gives plans back. It runs under the lock of Engines.
func (p *plans) release(mine map[Settings]*plan) {
	for s, m := range mine {
		if m.users--; m.users == 0 {
			delete(p.byTX, s)
		}
	}
}

// Gates counts the gates by what became of them: ready, compiling, and failed,
// whose requests all go to the rule engine.
func (e *Engines) Gates() (ready, compiling, failed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.live {
		for _, p := range i.plans.byTX {
			switch {
			case p.gate.Load() != nil:
				ready++
			case p.failed.Load():
				failed++
			default:
				compiling++
			}
		}
	}
	return ready, compiling, failed
}
