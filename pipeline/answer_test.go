// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

func limit(d time.Duration) units.Duration { return units.Duration(d) }

func TestARefusalIsAProblemDocument(t *testing.T) {
	b := newBench(t, strings.Replace(smallest, "apis:", "problems: {type_base: \"https://api.test/problems/\"}\napis:", 1), nil)
	got, _ := b.get("/notes")
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
		RequestID                 string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatalf("%q: %v", got.body, err)
	}
	if p.Type != "https://api.test/problems/unauthenticated" || p.Status != 401 || p.Code != "unauthenticated" || p.Title == "" || p.Detail == "" {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Request-Id": p.RequestID,
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
		}
	}
	if got.header.Get("Www-Authenticate") == "" {
		t.Error("a 401 without a challenge")
	}
}

func TestAGRPCCallerGetsAStatusOfItsProtocol(t *testing.T) {
	for code, want := range map[durward.Code]int{
		durward.CodeMalformed: 3, durward.CodeBodyTooLarge: 3, durward.CodeMediaType: 3, durward.CodeBodyInvalid: 3,
		durward.CodeUnauthenticated: 16, durward.CodeForbidden: 7, durward.CodeNoRoute: 12, durward.CodeMethodNotAllowed: 12,
		durward.CodeRateLimited: 8, durward.CodeUpstreamUnreachable: 14, durward.CodeOverloaded: 14,
		durward.CodeUpstreamTimeout: 4, durward.CodeBodyTimeout: 4, durward.CodeInternal: 13, durward.CodeMisdirected: 2,
	} {
		b := newBench(t, smallest, nil)
		b.operation("write").before(decides(durward.Refuse(code, nil)), durward.Enforce, durward.DenyOnError)
		got, ev := b.serve(context.Background(), b.request("POST", "/open", "Content-Type", "application/grpc+proto"))
		if got.status != 200 || got.header.Get("Grpc-Status") != strconv.Itoa(want) || got.header.Get("Content-Type") != "application/grpc" ||
			got.header.Get("Grpc-Message") == "" || got.body != "" || ev.Code != code {
			t.Errorf("%s: %d %v %q, recorded %s; want status %d", code, got.status, got.header, got.body, ev.Code, want)
		}
	}
}

func TestOnlyAGRPCCallGetsThatForm(t *testing.T) {
	for mediaType, want := range map[string]bool{
		"application/grpc": true, "application/grpc+json": true, "application/grpc;x=y": true,
		"application/grpcweb": false, "application/grpc-web": false, "text/plain": false, "": false, "application/GRPC": false,
	} {
		if isGRPC(mediaType) != want {
			t.Errorf("%q is gRPC: %v", mediaType, !want)
		}
	}
	b := newBench(t, smallest, nil)
	b.operation("open").before(decides(durward.Refuse(durward.CodeForbidden, nil)), durward.Enforce, durward.DenyOnError)
	if got, _ := b.get("/open", "Content-Type", "application/grpc"); got.status != 403 {
		t.Errorf("a GET got %d: a refusal must not look like a success to it", got.status)
	}
}

func TestViolationsAreShownAndReasonsAreNot(t *testing.T) {
	b := newBench(t, smallest, nil)
	b.operation("open").before(decides(durward.Refuse(durward.CodeParameterInvalid, durward.Violations{{In: "query", Name: "n", Reason: "must be a number"}})),
		durward.Enforce, durward.DenyOnError)
	got, ev := b.get("/open")
	if !strings.Contains(got.body, `"errors":[{"in":"query","name":"n","detail":"must be a number"}]`) || !strings.Contains(ev.Reason, "must be a number") {
		t.Errorf("%s; recorded %q", got.body, ev.Reason)
	}
}

func TestRequestIDs(t *testing.T) {
	at := time.UnixMilli(1700000000000)
	for name, tc := range map[string]struct {
		sent    string
		trusted bool
		kept    bool
	}{
		"a stranger's is not taken": {"abcdefgh-1234", false, false},
		"a trusted proxy's is":      {"abcdefgh-1234", true, true},
		"the shortest":              {"abcdefgh", true, true},
		"too short a one":           {"abcdefg", true, false},
		"the longest":               {strings.Repeat("a", 64), true, true},
		"too long a one":            {strings.Repeat("a", 65), true, false},
		"one with a line end":       {"abcdefgh\r\nX: 1", true, false},
		"one with markup":           {"<script>alert(1)", true, false},
		"one with a space":          {"abcd efgh", true, false},
		"one that is not ASCII":     {"abcdefghé", true, false},
		"none":                      {"", true, false},
	} {
		x := &durward.Exchange{Started: at, Client: durward.Client{Trusted: tc.trusted}}
		if tc.sent != "" {
			x.In.Header.Add("X-Request-Id", tc.sent)
		}
		id := requestID(x)
		if (id == tc.sent) != tc.kept || !tc.kept && len(id) != 26 {
			t.Errorf("%s: %q", name, id)
		}
	}
	seen := map[string]bool{}
	last := ""
	for i := range 1000 {
		id := requestID(&durward.Exchange{Started: at.Add(time.Duration(i) * time.Millisecond)})
		if seen[id] || id <= last || !plainID(id) {
			t.Fatalf("%q after %q", id, last)
		}
		seen[id], last = true, id
	}
	if id := requestID(&durward.Exchange{Started: at}); !strings.HasPrefix(id, "01HF7YAT00") {
		t.Errorf("the time of %q is not that of a ULID", id)
	}
}

func TestTheUpstreamsRequestIDIsReplaced(t *testing.T) {
	b := newBench(t, smallest, nil)
	b.operation("open").guards(stageFunc(func(_ context.Context, x *durward.Exchange) durward.Decision {
		x.Response.Header.Add("X-Request-Id", "the upstream's own")
		return durward.Proceed()
	}), durward.Enforce)
	got, ev := b.get("/open")
	if got.header.Count("X-Request-Id") != 1 || got.header.Get("X-Request-Id") != ev.RequestID {
		t.Errorf("%v", got.header)
	}
}
