// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

// per makes a limit of "20/s" and a burst.
func per(rate string, burst int) *Limit {
	l := &Limit{Burst: burst}
	if err := l.Rate.UnmarshalText([]byte(rate)); err != nil {
		panic(err)
	}
	return l
}

// from is an exchange of a client.
func from(address string) *durward.Exchange {
	x := &durward.Exchange{}
	if address != "" {
		x.Client.Address = netip.MustParseAddr(address)
	}
	return x
}

// passes tells whether the stage lets a request of the client pass.
func passes(t testing.TB, s durward.Stage, x *durward.Exchange) bool {
	t.Helper()
	switch d := s.Request(context.Background(), x); d.Verdict {
	case durward.Allow:
		return true
	case durward.Deny:
		if d.Code != durward.CodeRateLimited || d.Err == nil {
			t.Fatalf("refused with %s and %v", d.Code, d.Err)
		}
		return false
	default:
		t.Fatalf("verdict %v", d.Verdict)
		return false
	}
}

// count sends n requests and counts those that pass.
func count(t testing.TB, s durward.Stage, n int, x func(i int) *durward.Exchange) (passed int) {
	t.Helper()
	for i := range n {
		if passes(t, s, x(i)) {
			passed++
		}
	}
	return passed
}

func always(address string) func(int) *durward.Exchange {
	return func(int) *durward.Exchange { return from(address) }
}

// spread gives another address for each i.
func spread(i int) *durward.Exchange {
	return from("10." + strconv.Itoa(i>>16&255) + "." + strconv.Itoa(i>>8&255) + "." + strconv.Itoa(i&255))
}

func rateOf(count int64, d time.Duration) units.Rate { return units.Rate{Count: count, Per: d} }
