// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"durward"
	"durward/audit"
	"durward/observe"
)

var (
	errMisdirected = errors.New("the host differs from the name that the TLS connection was made for")
	errOverloaded  = errors.New("too many requests are in flight")
	errClientGone  = errors.New("the client's connection ended before the answer did")
)

// run is one exchange under way: what the runner knows beside the Exchange.
type run struct {
	pipeline   *Pipeline
	generation *Generation
	operation  *operation // nil until the request is routed
	x          *durward.Exchange
	out        durward.Responder
	span       observe.Span

	stage    string // where the exchange is
	sent     bool   // the answer has begun
	outcome  audit.End
	problems *problemBuffer
}

// record writes a decision to the trail, and says what comes of it: a refusal
// in report mode and a failure whose policy is to proceed let the request go on.
func (r *run) record(stage string, mode durward.Mode, onError durward.OnError, d durward.Decision) durward.Decision {
	r.x.Trail = append(r.x.Trail, durward.Step{Stage: stage, Verdict: d.Verdict, Code: d.Code, Mode: mode, OnError: onError, Err: d.Err})
	step := &r.x.Trail[len(r.x.Trail)-1]
	switch {
	case d.Verdict == durward.Allow:
	case step.Stopped():
		r.outcome.Code, r.outcome.Stage, r.outcome.Reason = durward.Lookup(d.Code).Code, stage, reasonOf(d.Err)
	case d.Verdict == durward.Deny, d.Verdict == durward.Fail:
		return durward.Proceed()
	}
	return d
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// refuse makes the problem document the answer.
func (r *run) refuse(d durward.Decision) {
	if r.x.Response != nil && r.x.Response.Body != nil {
		r.x.Response.Body.Close()
	}
	r.problems = problemBuffers.Get().(*problemBuffer)
	r.x.Response = r.problems.answer(r.generation.problemBase, &d, r.x)
}

// send gives the answer to the client, to its last byte.
func (r *run) send(ctx context.Context) {
	x := r.x
	x.Response.Header.Del(requestIDField)
	x.Extra.Add(requestIDField, x.ID)
	r.sent = true
	r.outcome.Status = x.Response.Status
	var err error
	if x.Response.Upgraded != nil {
		r.stage = "upgrade"
		r.outcome.BytesOut, r.outcome.BytesIn, err = r.out.Upgrade(ctx, x.Response, x.Extra, r.operation.upgradeIdle)
		x.Response.Upgraded.Close()
		err = nil // an upgraded connection ends when either side cuts it
	} else {
		r.stage = "send"
		r.outcome.BytesOut, err = r.out.Respond(x.Response, x.Extra)
	}
	if x.Response.Body != nil {
		x.Response.Body.Close()
	}
	if err != nil && r.outcome.Code == "" {
		r.outcome.Stage, r.outcome.Reason = "send", "the answer was cut: "+err.Error()
	}
}

// end records the outcome. It runs for every exchange, however it went: a
// panic becomes a 500, or a cut connection when the answer had begun.
func (r *run) end() {
	x := r.x
	if v := recover(); v != nil {
		r.panicked(v)
	}
	r.outcome.Took = time.Since(x.Started)
	if r.outcome.BytesIn == 0 {
		r.outcome.BytesIn = max(x.In.Body.Taken(), 0)
	}
	env := r.pipeline.env
	env.Audit.Outcome(x, r.outcome)
	var metrics *observe.Operation
	if r.operation != nil {
		metrics = r.operation.metrics
	}
	env.Metrics.End(metrics, x, r.outcome.Status, r.outcome.Took)
	r.span.End(x, r.outcome.Status, r.outcome.Code)
	if r.problems != nil {
		problemBuffers.Put(r.problems)
	}
	r.pipeline.leave(r.generation)
	r.pipeline.release(x)
}

// panicked turns a programmer's error into an answer that tells nothing of it.
func (r *run) panicked(v any) {
	r.pipeline.env.Metrics.Panicked()
	r.pipeline.env.Log.Error("panic", "stage", r.stage, "request_id", r.x.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	r.outcome.Code, r.outcome.Stage, r.outcome.Reason = durward.CodeInternal, r.stage, "panic"
	r.x.Trail = append(r.x.Trail, durward.Step{Stage: r.stage, Verdict: durward.Deny, Code: durward.CodeInternal})
	if r.sent {
		r.out.Abort()
		return
	}
	defer func() {
		if recover() != nil { // even the answer failed
			r.out.Abort()
		}
	}()
	r.refuse(durward.Refuse(durward.CodeInternal, nil))
	r.send(context.Background())
	r.outcome.Stage = r.x.Trail[len(r.x.Trail)-1].Stage
}
