// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"slices"
	"sync"
	"time"

	"durward"
)

// StageName is the name of the stage that stores the attempt.
const StageName = "audit"

// End is how an exchange ended, for its outcome record.
type End struct {
	Status   int
	Code     durward.Code // "" when it was not refused
	Stage    string       // that refused
	Reason   string       // internal, never sent to the client; at most 512 bytes are kept
	BytesIn  int64        // content bytes taken from the client
	BytesOut int64        // content bytes sent to the client
	Took     time.Duration
	Routed   time.Duration // of it, until the operation was known
	Sent     time.Duration // of it, for sending the answer
}

// Stage gives the stage that stores the attempt of a request and blocks until
// it is stored. It fails, with durward.CodeAuditUnavailable, when the record
// cannot be stored or ctx ends before it is; the runner then does as OnError
// says. recording is Required, Buffered, or "" for what Config.Durability says.
func (l *Log) Stage(recording string) durward.Stage {
	if l == nil { // nothing is recorded: a trial
		return nil
	}
	return stage{l, l.patience(recording)}
}

type stage struct {
	log  *Log
	wait patience
}

func (stage) Name() string { return StageName }

func (s stage) Request(ctx context.Context, x *durward.Exchange) durward.Decision {
	if err := s.log.attempt(ctx, x, s.wait); err != nil {
		s.log.count.attemptsRefused.Add(1)
		return durward.Failed(durward.CodeAuditUnavailable, err)
	}
	return durward.Proceed()
}

func (l *Log) attempt(ctx context.Context, x *durward.Exchange, wait patience) error {
	if err := l.Health(); err != nil {
		l.mu.Lock()
		l.refused++
		l.mu.Unlock()
		return err // before any work is done
	}
	ev := borrowEvent()
	defer giveBack(ev)
	fill(ev, x, durward.EventAttempt, true)
	if ev.Time = x.Started; ev.Time.IsZero() {
		ev.Time = l.now()
	}
	g, err := l.enqueue(ev, x.Operation, wait, false)
	if err != nil {
		return err
	}
	if done := ctx.Done(); done == nil {
		<-g.done
	} else {
		select {
		case <-g.done:
		case <-done:
			return context.Cause(ctx)
		}
	}
	if g.err == nil && l.followers.any() {
		own(ev)
		l.followers.send(ev)
	}
	return g.err
}

// own makes lists copies that ev shares with the exchange, or with other
// records in the making, which both are used again.
func own(ev *durward.Event) {
	ev.Policies, ev.Object, ev.Stages = slices.Clone(ev.Policies), slices.Clone(ev.Object), slices.Clone(ev.Stages)
}

// Outcome stores how an exchange ended. The runner calls it once at the end of
// every exchange. It never waits for the disk; when the queue is full the
// record is counted as lost and attempts are refused until there is room.
//
// What ends before an attempt was to be stored (refusals, preflights) is
// aggregated per client, operation and code: see Config.FloodWindow. Those by a rate limit or by overload are
// from the second on, and all while the queue is half full, so that strangers
// cannot fill it and stop the requests of others; else the first floodWhole
// have a record each, so that strangers cannot fill the disk.
func (l *Log) Outcome(x *durward.Exchange, end End) {
	stored, tried := attemptStored(x)
	if !stored && (end.Code != "" || !tried) { // an answered preflight has no code
		most := floodWhole
		if end.Code == durward.CodeRateLimited || end.Code == durward.CodeOverloaded || l.pressed.Load() {
			most = 1
		}
		if l.pressed.Load() && l.full() {
			most = 0 // it would be lost; its count is not
		}
		if !l.floods.first(x.Client.Address, x.Operation, end.Code, most) {
			l.count.floodRefusals.Add(1)
			return
		}
	}
	ev := borrowEvent()
	defer giveBack(ev)
	// With followers the event is whole; the line leaves out what the attempt
	// already tells under the same request id.
	following := l.followers.any()
	fill(ev, x, durward.EventOutcome, !stored || following)
	if ev.Time = x.Started.Add(end.Took); x.Started.IsZero() {
		ev.Time = l.now()
	}
	ev.Status, ev.Code, ev.Stage, ev.Reason = end.Status, end.Code, end.Stage, end.Reason
	ev.Took, ev.BytesIn, ev.BytesOut = end.Took, end.BytesIn, end.BytesOut
	ev.Upstream, ev.Guard = x.Upstream, x.Guard
	ev.Steps, ev.Policies, ev.Findings = notable(x.Trail), x.Policies, x.Findings
	if l.stageTimes {
		ev.Stages = stageTimes(ev.Stages, x, &end, l.leastStage)
	}
	if following {
		own(ev)
		l.followers.send(ev)
		if stored {
			shorten(ev)
		}
	}
	_, _ = l.enqueue(ev, x.Operation, waitNot, false) // a loss is counted there
}

// fill copies what x tells into ev; whole includes what an outcome can leave
// out when an attempt was stored before it.
func fill(ev *durward.Event, x *durward.Exchange, kind durward.EventKind, whole bool) {
	ev.Kind, ev.RequestID, ev.TraceID, ev.Client = kind, x.ID, x.Trace, x.Client.Address
	ev.Subject, ev.Consumer, ev.Credential = x.Principal.Subject, x.Principal.Consumer, x.Principal.Credential
	ev.Bound, ev.Plan = x.Principal.Bound, x.Principal.Plan
	if x.Operation != nil {
		ev.API, ev.Operation = x.Operation.API, x.Operation.ID
	}
	ev.Verb, ev.Path, ev.Object = x.In.Method, x.In.Path, x.Params
	if whole {
		ev.Peer, ev.Issuer, ev.Method = x.In.Peer, x.Principal.Issuer, x.Principal.Method
		ev.Host, ev.Proto, ev.UserAgent = x.In.Host, x.In.Proto, x.In.Header.Get("User-Agent")
	}
}

// shorten takes away what fill leaves out when whole is false.
func shorten(ev *durward.Event) {
	ev.Peer, ev.Issuer, ev.Method = durward.Event{}.Peer, "", ""
	ev.Host, ev.Proto, ev.UserAgent = "", "", ""
}

// attemptStored tells whether the trail says that this package stored the
// attempt, and whether it was asked to.
func attemptStored(x *durward.Exchange) (stored, tried bool) {
	for i := range x.Trail {
		if s := &x.Trail[i]; s.Stage == StageName {
			return s.Verdict == durward.Allow, true
		}
	}
	return false, false
}

// notable copies the steps that refused in report mode, could not decide, or
// allowed the request and have something to say of it.
func notable(trail []durward.Step) []durward.Step {
	var out []durward.Step
	for i := range trail {
		s := &trail[i]
		if s.Verdict == durward.Fail || s.Verdict == durward.Deny && s.Mode == durward.Report || s.Verdict == durward.Allow && s.Err != nil {
			out = append(out, *s)
		}
	}
	return out
}

// events are for records in the making. On the stack one would make that of
// every connection's goroutine twice as large, for as long as it is idle.
var events = sync.Pool{New: func() any { return new(durward.Event) }}

func borrowEvent() *durward.Event { return events.Get().(*durward.Event) }

func giveBack(ev *durward.Event) {
	stages := ev.Stages[:0] // room for the next
	*ev = durward.Event{Stages: stages}
	events.Put(ev)
}
