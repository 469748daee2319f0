// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"strconv"
	"time"

	"durward"
)

// headers writes the fields that tell a client of its limits, with names in the
// canonical form of durward.Header.
type headers struct {
	draft, legacy bool
	policy        string // RateLimit-Policy
}

// fields are the parts of a limit's fields that do not change.
type fields struct {
	item  string // "name";r=
	quota string // X-RateLimit-Limit
}

// newHeaders prepares the fields of a stage's limits. A policy is given as the
// burst and the whole seconds that it takes to refill, which is the same rate
// as configured, and true of bursts that are smaller or larger than the
// rate's count.
func newHeaders(h Headers, limits []limit) headers {
	out := headers{draft: h.draft(), legacy: h.legacy()}
	for i := range limits {
		l := &limits[i]
		burst := l.rate.capacity / l.rate.interval
		quota := strconv.FormatInt(burst, 10)
		// The interval is rounded up to whole nanoseconds; without taking
		// that back, 3 a second would be announced as 3 in two seconds.
		window := strconv.FormatInt(max(seconds(time.Duration(l.rate.capacity-burst)), 1), 10)
		l.fields = fields{item: "\"" + l.name + "\";r=", quota: quota}
		if i > 0 {
			out.policy += ", "
		}
		out.policy += "\"" + l.name + "\";q=" + quota + ";w=" + window
	}
	return out
}

// add writes the fields about one limit: how many requests are left, and the
// seconds until all are (or, on a refusal, until the next is).
func (h *headers) add(x *durward.Exchange, l *limit, left, reset int64) {
	if h.draft {
		var buf [128]byte
		b := append(buf[:0], l.fields.item...)
		b = strconv.AppendInt(b, left, 10)
		b = append(b, ";t="...)
		b = strconv.AppendInt(b, reset, 10)
		x.Extra.Add("Ratelimit-Policy", h.policy)
		x.Extra.Add("Ratelimit", string(b))
	}
	if h.legacy {
		x.Extra.Add("X-Ratelimit-Limit", l.fields.quota)
		x.Extra.Add("X-Ratelimit-Remaining", decimal(left))
		x.Extra.Add("X-Ratelimit-Reset", decimal(reset))
	}
}

// decimal writes a number; those below 100 cost no allocation.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }
