// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"

	"durward"
	"durward/authn"
	"durward/pipeline"
	"durward/replay"
)

// Replay judges a record of an exchange by this configuration: what `durward
// replay` compares. Three things stay as they were recorded, because nothing of
// them is at hand any more: that a credential was bad, that a limit was
// reached, and what a content that was not kept was found to be.
func (e *Explainer) Replay(ctx context.Context, r *replay.Record) replay.Decision {
	x := e.recorded(r)
	t := pipeline.Trial{Exchange: x, Stand: func(stage string, x *durward.Exchange) (durward.Decision, bool) {
		return stays(r, stage, x)
	}}
	if r.Who != nil {
		p := r.Who.Principal()
		t.Who = &p
	}
	if r.Decision.Stage == "canonical" && (r.Decision.Code == durward.CodeOverloaded || r.Decision.Code == durward.CodeRateLimited) {
		return r.Decision
	}
	d := e.pipe.Try(ctx, t)
	if d.Verdict == durward.Allow || d.Verdict == durward.Answer {
		return replay.Decision{Allowed: true}
	}
	v := verdict(d, x)
	return replay.Decision{Code: durward.Code(v.Code), Stage: v.Stage, Reason: v.Reason}
}

// stays gives the recorded decision of a stage that cannot judge again.
func stays(r *replay.Record, stage string, x *durward.Exchange) (durward.Decision, bool) {
	was := func() (durward.Decision, bool) {
		if !r.Decision.Allowed && r.Decision.Stage == stage {
			return durward.Refuse(r.Decision.Code, errors.New(r.Decision.Reason)), true
		}
		return durward.Proceed(), true
	}
	switch stage {
	case "ratelimit", "quota":
		return was()
	case authn.StageName:
		if r.Who == nil && r.Presents && r.Decision.Stage == stage {
			return was()
		}
	case "contract", "authz_content":
		if r.Body == nil && r.Length != 0 {
			return was()
		}
	case "restrictions":
		return was()
	}
	return durward.Decision{}, false
}

// recorded makes the exchange of a record.
func (e *Explainer) recorded(r *replay.Record) *durward.Exchange {
	q := Request{Method: r.Method, Target: r.Path, Host: r.Host, Body: r.Body, HTTPS: r.Scheme == "https", Listener: r.Listener}
	x := e.exchange(&q)
	in := &x.In
	x.Started, x.ID = r.Time, r.ID
	in.RawPath, in.RawQuery, in.Host, in.Proto, in.Upgrade, in.Fault = r.Path, r.Query, r.Host, r.Proto, r.Upgrade, r.Fault
	in.Header, in.Peer = r.Header, r.Peer
	if r.Fault != "" {
		in.FaultErr = errors.New(r.Decision.Reason)
	}
	return x
}
