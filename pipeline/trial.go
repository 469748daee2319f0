// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"

	"durward"
	"durward/audit"
	"durward/authn"
)

// Trial is a request that is judged by the stages of a configuration, and then
// goes nowhere: no upstream is asked, nothing is recorded or counted in
// metrics. What a stage itself keeps (limits, uses of proofs) it keeps, so a
// trial belongs to an Env of its own.
type Trial struct {
	// Exchange is the request; its In must be as a listener reads it. Its
	// Trail tells afterwards what each stage decided.
	Exchange *durward.Exchange
	// Who was authenticated when the request was first made, for one whose
	// credential is gone: the stage that authenticates judges again whether
	// that would do. nil authenticates anew.
	Who *durward.Principal
	// Stand takes the place of a stage that it knows better than the stage
	// can: who was authenticated, when the credential is gone. It is asked
	// before each stage, with its name, and says whether it has decided. May
	// be nil.
	Stand func(stage string, x *durward.Exchange) (durward.Decision, bool)
}

// Try judges a request by the current generation. The decision is Allow when
// an upstream would be asked, Answer when the gateway would answer itself, else
// a refusal.
func (p *Pipeline) Try(ctx context.Context, t Trial) durward.Decision {
	r := run{pipeline: p, generation: p.enter(), x: t.Exchange}
	if r.generation == nil {
		return durward.Refuse(durward.CodeInternal, errNoGeneration)
	}
	defer p.leave(r.generation)
	d := r.arrive()
	if r.counted.IsValid() {
		defer p.crowd.leave(r.counted)
	}
	if d.Verdict != durward.Allow {
		return d
	}
	for i := range r.operation.request {
		s := &r.operation.request[i]
		if s.name == audit.StageName {
			continue
		}
		decided := false
		if t.Stand != nil {
			d, decided = t.Stand(s.name, t.Exchange)
		}
		switch {
		case decided:
		case t.Who != nil && s.name == authn.StageName:
			d = authn.Again(s.stage, t.Exchange, *t.Who)
		default:
			d = s.stage.Request(ctx, t.Exchange)
		}
		if d = r.record(ctx, s.name, s.mode, s.failure, d); d.Verdict != durward.Allow {
			return d
		}
	}
	return durward.Proceed()
}

// Stage is what a person wants to know of one stage of an operation.
type Stage struct {
	Name    string
	Mode    durward.Mode
	OnError durward.OnError
	Fields  []string // of the document that it is made from
	Answer  bool     // it judges the upstream's answer
}

// Route gives the operation that a request would be routed to by the current
// generation, a pseudo operation for what no API takes, and its stages in
// their order. The operation is nil when the request cannot be routed at all;
// the decision then says why.
func (p *Pipeline) Route(x *durward.Exchange) (*durward.Operation, []Stage, durward.Decision) {
	r := run{pipeline: p, generation: p.enter(), x: x}
	if r.generation == nil {
		return nil, nil, durward.Refuse(durward.CodeInternal, errNoGeneration)
	}
	defer p.leave(r.generation)
	d := r.arrive()
	if r.counted.IsValid() {
		defer p.crowd.leave(r.counted)
	}
	if r.operation == nil {
		return nil, nil, d
	}
	var all []Stage
	for _, s := range r.operation.request {
		all = append(all, Stage{Name: s.name, Mode: s.mode, OnError: s.failure, Fields: s.fields})
	}
	for i := len(r.operation.response) - 1; i >= 0; i-- {
		s := r.operation.response[i]
		all = append(all, Stage{Name: s.name, Mode: s.mode, Answer: true, Fields: s.fields})
	}
	return r.operation.Operation, all, d
}

// Operations lists the operations of the current generation, without what
// answers for those that no API takes.
func (p *Pipeline) Operations() []*durward.Operation {
	g := p.hold()
	if g == nil {
		return nil
	}
	defer g.release()
	var all []*durward.Operation
	for i := range g.operations {
		if op := g.operations[i].Operation; op.Refusal == "" && !op.Preflight {
			all = append(all, op)
		}
	}
	return all
}
