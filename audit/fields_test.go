// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

func TestTheObjectIsThePathsParametersInTheirOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		params []durward.Param
		want   string
	}{
		"none":          {nil, ``},
		"two":           {[]durward.Param{{Name: "space", Value: "7"}, {Name: "message", Value: "a/b"}}, `,"object":{"space":"7","message":"a/b"}`},
		"empty":         {[]durward.Param{{Name: "space"}}, `,"object":{"space":""}`},
		"hostile value": {[]durward.Param{{Name: "id", Value: "\n\"}"}}, `,"object":{"id":"\n\"}"}`},
		"long value":    {[]durward.Param{{Name: "id", Value: strings.Repeat("x", 300)}}, `,"object":{"id":"` + strings.Repeat("x", 256) + `\u2026"}`},
	} {
		got := string(appendObject(nil, tc.params))
		if got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	var many []durward.Param
	for i := range 20 {
		many = append(many, durward.Param{Name: fmt.Sprint("p", i), Value: "v"})
	}
	if got := strings.Count(string(appendObject(nil, many)), ":"); got != 1+maxObjects {
		t.Errorf("%d parameters are recorded, want %d", got-1, maxObjects)
	}
}

func TestStagesOfOneNameAreOneAndSlowOnesCanStandAlone(t *testing.T) {
	x := &durward.Exchange{Trail: []durward.Step{
		{Stage: "address", Took: time.Microsecond}, {Stage: "authn", Took: 2 * time.Millisecond},
		{Stage: "address", Took: 2 * time.Microsecond}, {Stage: "upstream", Took: time.Second},
	}}
	end := &End{Routed: 5 * time.Microsecond, Sent: 999 * time.Microsecond}
	all := []durward.StageTime{
		{Stage: "route", Took: 5 * time.Microsecond}, {Stage: "address", Took: 3 * time.Microsecond},
		{Stage: "authn", Took: 2 * time.Millisecond}, {Stage: "upstream", Took: time.Second}, {Stage: "send", Took: 999 * time.Microsecond},
	}
	if diff := cmp.Diff(all, stageTimes(nil, x, end, 0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]durward.StageTime{all[2], all[3]}, stageTimes(nil, x, end, slowStage)); diff != "" {
		t.Error(diff)
	}
}

func TestStageTimesAreAsConfigured(t *testing.T) {
	for times, want := range map[string]string{
		"": `"stages":{"route":40,"audit":17,"send":9}`, StagesAll: `"stages":{"route":40,"audit":17,"send":9}`, StagesSlow: "", StagesOff: "",
	} {
		dir := t.TempDir()
		l := open(t, Config{Directory: dir, StageTimes: times}, Options{})
		exchange(l, newExchange("r1"), okEnd)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		line := readLines(t, dir)[3]
		if want != "" && !strings.Contains(line, want) || want == "" && strings.Contains(line, "stages") {
			t.Errorf("stage_times %q: %s", times, line)
		}
	}
	if err := (&Config{StageTimes: "some"}).Check(); err == nil {
		t.Error("stage_times: some is taken")
	}
}

func TestAFollowersEventSharesNothingWithTheExchange(t *testing.T) {
	l := open(t, Config{}, Options{})
	f := l.Follow(8)
	x := newExchange("r1")
	exchange(l, x, okEnd)
	attempt, outcome := <-f.C, <-f.C
	x.Params[0].Value = "another request's"
	exchange(l, newExchange("r2"), End{Status: 200, Routed: time.Second})
	for _, ev := range []durward.Event{attempt, outcome} {
		if len(ev.Object) != 1 || ev.Object[0].Value != "7" || ev.TraceID != x.Trace {
			t.Errorf("%s: object %v, trace %s", ev.Kind, ev.Object, ev.TraceID)
		}
	}
	if outcome.Stages[0].Took != okEnd.Routed {
		t.Errorf("stages %v are another request's", outcome.Stages)
	}
}

func TestNewFieldsAreReadBack(t *testing.T) {
	at := time.Date(2026, 11, 21, 10, 11, 12, 0, time.UTC)
	for name, ev := range map[string]durward.Event{
		"outcome": {Kind: durward.EventOutcome, Time: at, RequestID: "r", TraceID: durward.TraceID{1, 2}, Status: 200,
			Object: []durward.Param{{Name: "b", Value: "2"}, {Name: "a", Value: ""}},
			Stages: []durward.StageTime{{Stage: "route", Took: time.Millisecond}, {Stage: "authn", Took: 0}}},
		"system": {Kind: durward.EventSystem, Time: at, Message: "started", Clock: durward.Clock{State: durward.ClockSynchronised, Error: time.Millisecond}},
		"admin": {Kind: durward.EventAdmin, Time: at, Admin: &durward.AdminAction{ID: "x1", At: at, Action: "key.revoke",
			Actor:   durward.Actor{User: "root", UID: 0, Login: "ann", Host: "h", PID: 7, Command: "key revoke"},
			Targets: []string{"key:a", "key:b"}, Count: 2, Changes: []durward.Changed{{Field: "revoked", After: "now"}}}},
	} {
		line := append(append([]byte(`{"seq":9`), appendBody(nil, &ev)...), '}')
		got, seq, err := Decode(line)
		if err != nil || seq != 9 {
			t.Fatalf("%s: %v, %d", name, err, seq)
		}
		if diff := cmp.Diff(ev, got, compare); diff != "" {
			t.Errorf("%s: %s\n%s", name, line, diff)
		}
	}
}
