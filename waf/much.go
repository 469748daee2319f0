// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"time"

	"durward"
	"durward/waf/decode"
	"durward/waf/gate"
	"durward/waf/slowpath"
)

// much is from how many bytes on a request that the gate looks at is paid for:
// the gate then takes as long as the engine takes for a small one, a millisecond
// and more, and some 0.2 s for a megabyte of JSON. Requests below it are for the
// rate limits.
const much = 32 << 10

// What a byte is expected to take, measured with JSON at paranoia level 1.
const (
	perByteOfGate   = 200 * time.Nanosecond
	perByteOfDecode = 5 * time.Nanosecond
)

// size is how many bytes of the client's choice there are to look at.
func size(r *gate.Request) int {
	n := len(r.URI)
	if r.Inspect {
		n += len(r.Body)
	}
	return n
}

// cleanOfMuch asks the gate, when the client's budget allows it. An Err in a
// decision to go on says that it did not.
func (s *stage) cleanOfMuch(x *durward.Exchange, q *seen, p *plan) (clean bool, why gate.Reason, d durward.Decision) {
	d = s.pay(x, q, perByteOfGate, func() { clean, why = p.clean(&q.Request) })
	return clean, why, d
}

// collectMuch looks for encoded values, when the client's budget allows it.
func (s *stage) collectMuch(f *decode.Finder, q *seen, x *durward.Exchange) durward.Decision {
	return s.pay(x, q, perByteOfDecode, func() { collect(f, q, x) })
}

// pay runs f on the client's budget. In a trial nobody pays.
func (s *stage) pay(x *durward.Exchange, q *seen, perByte time.Duration, f func()) durward.Decision {
	if s.trial != nil {
		f()
		return durward.Proceed()
	}
	o, retry, took := s.set.scheduler().Spend(clientOf(x), q.spent, time.Duration(size(&q.Request))*perByte, f)
	if o != slowpath.Ran {
		return s.busy(x, o, retry)
	}
	q.spent += took
	return durward.Proceed()
}
