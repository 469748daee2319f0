// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

// trialRequest is a request as a listener reads it.
func trialRequest(method, target string) *durward.Exchange {
	path, query, _ := strings.Cut(target, "?")
	x := new(durward.Exchange)
	x.In = durward.Request{
		Method: method, Scheme: "http", Host: "notes.example", RawPath: path, RawQuery: query, Proto: "HTTP/1.1",
		Header: durward.Header{{Name: "Host", Value: "notes.example"}},
		Peer:   netip.MustParseAddrPort("192.0.2.1:1000"),
	}
	return x
}

func TestATrialIsJudgedAsARequestIsAndAsksNobody(t *testing.T) {
	b := newBench(t, strings.Replace(smallest, `{authenticated: ["*"]}`, `{roles: {member: ["*"]}}`, 1), nil)
	before := b.env.Audit.Stats().Records
	member := durward.Principal{Subject: "cy", Method: "jwt", Roles: []string{"member"}}
	for name, row := range map[string]struct {
		method, target string
		who            *durward.Principal
		verdict        durward.Verdict
		code           durward.Code
		stage          string
	}{
		"unknown path":         {"GET", "/nothing", nil, durward.Deny, durward.CodeUnknownOperation, "route"},
		"nobody":               {"GET", "/notes", nil, durward.Deny, durward.CodeUnauthenticated, "authn"},
		"somebody who may":     {"GET", "/notes", &member, durward.Allow, "", ""},
		"somebody who may not": {"GET", "/notes", &durward.Principal{Subject: "mallory", Method: "jwt"}, durward.Deny, durward.CodeForbidden, "authz"},
		"an ambiguous path":    {"GET", "/notes/%2f/x", nil, durward.Deny, durward.CodePathAmbiguous, "canonical"},
	} {
		t.Run(name, func(t *testing.T) {
			x := trialRequest(row.method, row.target)
			d := b.Try(t.Context(), Trial{Exchange: x, Stand: func(stage string, x *durward.Exchange) (durward.Decision, bool) {
				if stage != "authn" || row.who == nil {
					return durward.Decision{}, false
				}
				x.Principal = *row.who
				return durward.Proceed(), true
			}})
			if d.Verdict != row.verdict || d.Code != row.code {
				t.Fatalf("%v %s (%v)", d.Verdict, d.Code, d.Err)
			}
			if row.stage != "" {
				if last := x.Trail[len(x.Trail)-1]; last.Stage != row.stage || !last.Stopped() {
					t.Errorf("the trail ends with %+v", last)
				}
			}
		})
	}
	if b.InFlight() != 0 {
		t.Error("a trial is still in flight")
	}
	if n := b.env.Audit.Stats().Records; n != before {
		t.Errorf("%d records of requests that never were", n-before)
	}
}

func TestARouteNamesEveryStageWithItsFields(t *testing.T) {
	b := newBench(t, strings.Replace(smallest, `{authenticated: ["*"]}`, `{roles: {member: ["*"]}}`, 1), nil)
	op, stages, d := b.Route(trialRequest("GET", "/notes"))
	if op == nil || d.Verdict != durward.Allow {
		t.Fatal(d)
	}
	fields := map[string][]string{}
	for _, s := range stages {
		if len(s.Fields) == 0 {
			t.Errorf("the stage %s comes from nowhere", s.Name)
		}
		fields[s.Name] = append(fields[s.Name], s.Fields...)
	}
	if diff := cmp.Diff([]string{"apis.notes.authorize", "apis.notes.operations." + op.ID + ".public"}, fields["authz"]); diff != "" {
		t.Error(diff)
	}
	if op, _, d := b.Route(trialRequest("GET", "/notes/%2f/x")); op != nil || d.Code != durward.CodePathAmbiguous {
		t.Errorf("%v %s", op, d.Code)
	}
	if len(b.Operations()) == 0 {
		t.Error("no operation")
	}
}
