// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"durward"
)

// jsonRecord is a line as encoding/json reads it.
type jsonRecord struct {
	Sequence   uint64            `json:"seq"`
	Time       time.Time         `json:"time"`
	Kind       durward.EventKind `json:"kind"`
	RequestID  string            `json:"request_id"`
	TraceID    durward.TraceID   `json:"trace_id"`
	Client     netip.Addr        `json:"client"`
	Peer       netip.AddrPort    `json:"peer"`
	Subject    string            `json:"subject"`
	Consumer   string            `json:"consumer"`
	Issuer     string            `json:"issuer"`
	Method     string            `json:"method"`
	Credential string            `json:"credential"`
	Bound      string            `json:"bound"`
	Plan       string            `json:"plan"`
	API        string            `json:"api"`
	Operation  string            `json:"operation"`
	Verb       string            `json:"verb"`
	Host       string            `json:"host"`
	Path       string            `json:"path"`
	Object     jsonParams        `json:"object"`
	Proto      string            `json:"proto"`
	UserAgent  string            `json:"user_agent"`
	Who        string            `json:"who"`
	From       string            `json:"from"`
	Sealed     string            `json:"sealed"`
	Status     int               `json:"status"`
	Code       durward.Code      `json:"code"`
	Stage      string            `json:"stage"`
	Reason     string            `json:"reason"`
	Steps      []jsonStep        `json:"steps"`
	Policies   []string          `json:"policies"`
	Answer     jsonAnswer        `json:"answer"`
	Findings   []durward.Finding `json:"findings"`
	Upstream   jsonUpstream      `json:"upstream"`
	TookUS     int64             `json:"took_us"`
	BytesIn    int64             `json:"bytes_in"`
	BytesOut   int64             `json:"bytes_out"`
	Count      int               `json:"count"`
	Message    string            `json:"message"`
	Detail     string            `json:"detail"`
	Stages     jsonStages        `json:"stages"`
	Clock      jsonClock         `json:"clock"`

	// Of what somebody did to the gateway itself.
	Actor    *durward.Actor       `json:"actor"`
	Action   string               `json:"action"`
	ActionID string               `json:"action_id"`
	Targets  []string             `json:"targets"`
	Changes  []durward.Changed    `json:"changes"`
	Texts    []durward.SealedText `json:"sealed_texts"`
}

type jsonStep struct {
	Stage   string          `json:"stage"`
	Verdict string          `json:"verdict"`
	Code    durward.Code    `json:"code"`
	Mode    durward.Mode    `json:"mode"`
	OnError durward.OnError `json:"on_error"`
	Reason  string          `json:"reason"`
}

type jsonAnswer struct {
	Stripped  int        `json:"stripped"`
	Fields    []string   `json:"fields"`
	Invalid   int        `json:"invalid"`
	Faults    []string   `json:"faults"`
	Unguarded string     `json:"unguarded"`
	Streamed  bool       `json:"streamed"`
	Leaks     []jsonLeak `json:"leaks"`
}

type jsonLeak struct {
	Detector string `json:"detector"`
	Action   string `json:"action"`
	Place    string `json:"place"`
	Offset   int64  `json:"offset"`
	Count    int    `json:"count"`
}

type jsonUpstream struct {
	Target   string `json:"target"`
	Attempts int    `json:"attempts"`
	TookUS   int64  `json:"took_us"`
	BytesOut int64  `json:"bytes_out"`
	BytesIn  int64  `json:"bytes_in"`
}

// Decode reads one line of the log, without checking its hash. It gives the
// event and its number.
func Decode(line []byte) (durward.Event, uint64, error) {
	var r jsonRecord
	if err := json.Unmarshal(line, &r); err != nil {
		return durward.Event{}, 0, fmt.Errorf("audit record: %w", err)
	}
	ev := durward.Event{
		Kind: r.Kind, Time: r.Time, RequestID: r.RequestID, TraceID: r.TraceID,
		Client: r.Client, Peer: r.Peer, Subject: r.Subject, Consumer: r.Consumer,
		Issuer: r.Issuer, Method: r.Method, Credential: r.Credential, Bound: r.Bound, Plan: r.Plan,
		API: r.API, Operation: r.Operation, Verb: r.Verb, Host: r.Host, Path: r.Path, Object: r.Object,
		Proto: r.Proto, UserAgent: r.UserAgent, Who: r.Who, From: r.From, Sealed: r.Sealed,
		Status: r.Status, Code: r.Code, Stage: r.Stage, Reason: r.Reason,
		Upstream: durward.UpstreamFacts{
			Target: r.Upstream.Target, Attempts: r.Upstream.Attempts, Took: micros(r.Upstream.TookUS),
			BytesOut: r.Upstream.BytesOut, BytesIn: r.Upstream.BytesIn,
		},
		Took: micros(r.TookUS), BytesIn: r.BytesIn, BytesOut: r.BytesOut,
		Stages: r.Stages, Clock: durward.Clock{State: r.Clock.State, Error: micros(r.Clock.ErrorUS)},
		Count: r.Count, Message: r.Message, Detail: r.Detail, Policies: r.Policies, Findings: r.Findings,
		Guard: durward.GuardFacts{
			Stripped: r.Answer.Stripped, Fields: r.Answer.Fields, Invalid: r.Answer.Invalid, Faults: r.Answer.Faults,
			Unguarded: r.Answer.Unguarded, Streamed: r.Answer.Streamed,
		},
	}
	if r.Actor != nil {
		ev.Admin = &durward.AdminAction{
			ID: r.ActionID, At: r.Time, Action: r.Action, Actor: *r.Actor,
			Targets: r.Targets, Count: r.Count, Changes: r.Changes, Sealed: r.Texts,
		}
		ev.Count = 0
	}
	for _, l := range r.Answer.Leaks {
		ev.Guard.Leaks = append(ev.Guard.Leaks, durward.Leak(l))
	}
	for _, s := range r.Steps {
		step := durward.Step{Stage: s.Stage, Code: s.Code, Mode: s.Mode, OnError: s.OnError}
		for v := durward.Deny; v <= durward.Fail; v++ {
			if v.String() == s.Verdict {
				step.Verdict = v
			}
		}
		if s.Reason != "" {
			step.Err = errors.New(s.Reason)
		}
		ev.Steps = append(ev.Steps, step)
	}
	return ev, r.Sequence, nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
