// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"durward"
	"durward/waf/gate"
)

// StageName is the name of both stages in the trail.
const StageName = "waf"

// Stage is the firewall for the requests of one operation. It stands behind the
// contract, and reads the content only where rules can.
func (s *Set) Stage(d *Demand) durward.Stage {
	return &stage{inspector: s.inspector(d), limit: d.cfg.bodyLimit(), over: d.cfg.OnBodyLimit}
}

// inspector is what both stages of an operation have in common.
type inspector struct {
	set      *Set
	demand   *Demand
	settings Settings
	plans    []*plan // by span of the demand
	narrow   []*narrowing
	mode     durward.Mode
}

func (s *Set) inspector(d *Demand) inspector {
	i := inspector{set: s, demand: d, settings: d.cfg.settings(), mode: d.cfg.Mode}
	for _, span := range d.spans {
		i.plans = append(i.plans, s.plans[i.settings.with(span.profile)])
		var narrow *narrowing
		if len(d.proven) > 0 {
			narrow = s.narrow[i.settings.with(span.profile)]
		}
		i.narrow = append(i.narrow, narrow)
	}
	return i
}

// with are the settings with a profile.
func (s Settings) with(profile int) Settings {
	s.Profile = profile
	return s
}

// now are the settings with the profile that holds now, the gate for them, and
// what narrows it.
func (i *inspector) now() (Settings, *plan, *narrowing) {
	n := i.demand.spanAt(i.set.now())
	return i.settings.with(i.demand.spans[n].profile), i.plans[n], i.narrow[n]
}

type stage struct {
	inspector
	limit int64
	over  string // what happens to content beyond limit
	trial *Trial // of a request that nobody sent; nil at work
}

func (*stage) Name() string { return StageName }

// seen is what is shown of a request; it is used again.
type seen struct {
	gate.Request
	header durward.Header
	spent  time.Duration // of the client's budget
}

var requests = sync.Pool{New: func() any { return new(seen) }}

func (q *seen) release() {
	header := q.header
	clear(header)
	*q = seen{header: header[:0]}
	if cap(header) <= 128 {
		requests.Put(q)
	}
}

// Request shows the request to the rules.
func (s *stage) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	q := requests.Get().(*seen)
	defer q.release()
	q.fill(x)
	skipped, d := s.content(q, x)
	if d.Verdict != durward.Allow || d.Err != nil {
		return d
	}
	settings, plan, narrow := s.now()
	if q.Known = narrow.of(x, skipped); q.Known != nil {
		s.set.stats.narrowed.Add(1)
	}
	v, d := s.judge(ctx, x, q, settings, plan)
	if d.Verdict == durward.Allow && d.Err == nil && !v.Interrupted && s.demand.cfg.Decode.Enabled() {
		var more string
		if more, d = s.decoded(ctx, x, q, settings, plan, &v); more != "" {
			skipped = more
		}
	}
	if d.Verdict != durward.Allow || d.Err != nil {
		x.Findings = append(x.Findings, v.Findings...) // of a first look
		return d
	}
	return s.decide(x, &v, skipped)
}

// judge gives the verdict of the rules, without them where it is proven.
func (s *stage) judge(ctx context.Context, x *durward.Exchange, q *seen, settings Settings, p *plan) (Verdict, durward.Decision) {
	r := &q.Request
	if s.trial != nil {
		return s.try(r, settings, p)
	}
	var clean bool
	var why gate.Reason
	if size(r) < much || p.gate.Load() == nil {
		clean, why = p.clean(r)
	} else {
		var d durward.Decision
		if clean, why, d = s.cleanOfMuch(x, q, p); d.Verdict != durward.Allow || d.Err != nil {
			return Verdict{}, d
		}
	}
	s.set.stats.gate(clean, why)
	if clean {
		return Verdict{}, durward.Proceed()
	}
	return s.inspect(ctx, x, q, settings, why.Target == slowCompiling)
}

// decide makes a decision of a verdict.
func (s *stage) decide(x *durward.Exchange, v *Verdict, skipped string) durward.Decision {
	x.Findings = append(x.Findings, v.Findings...)
	if s.trial != nil {
		s.trial.Verdict = *v
	}
	switch {
	case v.Interrupted:
		s.set.stats.count(&s.set.stats.requests, OutcomeRefused, v, s.mode)
		return durward.Refuse(durward.CodeWAFBlocked, v.because(s.settings.Inbound))
	case len(v.Rules) > 0:
		s.set.stats.count(&s.set.stats.requests, OutcomeFound, v, s.mode)
	default:
		s.set.stats.count(&s.set.stats.requests, OutcomeClean, v, s.mode)
	}
	d := durward.Proceed()
	if skipped != "" {
		s.set.stats.skip(skipped)
		d.Err = uninspected[skipped]
	}
	return d
}

// because says why something was refused, for the record.
func (v *Verdict) because(threshold int) error {
	var b strings.Builder
	if scored(v.Rule) {
		fmt.Fprintf(&b, "anomaly score %d, refused from %d", v.Score, threshold)
	} else {
		fmt.Fprintf(&b, "rule %d", v.Rule)
	}
	for i, f := range v.Findings {
		if i == 4 {
			fmt.Fprintf(&b, ", and %d more", len(v.Rules)-i)
			break
		}
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%d in %s", sep, f.Rule, strings.TrimSpace(f.In+" "+f.Name))
		if f.Decoding != "" {
			fmt.Fprintf(&b, " (%s)", f.Decoding)
		}
	}
	return errors.New(b.String())
}

// scored tells whether a rule refuses because of the score.
func scored(rule int) bool { return rule >= 949000 && rule < 960000 }

// uninspected are the reasons for the record, made once.
var uninspected = map[string]error{
	UninspectedUpgrade: errors.New("not inspected: what follows the upgrade"),
	UninspectedType:    errors.New("not inspected: content of a type that rules cannot read"),
	UninspectedSize:    errors.New("not inspected: content beyond body_limit"),
}

// fill takes what rules see of a request but the content: the canonical target,
// as the upstream will get it.
func (q *seen) fill(x *durward.Exchange) {
	in := &x.In
	q.Method, q.URI, q.Protocol, q.Host, q.ServerName = in.Method, in.Path, in.Proto, in.Host, in.Host
	if in.RawQuery != "" {
		q.URI = in.Path + "?" + in.RawQuery
	}
	if x.Client.Address.IsValid() {
		q.ClientAddr = x.Client.Address.String()
	}
	q.ClientPort = int(in.Peer.Port())
	if in.Local.IsValid() {
		q.ServerAddr, q.ServerPort = in.Local.Addr().Unmap().WithZone("").String(), int(in.Local.Port())
	}
	q.Header = in.Header
	// The listener keeps the framing to itself; rules want to see that there is one.
	if !in.Body.Empty() && !in.Header.Has("Content-Length") && in.Proto != "HTTP/2.0" {
		q.own()
		q.header.Add("Transfer-Encoding", "chunked")
		q.Header = q.header
	}
}

// own makes the header a copy that can be changed.
func (q *seen) own() {
	if len(q.header) == 0 {
		q.header = append(q.header, q.Header...)
	}
}

// without leaves a field out of what rules see.
func (q *seen) without(name string) {
	q.own()
	q.header.Del(name)
	q.Header = q.header
}
