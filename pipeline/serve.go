// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"

	"durward"
	"durward/listen"
	"durward/route"
)

// Serve takes one exchange from its first stage to the last byte of its answer.
// It implements listen.Handler.
func (p *Pipeline) Serve(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	r := run{pipeline: p, generation: p.enter(), x: x, out: out}
	if r.generation == nil { // the gateway has ended
		out.Abort()
		return
	}
	defer r.end() // the outcome of every exchange, panics included

	d := r.arrive()
	if d.Verdict == durward.Allow {
		d = r.request(ctx)
	}
	if d.Verdict == durward.Allow {
		d = r.upstream(ctx)
	}
	if x.Response != nil {
		d = r.response(ctx, d)
	}
	if r.gone {
		r.abandon()
		return
	}
	if d.Verdict == durward.Deny || d.Verdict == durward.Fail {
		r.refuse(d)
	}
	r.send(ctx)
}

// arrive makes the request canonical, finds out who is at the other end, and
// routes it. A request that cannot be read in one way only is refused here.
func (r *run) arrive() durward.Decision {
	x, g := r.x, r.generation
	r.stage = "canonical"
	var d durward.Decision
	if x.In.Fault != "" { // the listener could not read it
		d = durward.Refuse(x.In.Fault, x.In.FaultErr)
	} else {
		d = route.Canonicalise(&x.In, &g.limits)
	}
	if client := g.clients.Resolve(&x.In, &x.Client); d.Verdict == durward.Allow {
		d = client
	}
	x.ID = requestID(x)
	if d.Verdict == durward.Allow && listen.Misdirected(&x.In) {
		d = durward.Refuse(durward.CodeMisdirected, errMisdirected)
	}
	if d.Verdict == durward.Allow && r.pipeline.inFlight.Load() > g.maxInFlight {
		d = durward.Refuse(durward.CodeOverloaded, errOverloaded)
		x.Extra.Add("Retry-After", "1")
	}
	if d.Verdict == durward.Allow && !r.place() {
		d = durward.Refuse(durward.CodeRateLimited, errCrowd)
		x.Violated = append(x.Violated, "requests-per-address")
		x.Extra.Add("Retry-After", "1")
	}
	if d.Verdict != durward.Allow {
		return r.record(context.Background(), "canonical", durward.Enforce, durward.DenyOnError, d)
	}
	r.stage = "route"
	x.Operation, x.Params = g.table.Match(&x.In, x.Params)
	r.operation = &g.operations[x.Operation.Index]
	r.span = r.pipeline.env.Tracer.Start(context.Background(), x)
	r.outcome.Routed = r.lap()
	return d
}

// place takes one of the places of the request's client; false when all are
// taken. A trusted proxy that names no client stands for many.
func (r *run) place() (ok bool) {
	g, a := r.generation, r.x.Client.Address
	if !a.IsValid() || g.clients.Trusted(a) {
		return true
	}
	r.counted, ok = r.pipeline.crowd.enter(a, g.maxPerAddress)
	return ok
}

// request runs the request stages in their order until one stops it.
func (r *run) request(ctx context.Context) durward.Decision {
	for i := range r.operation.request {
		s := &r.operation.request[i]
		r.stage = s.name
		d := s.stage.Request(ctx, r.x)
		if d = r.record(ctx, s.name, s.mode, s.failure, d); d.Verdict != durward.Allow {
			return d
		}
	}
	return durward.Proceed()
}

// upstream asks the service behind the gateway.
func (r *run) upstream(ctx context.Context) durward.Decision {
	r.stage = "upstream"
	r.span.Inject(&r.x.Out)
	d := r.operation.upstream.Do(ctx, r.x, hints{r.out, r.operation.guarded}.inform)
	if r.x.Response != nil {
		r.x.Upstream.Status = r.x.Response.Status
	}
	if d.Verdict != durward.Allow && clientGone(ctx, d.Err) {
		d = bodyFault(&r.x.In.Body, d)
	}
	return r.record(ctx, "upstream", durward.Enforce, durward.DenyOnError, d)
}

// hints passes interim answers on. No stage sees those, so where answers are
// guarded only the field is kept that they are made for (RFC 8297).
type hints struct {
	out     durward.Responder
	guarded bool
}

func (i hints) inform(status int, h durward.Header) error {
	if i.guarded {
		h.Filter(func(f durward.Field) bool { return f.Name == "Link" })
	}
	return i.out.Inform(status, h)
}

// response runs the response stages, the last one first. The answer that a
// stage gave itself passes them as well: they guard what leaves, not where it
// came from.
func (r *run) response(ctx context.Context, d durward.Decision) durward.Decision {
	for i := len(r.operation.response) - 1; i >= 0; i-- {
		s := &r.operation.response[i]
		r.stage = s.name
		if e := r.record(ctx, s.name, s.mode, durward.DenyOnError, s.stage.Response(ctx, r.x)); e.Verdict == durward.Deny || e.Verdict == durward.Fail {
			return e
		}
	}
	return d
}
