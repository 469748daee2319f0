// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
	"durward/waf/slowpath"
)

// The clock stands still, so that nothing is ever paid for; a burst is less than
// what any large content is expected to take.
func TestLargeContentIsPaidForOnTheFastPathToo(t *testing.T) {
	large := `{"text":"` + strings.Repeat("plain words ", much/12) + `"}`
	limits := slowpath.Config{CPUPerClient: units.Duration(time.Millisecond), Burst: units.Duration(time.Millisecond)}
	request := func(address, content string) *durward.Exchange {
		x := exchange("application/json", content, true)
		x.Client.Address = netip.MustParseAddr(address)
		return x
	}
	for name, test := range map[string]struct {
		policy string
		code   durward.Code
		told   string
	}{
		"refused":     {"", durward.CodeWAFBusy, "the client has used up"},
		"let through": {slowpath.PassUnchecked, "", "not inspected: the client has used up"},
	} {
		t.Run(name, func(t *testing.T) {
			limits.OnExhausted = test.policy
			e, stage := bounded(t, limits, Config{})
			for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
				if d := stage.Request(context.Background(), request(address, large)); d.Verdict != durward.Allow || d.Err == nil && address == "" {
					t.Fatalf("the first of %s: %+v", address, d)
				}
				d := stage.Request(context.Background(), request(address, large))
				if d.Code != test.code || (d.Verdict == durward.Allow) != (test.code == "") || d.Err == nil || !strings.HasPrefix(d.Err.Error(), test.told) {
					t.Errorf("the second of %s: %+v", address, d)
				}
				if d := stage.Request(context.Background(), request(address, `{"text":"plain"}`)); d.Verdict != durward.Allow || d.Err != nil {
					t.Errorf("small content of %s: %+v", address, d)
				}
			}
			if ran, refused := slowCount(e, "ran"), slowCount(e, "client"); ran != 0 || refused < 2 || e.SlowPath().Spent() <= 0 {
				t.Errorf("%d runs of the engine, %d refusals, %v spent", ran, refused, e.SlowPath().Spent())
			}
		})
	}
}

func TestOfSmallContentNobodyCounts(t *testing.T) {
	limits := slowpath.Config{CPUPerClient: units.Duration(time.Millisecond), Burst: units.Duration(time.Millisecond)}
	e, stage := bounded(t, limits, Config{})
	content := `{"text":"` + strings.Repeat("plain words ", (much-100)/12) + `"}`
	for range 20 {
		if d := stage.Request(context.Background(), exchange("application/json", content, true)); d.Verdict != durward.Allow || d.Err != nil {
			t.Fatalf("%+v", d)
		}
	}
	if spent := e.SlowPath().Spent(); spent != 0 || slowCount(e, "ran") != 0 {
		t.Errorf("%v spent, %d ran", spent, slowCount(e, "ran"))
	}
}
