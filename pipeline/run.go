// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"

	"durward"
	"durward/audit"
	"durward/observe"
	"durward/proxy/http1"
)

var (
	errMisdirected  = errors.New("the host differs from the name that the TLS connection was made for")
	errOverloaded   = errors.New("too many requests are in flight")
	errCrowd        = errors.New("too many requests of one client are in flight")
	errVerdict      = errors.New("the stage gave a verdict that does not exist")
	errNoGeneration = errors.New("no configuration is in force")
	errClientGone   = errors.New("the client's connection ended before the answer did")
)

// run is one exchange under way: what the runner knows beside the Exchange.
type run struct {
	pipeline   *Pipeline
	generation *Generation
	operation  *operation // nil until the request is routed
	x          *durward.Exchange
	out        durward.Responder
	span       observe.Span

	clock   time.Duration // since the request began, at the last lap
	counted netip.Addr    // as whose the request counts in the crowd; invalid when it does not

	stage    string // where the exchange is
	sent     bool   // the answer has begun
	gone     bool   // the client left before a decision could be made
	broken   bool   // a stage panicked
	outcome  audit.End
	problems *problemBuffer
}

// record writes a decision to the trail, and says what comes of it: a refusal
// in report mode and a failure whose policy is to proceed let the request go on.
// What a stage could not decide because the client went away is nobody's
// failure: it is recorded as such and ends the exchange without an answer.
func (r *run) record(ctx context.Context, stage string, mode durward.Mode, onError durward.OnError, d durward.Decision) durward.Decision {
	took := r.lap()
	if d.Verdict != durward.Allow && clientGone(ctx, d.Err) {
		r.gone = true
		d = durward.Decision{Err: errClientGone}
		r.x.Trail = append(r.x.Trail, durward.Step{Stage: stage, Err: errClientGone, Took: took})
		r.outcome.Stage, r.outcome.Reason = stage, errClientGone.Error()
		return d
	}
	if d.Reported && d.Verdict == durward.Deny {
		mode = durward.Report
	}
	if d.Verdict > durward.Fail {
		d = durward.Refuse(durward.CodeInternal, errVerdict)
	}
	r.x.Trail = append(r.x.Trail, durward.Step{Stage: stage, Verdict: d.Verdict, Code: d.Code, Mode: mode, OnError: onError, Err: d.Err, Took: took})
	step := &r.x.Trail[len(r.x.Trail)-1]
	switch {
	case d.Verdict == durward.Allow:
	case step.Stopped(), d.Verdict == durward.Answer && d.Code != "": // such as a masked error
		r.outcome.Code, r.outcome.Stage, r.outcome.Reason = durward.Lookup(d.Code).Code, stage, reasonOf(d.Err)
	case d.Verdict == durward.Deny, d.Verdict == durward.Fail:
		return durward.Proceed()
	}
	return d
}

// lap gives the time since the last one, or since the request began: reading
// one clock a stage is all that timing costs.
func (r *run) lap() time.Duration {
	now := time.Since(r.x.Started)
	took := now - r.clock
	r.clock = now
	return took
}

// clientGone tells whether err is there only because the client's connection
// or stream ended, or the gateway cut it at the end of a drain. A refusal that
// has a reason of its own stays one, whether or not somebody waits for it.
func clientGone(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() == nil {
		return false
	}
	var upstream *http1.Error
	return errors.Is(err, context.Canceled) || errors.Is(err, durward.ErrBodyAborted) ||
		errors.As(err, &upstream) && upstream.Kind == http1.Canceled
}

// bodyFault gives the decision that a client's content deserves. net/http ends
// the request's context at a content that is too slow as well, and then it is
// a matter of chance whether the upstream client sees that or the slowness first.
func bodyFault(b *durward.Body, d durward.Decision) durward.Decision {
	err := b.Err()
	if code := durward.BodyFault(err); code != "" && !errors.Is(err, durward.ErrBodyAborted) {
		return durward.Refuse(code, err)
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
	r.drop()
	if r.problems == nil {
		r.problems = problemBuffers.Get().(*problemBuffer)
	}
	r.x.Response = r.problems.answer(r.generation.problemBase, &d, r.x)
	if r.operation != nil && r.operation.hsts != "" && r.x.Client.Scheme == "https" {
		r.x.Extra.Add("Strict-Transport-Security", r.operation.hsts)
	}
	if durward.Lookup(d.Code).Status == 503 && !r.x.Extra.Has("Retry-After") {
		r.x.Extra.Add("Retry-After", retryAfter)
	}
}

// retryAfter is the Retry-After in seconds of a 503 whose stage knows no
// better: the audit log and the store are tried again about that often.
const retryAfter = "5"

// drop lets go of an answer that is not sent, and of the upstream's
// connection with it.
func (r *run) drop() {
	answer := r.x.Response
	if answer == nil {
		return
	}
	r.x.Response = nil
	if answer.Body != nil {
		answer.Body.Close()
	}
	if answer.Upgraded != nil {
		answer.Upgraded.Close()
	}
}

// abandon ends an exchange that has no client any more.
func (r *run) abandon() {
	r.drop()
	r.out.Abort()
}

// send gives the answer to the client, to its last byte.
func (r *run) send(ctx context.Context) {
	x := r.x
	x.Response.Header.Del(requestIDField)
	x.Extra.Add(requestIDField, x.ID)
	ctx, stop := whileValid(ctx, x, r.pipeline.env.Now)
	defer stop()
	r.sent = true
	r.outcome.Status = x.Response.Status
	var err error
	if x.Response.Upgraded != nil {
		r.stage = "upgrade"
		// An upgraded connection ends when either side cuts it: no error of ours.
		r.outcome.BytesOut, r.outcome.BytesIn, _ = r.out.Upgrade(ctx, x.Response, x.Extra, r.operation.upgradeIdle)
	} else {
		r.stage = "send"
		r.outcome.BytesOut, err = r.out.Respond(x.Response, x.Extra)
	}
	r.drop()
	r.outcome.Sent += r.lap()
	if err != nil && r.outcome.Code == "" {
		r.outcome.Stage, r.outcome.Reason = "send", "the answer was cut: "+err.Error()
	}
}

// end records the outcome. It runs for every exchange, however it went: a
// panic becomes a 500, or a cut connection when the answer had begun.
func (r *run) end() {
	x := r.x
	defer r.leave() // even if recording panics
	if v := recover(); v != nil {
		r.panicked(v)
	}
	r.outcome.Took = time.Since(x.Started)
	if r.outcome.BytesIn == 0 {
		r.outcome.BytesIn = max(x.In.Body.Taken(), 0)
	}
	env := r.pipeline.env
	env.Audit.Outcome(x, r.outcome)
	env.Recorder.Exchange(x, r.outcome.Code, r.outcome.Stage, r.outcome.Reason)
	r.note()
	var metrics *observe.Operation
	if r.operation != nil {
		metrics = r.operation.metrics
	}
	env.Metrics.End(metrics, x, r.outcome.Status, r.outcome.Took)
	r.span.End(x, r.outcome.Status, r.outcome.Code)
}

// note tells the inventory what was called.
func (r *run) note() {
	o := r.operation
	switch {
	case o == nil || o.Preflight:
	case o.Refusal == "":
		o.called.Saw(r.x, r.outcome.Status)
	default:
		credential := slices.ContainsFunc(o.credentials, r.x.In.Header.Has)
		r.pipeline.env.Inventory.Missed(r.x, r.outcome.Status, credential)
	}
}

// leave gives back what the exchange held.
func (r *run) leave() {
	if r.counted.IsValid() {
		r.pipeline.crowd.leave(r.counted)
	}
	r.pipeline.leave(r.generation)
	if r.broken {
		return // whatever panicked may still hold a part of the exchange
	}
	if r.problems != nil {
		problemBuffers.Put(r.problems)
	}
	r.pipeline.release(r.x)
}

// panicked turns a programmer's error into an answer that tells nothing of it.
func (r *run) panicked(v any) {
	r.broken = true
	r.pipeline.env.Metrics.Panicked()
	if r.x.ID == "" {
		r.x.ID = requestID(r.x)
	}
	r.pipeline.env.Log.Error("panic", "stage", r.stage, "request_id", r.x.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	r.outcome.Code, r.outcome.Stage, r.outcome.Reason = durward.CodeInternal, r.stage, "panic"
	r.x.Trail = append(r.x.Trail, durward.Step{Stage: r.stage, Verdict: durward.Deny, Code: durward.CodeInternal})
	defer func() {
		if recover() != nil { // even the answer failed, or the end of the old one
			r.out.Abort()
		}
	}()
	if r.sent {
		r.out.Abort()
		r.drop()
		return
	}
	stage := r.stage
	r.refuse(durward.Refuse(durward.CodeInternal, nil))
	r.send(context.Background())
	r.outcome.Stage = stage
}
