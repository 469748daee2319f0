// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"strconv"
	"time"

	"durward"
	"durward/proxy/http1"
)

// Do sends x.Out to a target and sets x.Response and x.Upstream. inform gets
// the interim answers; nil drops them. On Allow the caller closes
// x.Response.Body (or Upgraded), which frees the connection; other decisions
// leave no response. Their codes: CodeUpstreamUnreachable and
// CodeUpstreamInvalid (502), CodeUpstreamTimeout (504), CodeNoTarget and
// CodeOverloaded (503, with Retry-After in x.Extra), and CodeBodyTooLarge,
// CodeBodyTimeout or CodeMalformed where the client's content failed or the
// client went away.
func (u *Upstream) Do(ctx context.Context, x *durward.Exchange, inform func(int, durward.Header) error) durward.Decision {
	began := u.pools.now()
	if u.holds(&x.In.Body) {
		if _, err := x.In.Body.Bytes(); err != nil {
			return u.refuse(x, &http1.Error{Op: "request", Kind: http1.RequestBody, Err: err})
		}
	}
	b := u.balancer
	var tried set
	var last error
	for attempt := 0; ; attempt++ {
		i := u.pick(x, tried, began)
		if i < 0 && last == nil {
			return u.noTarget(x, began)
		}
		if i < 0 {
			i = b.again(tried, last)
		}
		if i < 0 {
			return u.refuse(x, last)
		}
		tried |= 1 << i
		m := b.list[i].member
		x.Upstream.Target = m.name
		x.Upstream.Attempts++
		r, spent, err := u.send(ctx, m, x, inform)
		x.Upstream.Took = u.pools.now().Sub(began)
		if err == nil {
			u.passed(i, r.Status)
			x.Response = r
			return durward.Proceed()
		}
		v := judge(err)
		u.failed(i, v.fault, err)
		last = err
		if !v.again || spent || attempt >= *u.config.Retries || ctx.Err() != nil ||
			!v.unsent && !safeMethod(x.Out.Method) || !x.In.Body.Rewind() {
			return u.refuse(x, err)
		}
	}
}

// holdLimit is the size up to which content is held. The HTTP/1.1 client reads
// content of this size before it connects anyway.
const holdLimit = 8 << 10

// holds tells whether the content is read at once, so that it can go to a
// second target when the first one cannot be connected to.
func (u *Upstream) holds(b *durward.Body) bool {
	return len(u.balancer.list) > 1 && *u.config.Retries > 0 && !b.Touched() && !b.Buffered() &&
		b.Length() > 0 && b.Length() <= holdLimit
}

// pick chooses a target that was not tried and takes a place at it; -1 means
// that there is none.
func (u *Upstream) pick(x *durward.Exchange, tried set, now time.Time) int {
	b := u.balancer
	at := now.UnixNano()
	for {
		s := b.usable(at, tried)
		if s == 0 {
			return -1
		}
		i := b.choose(s, x.Client.Address)
		m := b.list[i].member
		m.start()
		if m.health.claim(at) {
			return i
		}
		tried |= 1 << i // its trial is under way
	}
}

// again gives the target for another attempt where all were tried: the same
// one, if it is the only one, still in service, and broke off. One that cannot
// be connected to will not have changed.
func (b *balancer) again(tried set, last error) int {
	if tried.count() != 1 || len(b.list) != 1 || judge(last).fault != brokenFault || !b.list[0].health.usable(b.list[0].health.now().UnixNano()) {
		return -1
	}
	return 0
}

// noTarget says that no target takes requests, and when one may.
func (u *Upstream) noTarget(x *durward.Exchange, now time.Time) durward.Decision {
	wait := time.Minute
	interval := wait
	if a := u.config.Health.Active; a != nil {
		interval = a.Interval.Std() * time.Duration(a.Healthy)
	}
	for i := range u.balancer.list {
		c := &u.balancer.list[i]
		c.start() // only checks can bring it back
		if !c.drain {
			wait = min(wait, c.health.backIn(now, interval))
		}
	}
	retryAfter(x, wait)
	return durward.Refuse(durward.CodeNoTarget, errNoTarget)
}

// refuse turns the last attempt's error into the answer.
func (u *Upstream) refuse(x *durward.Exchange, err error) durward.Decision {
	v := judge(err)
	if v.code == durward.CodeOverloaded {
		retryAfter(x, time.Second)
	}
	return durward.Refuse(v.code, err)
}

func retryAfter(x *durward.Exchange, wait time.Duration) {
	seconds := max((wait+time.Second-1)/time.Second, 1)
	x.Extra.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
}

// send makes one attempt. spent tells that content was taken from the client
// and is gone.
func (u *Upstream) send(ctx context.Context, m *member, x *durward.Exchange, inform func(int, durward.Header) error) (r *durward.Response, spent bool, err error) {
	host := x.Out.Host
	if host == "" {
		host = m.endpoint.authority
	}
	m.load.Add(1)
	if m.http2 != nil && x.Out.Upgrade == "" {
		r, spent, err = m.http2.roundTrip(ctx, x, host, inform)
	} else {
		r, err = u.sendHTTP1(ctx, m, x, host, inform)
	}
	switch {
	case err != nil, r.Upgraded == nil && r.Body == nil:
		m.load.Add(-1)
	case r.Upgraded != nil:
		r.Upgraded = &trackedUpgrade{ReadWriteCloser: r.Upgraded, load: m.load}
	default:
		r.Body = &tracked{ReadCloser: r.Body, load: m.load}
	}
	return r, spent, err
}

// sendHTTP1 leaves the lane with the answer's head: the pool knows by itself
// which connections are busy.
func (u *Upstream) sendHTTP1(ctx context.Context, m *member, x *durward.Exchange, host string, inform func(int, durward.Header) error) (*durward.Response, error) {
	l, err := m.http1.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	return l.pool.RoundTrip(ctx, &http1.Request{
		Out: &x.Out, Host: host, Body: &x.In.Body, Trailer: u.outgoing.trailer(x), Inform: inform,
		NoRetry: *u.config.Retries == 0,
	})
}

// alone tells that no other target than the one at i takes requests.
func (u *Upstream) alone(i int) bool {
	return u.balancer.usable(u.pools.now().UnixNano(), 1<<i) == 0
}

// passed tells passive health of an answer.
func (u *Upstream) passed(i, status int) {
	m := u.balancer.list[i].member
	if status >= 500 && m.health.counted[serverFault] {
		if m.health.failed(serverFault, "status "+strconv.Itoa(status), u.alone(i)) {
			m.log(false, "answers with errors")
		}
		return
	}
	if m.health.succeeded() {
		m.log(true, "")
	}
}

// failed tells passive health of an attempt that got no answer.
func (u *Upstream) failed(i int, f fault, err error) {
	m := u.balancer.list[i].member
	if f == noFault {
		m.health.unclaim()
		return
	}
	if m.health.failed(f, err.Error(), u.alone(i)) {
		m.log(false, err.Error())
	}
}
