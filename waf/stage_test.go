// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/waf/gate"
	"durward/waf/slowpath"
)

func clock() time.Time { return noon }

// put into force: the stages of one operation.
func stages(t *testing.T, engines *Engines, cfg Config) (*Set, durward.Stage, durward.ResponseStage) {
	t.Helper()
	b := NewBuilder(nil)
	d, err := b.Operation("a", cfg, "POST", []string{"text/plain", "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	set, err := engines.Set(b, []*Demand{d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return set, set.Stage(d), set.ResponseStage(d)
}

// exchange is a request with content of unknown or declared length.
func exchange(contentType, body string, declared bool) *durward.Exchange {
	x := &durward.Exchange{}
	x.In = durward.Request{
		Method: "POST", Host: "api.example.com", Path: "/items", Proto: "HTTP/1.1",
		Header: durward.Header{{Name: "User-Agent", Value: "okhttp/4.12.0"}, {Name: "Accept", Value: "*/*"}},
		Peer:   netip.MustParseAddrPort("192.0.2.1:4000"), Local: netip.MustParseAddrPort("198.51.100.7:443"),
	}
	x.Client.Address = netip.MustParseAddr("192.0.2.1")
	if body == "" {
		x.In.Method = "GET"
		x.In.Body.Init(nil, 0)
		return x
	}
	length := int64(-1)
	if declared {
		length = int64(len(body))
		x.In.Header.Add("Content-Length", small(len(body)))
	}
	x.In.Header.Add("Content-Type", contentType)
	x.In.Body.Init(strings.NewReader(body), length)
	if err := x.In.Body.SetLimit(1 << 20); err != nil {
		panic(err)
	}
	return x
}

const script = "<script>alert(1)</script>"

func TestContentIsInspectedOrNotAsTheOperationSays(t *testing.T) {
	long := strings.Repeat("a ", 600)
	compressed := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, s)
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	shared, clients := map[string]durward.Stage{}, 0
	for name, c := range map[string]struct {
		cfg        Config
		kind, body string
		coding     string
		upgrade    string
		want       durward.Code // "" passes
		skipped    string
		taken      bool
	}{
		"an attack in text":                   {kind: "text/plain", body: script, want: durward.CodeWAFBlocked, taken: true},
		"harmless text":                       {kind: "text/plain", body: "hello", taken: true},
		"an image is not read":                {kind: "image/png", body: script, skipped: UninspectedType},
		"gRPC is not read":                    {kind: "application/grpc+proto", body: script, want: durward.CodeWAFBlocked}, // 920420: no contract has the type
		"an upgrade":                          {kind: "text/plain", body: script, upgrade: "websocket", skipped: UninspectedUpgrade},
		"too long, refused":                   {kind: "text/plain", body: long, want: durward.CodeBodyTooLarge, taken: true},
		"too long, not read":                  {cfg: Config{OnBodyLimit: passUnchecked}, kind: "text/plain", body: long + script, skipped: UninspectedSize, taken: true},
		"too long, an attack in the part":     {cfg: Config{OnBodyLimit: partial}, kind: "text/plain", body: script + long, want: durward.CodeWAFBlocked, taken: true},
		"too long, an attack behind the part": {cfg: Config{OnBodyLimit: partial}, kind: "text/plain", body: long + script, skipped: UninspectedSize, taken: true},
		"gzip with an attack":                 {kind: "text/plain", body: compressed(script), coding: "gzip", want: durward.CodeWAFBlocked, taken: true},
		"gzip, harmless":                      {kind: "text/plain", body: compressed("hello"), coding: "gzip", taken: true},
		"gzip that becomes too large":         {kind: "text/plain", body: compressed(long), coding: "gzip", want: durward.CodeBodyTooLarge, taken: true},
		"gzip too large, partial":             {cfg: Config{OnBodyLimit: partial}, kind: "text/plain", body: compressed(long), coding: "gzip", want: durward.CodeBodyTooLarge, taken: true},
		"gzip too large, not read":            {cfg: Config{OnBodyLimit: passUnchecked}, kind: "text/plain", body: compressed(long), coding: "gzip", skipped: UninspectedSize, taken: true},
		"no gzip":                             {kind: "text/plain", body: "hello", coding: "gzip", want: durward.CodeBodyMalformed, taken: true},
		"a coding that rules do not take":     {kind: "text/plain", body: "hello", coding: "br", want: durward.CodeWAFBlocked, taken: true},
	} {
		c.cfg.BodyLimit = 1000
		s := shared[c.cfg.OnBodyLimit]
		if s == nil { // to compile the rules takes a second
			_, s, _ = stages(t, NewEngines(clock), c.cfg)
			shared[c.cfg.OnBodyLimit] = s
		}
		for _, declared := range []bool{true, false} {
			clients++
			x := exchange(c.kind, c.body, declared)
			x.Client.Address = netip.AddrFrom4([4]byte{10, 0, 0, byte(clients)}) // each has a budget of its own
			if c.coding != "" {
				x.In.Header.Add("Content-Encoding", c.coding)
			}
			x.In.Upgrade = c.upgrade
			d := s.Request(t.Context(), x)
			if got := d.Code; got != c.want || (d.Verdict == durward.Allow) != (c.want == "") {
				t.Errorf("%s, declared %t: %v %q %v", name, declared, d.Verdict, got, d.Err)
			}
			if c.skipped != "" && (d.Err == nil || d.Err.Error() != uninspected[c.skipped].Error()) {
				t.Errorf("%s: %v is not recorded", name, d.Err)
			}
			if read := x.In.Body.Touched(); read != c.taken && !(declared && c.body == long) && !(declared && c.cfg.OnBodyLimit == passUnchecked) {
				t.Errorf("%s, declared %t: content was read: %t", name, declared, read)
			}
		}
	}
}

func TestInReportModeContentBeyondTheLimitIsNotSpoilt(t *testing.T) {
	_, s, _ := stages(t, NewEngines(clock), Config{Mode: durward.Report, BodyLimit: 10})
	for _, declared := range []bool{true, false} {
		x := exchange("text/plain", strings.Repeat("a", 100), declared)
		if d := s.Request(t.Context(), x); d.Code != durward.CodeBodyTooLarge {
			t.Errorf("%+v", d)
		}
		content, err := io.ReadAll(&x.In.Body)
		if err != nil || len(content) != 100 {
			t.Errorf("the upstream would get %d bytes: %v", len(content), err)
		}
	}
}

func TestARefusalSaysWhereAndNeverWhat(t *testing.T) {
	engines := NewEngines(clock)
	_, s, _ := stages(t, engines, Config{})
	x := exchange("application/json", `{"a":{"b":"1' OR 1=1-- s3cr3t"}}`, true)
	d := s.Request(t.Context(), x)
	if d.Verdict != durward.Deny || d.Err == nil || d.Err.Error() != "anomaly score 5, refused from 5: 942100 in body /a/b" {
		t.Errorf("%+v", d)
	}
	if len(x.Findings) != 1 || x.Findings[0] != (durward.Finding{Rule: 942100, Class: "sqli", In: "body", Name: "/a/b"}) {
		t.Errorf("%+v", x.Findings)
	}
	counted := map[string]int64{}
	engines.Requests(func(n int64, outcome string) { counted[outcome] = n })
	engines.Matches(func(n int64, rule, mode string) { counted[rule+" "+mode] = n })
	if counted[OutcomeRefused] != 1 || counted[OutcomeClean] != 0 || counted["942100 enforce"] != 1 {
		t.Errorf("%v", counted)
	}
}

// broken is an engine that panics: it has no instance.
func TestRulesThatCannotBeRunAreAFailure(t *testing.T) {
	engines := NewEngines(clock)
	set, s, _ := stages(t, engines, Config{})
	good := set.shared.requests
	set.shared.requests = &Engine{}
	x := exchange("", "", false)
	x.In.RawQuery = "q=" + injection // which no gate takes for clean
	d := s.Request(t.Context(), x)
	set.shared.requests = good
	if d.Verdict != durward.Fail || d.Code != durward.CodeInternal || d.Err == nil {
		t.Errorf("%+v", d)
	}
	var failed int64
	engines.Requests(func(n int64, outcome string) {
		if outcome == OutcomeFailed {
			failed = n
		}
	})
	if failed != 1 {
		t.Error("the failure is not counted")
	}
}

func answerWith(contentType, body string) *durward.Exchange {
	x := exchange("", "", false)
	x.Response = &durward.Response{
		Status: 200, Length: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		Header: durward.Header{{Name: "Content-Type", Value: contentType}},
	}
	return x
}

func TestAnswersThatLeakAreRefused(t *testing.T) {
	const leak = `{"error":"You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version"}`
	_, _, s := stages(t, NewEngines(clock), Config{Responses: on})
	x := answerWith("application/json", leak)
	d := s.Response(context.Background(), x)
	if d.Verdict != durward.Deny || d.Code != durward.CodeUpstreamInvalid || len(x.Findings) == 0 || x.Findings[0].In != "response body" {
		t.Errorf("%+v %+v", d, x.Findings)
	}
	for name, x := range map[string]*durward.Exchange{
		"harmless": answerWith("application/json", `{"ok":true}`),
		"an image": answerWith("image/png", leak),
		"a stream": func() *durward.Exchange { x := answerWith("text/plain", leak); x.Response.Stream = true; return x }(),
	} {
		before := x.Response.Body
		if d := s.Response(context.Background(), x); d.Verdict != durward.Allow || d.Err != nil {
			t.Errorf("%s: %+v", name, d)
		}
		if name != "harmless" && x.Response.Body != before {
			t.Errorf("%s was buffered", name)
		}
		if content, err := io.ReadAll(x.Response.Body); err != nil || len(content) == 0 {
			t.Errorf("%s: the client would get %q, %v", name, content, err)
		}
	}
	if _, _, none := stages(t, NewEngines(clock), Config{}); none != nil {
		t.Error("answers are inspected without being asked for")
	}
}

func TestAnAnswerThatIsLongerThanTheLimitPassesWhole(t *testing.T) {
	_, _, s := stages(t, NewEngines(clock), Config{Responses: on})
	x := answerWith("text/plain", strings.Repeat("word ", answerLimit/4))
	if d := s.Response(context.Background(), x); d.Verdict != durward.Allow {
		t.Errorf("%+v", d)
	}
	if content, err := io.ReadAll(x.Response.Body); err != nil || len(content) != 5*(answerLimit/4) {
		t.Errorf("%d bytes are left, %v", len(content), err)
	}
}

func TestConfigurationsWithTheSameRulesShareAnEngine(t *testing.T) {
	engines := NewEngines(clock)
	a, _, _ := stages(t, engines, Config{})
	b, _, _ := stages(t, engines, Config{Paranoia: 3, InboundThreshold: 9, Mode: durward.Report})
	if a.shared != b.shared || engines.Engines() != 1 || engines.stats.built.Load() != 1 {
		t.Errorf("%d engines, %d built", engines.Engines(), engines.stats.built.Load())
	}
	c, _, _ := stages(t, engines, Config{Exclusions: []Exclusion{{Rules: []string{"942100"}}}})
	if c.shared == a.shared || engines.Engines() != 2 {
		t.Error("other rules have the same engine")
	}
	d, _, _ := stages(t, engines, Config{Responses: on})
	if d.shared == a.shared || engines.Engines() != 4 {
		t.Errorf("%d engines, want one more for answers", engines.Engines())
	}
	for i, s := range []*Set{a, b, c, d} {
		if err := errors.Join(s.Close(), s.Close()); err != nil { // twice is once
			t.Errorf("%d: %v", i, err)
		}
	}
	if engines.Engines() != 0 {
		t.Errorf("%d engines are left", engines.Engines())
	}
}

func TestTheReadableTypesAreThoseThatRulesRead(t *testing.T) {
	for kind, want := range map[string]bool{
		"": true, "application/json": true, "Application/JSON; charset=utf-8": true, "application/vnd.api+json": true, "text/plain": true,
		"text/event-stream": false, "application/x-www-form-urlencoded": true, "multipart/form-data; boundary=x": true, "application/soap+xml": true,
		"application/octet-stream": false, "application/grpc": false, "application/grpc+json": false, "image/svg+xml": true, "image/png": false,
		"application/protobuf": false, "application/graphql": true,
	} {
		if readable(kind) != want {
			t.Errorf("%q: %t", kind, !want)
		}
	}
}

func TestWhatRulesSeeIsWhatTheUpstreamGets(t *testing.T) {
	x := exchange("text/plain", "hello", false)
	x.In.RawQuery, x.In.RawPath = "a=b", "/other"
	q := &seen{}
	q.fill(x)
	if q.URI != "/items?a=b" || q.Host != "api.example.com" || q.ClientAddr != "192.0.2.1" || q.ClientPort != 4000 || q.ServerAddr != "198.51.100.7" {
		t.Errorf("%+v", q.Request)
	}
	if q.Header.Get("Transfer-Encoding") != "chunked" || x.In.Header.Has("Transfer-Encoding") {
		t.Error("rules do not see that the content has a framing, or the request was changed")
	}
	q.release()
	if len(q.header) != 0 || q.Request.Body != nil {
		t.Error("something of a request is left in the pool")
	}
	var _ gate.Request = q.Request
}

// unbounded are engines that no load exhausts: their clock goes a day at each look.
func unbounded() *Engines {
	e := NewEngines(clock)
	at := noon
	var mu sync.Mutex
	e.slow = slowpath.New(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(24 * time.Hour)
		return at
	})
	return e
}
