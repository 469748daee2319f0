// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"durward"
)

func TestBothRecordsTellHowTheCredentialIsBoundAndItsPlan(t *testing.T) {
	for name, row := range map[string]struct{ bound, plan, want string }{
		"a bearer without a plan":   {"", "", `"credential":"jti-1","api":`},
		"a proof of a key":          {"dpop", "", `"credential":"jti-1","bound":"dpop","api":`},
		"a certificate with a plan": {"mtls", "gold", `"credential":"jti-1","bound":"mtls","plan":"gold","api":`},
		"a plan that looks like JSON": {"", `x","status":"0`,
			`"credential":"jti-1","plan":"x\",\"status\":\"0","api":`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, Config{Directory: dir}, Options{})
			x := newExchange("r1")
			x.Principal.Bound, x.Principal.Plan = row.bound, row.plan
			exchange(l, x, okEnd)
			l.Close()
			lines := readLines(t, dir)
			for _, line := range lines[2:4] {
				if !strings.Contains(line, row.want) {
					t.Errorf("the record\n%s\nhas not\n%s", line, row.want)
				}
			}
			for _, ev := range readEvents(t, dir)[2:4] {
				if ev.Bound != row.bound || ev.Plan != row.plan {
					t.Errorf("%s: read back %q and %q", ev.Kind, ev.Bound, ev.Plan)
				}
			}
			mustVerify(t, dir)
		})
	}
}

func TestAStepThatAllowedWithARemarkIsRecorded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	x := newExchange("r1")
	x.Trail = []durward.Step{
		{Stage: "authn", Verdict: durward.Allow},
		{Stage: "quota", Verdict: durward.Allow, Err: errors.New("the plan is not one of this API")},
		{Stage: "waf", Verdict: durward.Deny, Mode: durward.Report, Err: errors.New("rule 942100")},
	}
	l.Outcome(x, okEnd)
	l.Close()
	steps := ofKind(readEvents(t, dir), durward.EventOutcome)[0].Steps
	if len(steps) != 2 || steps[0].Stage != "quota" || steps[0].Verdict != durward.Allow || steps[0].Mode != durward.Enforce ||
		steps[0].Err == nil || steps[0].Err.Error() != "the plan is not one of this API" || steps[1].Stage != "waf" {
		t.Errorf("steps %+v", steps)
	}
}

// A record of a version that knew neither field.
func TestARecordWithoutTheNewFieldsIsRead(t *testing.T) {
	const old = `{"seq":4,"time":"2026-11-21T10:11:12.345678Z","kind":"attempt","request_id":"r1","subject":"ann","method":"jwt","credential":"jti-1","api":"moot","hash":""}`
	if !json.Valid([]byte(old)) {
		t.Fatal("the record is no JSON")
	}
	ev, sequence, err := Decode([]byte(old))
	if err != nil || sequence != 4 || ev.Subject != "ann" || ev.API != "moot" || ev.Bound != "" || ev.Plan != "" {
		t.Errorf("%+v, %d, %v", ev, sequence, err)
	}
}
