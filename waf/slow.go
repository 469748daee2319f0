// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"durward"
	"durward/waf/gate"
	"durward/waf/slowpath"
)

// inspect has the rules judge a request, when the client's budget and those of
// all allow it. An Err in a decision to go on says that they did not. While the
// gate is being compiled nobody has a fast path, and no client is to blame: such
// runs are not held against a budget.
func (s *stage) inspect(ctx context.Context, x *durward.Exchange, q *seen, settings Settings, free bool) (v Verdict, d durward.Decision) {
	var err error
	run := func() { v, err = s.set.shared.requests.Inspect(&q.Request, &settings) }
	o, retry := slowpath.Ran, time.Duration(0)
	if free {
		run()
	} else {
		var took time.Duration
		o, retry, took = s.set.scheduler().RunAfter(ctx, clientOf(x), q.spent, estimate(&q.Request), run)
		q.spent += took
	}
	switch {
	case o == slowpath.Abandoned:
		return v, durward.Failed(durward.CodeInternal, context.Cause(ctx))
	case o != slowpath.Ran:
		return v, s.busy(x, o, retry)
	case err != nil:
		s.set.stats.count(&s.set.stats.requests, OutcomeFailed, &v, s.mode)
		return v, durward.Failed(durward.CodeInternal, err)
	}
	return v, durward.Proceed()
}

// scheduler is the one of all configurations, under the limits of this one.
func (s *Set) scheduler() *slowpath.Scheduler {
	slow := s.engines.slow
	s.limits.Do(func() { slow.Configure(&s.slow) })
	return slow
}

// busy is the decision for a request that the rules cannot be run for now.
func (s *stage) busy(x *durward.Exchange, o slowpath.Outcome, retry time.Duration) durward.Decision {
	if s.set.slow.OnExhausted == slowpath.PassUnchecked {
		s.set.stats.skip(UninspectedBusy)
		return durward.Decision{Verdict: durward.Allow, Err: uncheckedFor[o]}
	}
	s.set.stats.count(&s.set.stats.requests, OutcomeBusy, &Verdict{}, s.mode)
	if s.mode == durward.Enforce {
		seconds := (retry + time.Second - 1) / time.Second
		x.Extra.Set("Retry-After", strconv.Itoa(int(max(seconds, 1))))
	}
	return durward.Refuse(durward.CodeWAFBusy, busyFor[o])
}

// busyFor and uncheckedFor are the reasons for the record, made once.
var busyFor, uncheckedFor = func() (busy, unchecked map[slowpath.Outcome]error) {
	busy, unchecked = map[slowpath.Outcome]error{}, map[slowpath.Outcome]error{}
	for o, text := range map[slowpath.Outcome]string{
		slowpath.NoClient: "the client has used up its processor time for the rules",
		slowpath.NoTotal:  "all clients together have used up the processor time for the rules",
		slowpath.NoQueue:  "too many requests wait for the rules",
		slowpath.NoWait:   "the rules were busy for too long",
		slowpath.TooLarge: "the rules would take longer than max_run",
	} {
		busy[o], unchecked[o] = errors.New(text), errors.New("not inspected: "+text)
	}
	return busy, unchecked
}()

// clientOf is whose budget a request is taken from.
func clientOf(x *durward.Exchange) slowpath.Client {
	c := slowpath.Client{Address: x.Client.Address}
	if p := &x.Principal; p.Known() && p.Subject != "" {
		c.Principal = p.Issuer + "\x00" + p.Subject
	}
	return c
}

// What a run takes, measured with the Core Rule Set at paranoia level 1: some
// time whatever the request, some for each value, and some for each byte. Only
// the order of magnitude counts: a run is settled by what it took.
const (
	perRun   = 1200 * time.Microsecond
	perField = 300 * time.Microsecond
	perByte  = 4 * time.Microsecond
)

// estimate is the processor time that the rules are expected to take.
func estimate(r *gate.Request) time.Duration {
	fields := 1 + strings.Count(r.URI, "&")
	size := len(r.URI)
	for i := range r.Header {
		size += len(r.Header[i].Value)
	}
	fields += len(r.Header) / 4
	if r.Inspect {
		size += len(r.Body)
		fields += bytes.Count(r.Body, []byte{'&'}) + bytes.Count(r.Body, []byte{','}) + bytes.Count(r.Body, []byte{'<'})/2
		fields = min(fields, 1+size/4)
	}
	return perRun + time.Duration(fields)*perField + time.Duration(size)*perByte
}
