// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"errors"
	"time"

	"durward"
	"durward/waf/gate"
	"durward/waf/seclang"
)

// Trial is what the firewall makes of a request that nobody has sent: what it
// does at work, and why.
type Trial struct {
	Mode      durward.Mode
	Paranoia  int
	Threshold int
	Verdict   Verdict
	// Decision is that of the stage: an Err in one to go on says what was not
	// inspected.
	Decision durward.Decision
	// Looks are the times that rules looked: at the request, and at what its
	// encoded values stand for.
	Looks []Look
	// Rules tells about the rules of Verdict.Rules, by id.
	Rules map[int]RuleText
}

// Look is one inspection.
type Look struct {
	Decoded bool // of what encoded values stand for
	Fast    bool // the gate has proven that no rule matches
	// Why is why the rule engine is asked, when Fast is not set.
	Why gate.Reason
	// Missed says that the engine found something where the gate had proven that
	// it cannot, which is a fault of the gate.
	Missed bool
}

// RuleText is what a rule says of itself.
type RuleText struct {
	Message  string // as written, its variables not put in
	Severity string // critical, error, warning, notice; "" where it says none
	Paranoia int    // level from which it runs; 0 where it says none
}

// Try judges the request of an exchange that was routed to the operation of
// d, with all that a builder has collected. It compiles engine and gate first,
// which takes about a second, and runs the engine in any case, under no budget.
func (b *Builder) Try(ctx context.Context, x *durward.Exchange, d *Demand, demands []*Demand) (*Trial, error) {
	set, err := NewEngines(time.Now).set(b, demands)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	settings := d.cfg.settings().with(d.profileAt(set.now()))
	p := &plan{settings: settings, of: set.shared, users: 1}
	if g, err := set.shared.plans.compile(&settings); err == nil {
		p.gate.Store(g)
	} else {
		p.failed.Store(true)
	}
	set.plans = map[Settings]*plan{settings: p}
	s := set.Stage(d).(*stage)
	// The bound of content is another stage's; what is there was sent by nobody.
	if err := x.In.Body.SetLimit(highestBodyLimit); err != nil {
		return nil, err
	}
	s.trial = &Trial{Mode: d.cfg.Mode, Paranoia: settings.Paranoia, Threshold: settings.Inbound}
	s.trial.Decision = s.Request(ctx, x)
	if err := s.trial.Decision.Err; errors.Is(err, errPanic) {
		return nil, err
	}
	s.trial.tell(set.shared.plans.set)
	return s.trial, nil
}

// try is judge in a trial: it asks the gate and the engine.
func (s *stage) try(r *gate.Request, settings Settings, p *plan) (Verdict, durward.Decision) {
	l := Look{Decoded: len(s.trial.Looks) > 0}
	l.Fast, l.Why = p.clean(r)
	v, err := s.set.shared.requests.Inspect(r, &settings)
	l.Missed = l.Fast && len(v.Rules) > 0
	s.trial.Looks = append(s.trial.Looks, l)
	if err != nil {
		return v, durward.Failed(durward.CodeInternal, err)
	}
	return v, durward.Proceed()
}

// severities are the names that CRS uses, by number.
var severities = map[int]string{2: "critical", 3: "error", 4: "warning", 5: "notice"}

// tell says what the rules that matched are.
func (t *Trial) tell(set *seclang.Set) {
	t.Rules = map[int]RuleText{}
	if set == nil {
		return
	}
	levels := levelsOf(set)
	for _, item := range set.Items {
		if r, ok := item.(*seclang.Rule); ok && t.matched(r.ID) {
			t.Rules[r.ID] = RuleText{Message: r.Message.String(), Severity: severities[r.Severity], Paranoia: levels[r.ID]}
		}
	}
}

func (t *Trial) matched(id int) bool {
	for _, m := range t.Verdict.Rules {
		if m == id {
			return true
		}
	}
	return id == t.Verdict.Rule && id != 0
}
