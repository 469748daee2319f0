// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"durward"
)

// before puts a stage of a test before all others of an operation.
func (o *operation) before(s durward.Stage, mode durward.Mode, onError durward.OnError) {
	o.request = append([]requestStep{{name: s.Name(), stage: s, mode: mode, failure: onError}}, o.request...)
}

// guards puts a response stage of a test behind all others.
func (o *operation) guards(s durward.ResponseStage, mode durward.Mode) {
	o.response = append([]responseStep{{name: s.Name(), stage: s, mode: mode}}, o.response...)
}

func decides(d durward.Decision) stageFunc {
	return func(context.Context, *durward.Exchange) durward.Decision { return d }
}

func TestARequestGoesThroughAndIsRecorded(t *testing.T) {
	b := newBench(t, smallest, nil)
	got, ev := b.get("/open")
	if got.status != 200 || got.body != "fine" || got.aborted {
		t.Errorf("%+v", got)
	}
	if id := got.header.Get("X-Request-Id"); id != ev.RequestID || len(id) != 26 {
		t.Errorf("request id %q, recorded %q", id, ev.RequestID)
	}
	if ev.Status != 200 || ev.Code != "" || ev.Operation != "open" || ev.Upstream.Status != 200 || ev.BytesOut != 4 || ev.Took <= 0 {
		t.Errorf("%+v", ev)
	}
	if n := b.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}
}

func TestWhatAStageDecidesIsDone(t *testing.T) {
	why := errors.New("because")
	refused := durward.Refuse(durward.CodeForbidden, why)
	failed := durward.Failed(durward.CodeStoreUnavailable, why)
	own := &durward.Response{Status: 204}
	for name, tc := range map[string]struct {
		decision durward.Decision
		mode     durward.Mode
		onError  durward.OnError
		status   int
		code     durward.Code
		step     bool // an outcome names it as one that was not simply passed
	}{
		"the zero verdict refuses":                     {durward.Decision{}, durward.Enforce, durward.DenyOnError, 500, durward.CodeInternal, false},
		"the zero verdict with a policy to proceed":    {durward.Decision{}, durward.Enforce, durward.ProceedOnError, 500, durward.CodeInternal, false},
		"an unknown code is an internal error":         {durward.Refuse("no-such-code", why), durward.Enforce, durward.DenyOnError, 500, durward.CodeInternal, false},
		"a refusal refuses":                            {refused, durward.Enforce, durward.DenyOnError, 403, durward.CodeForbidden, false},
		"a refusal in report mode is only recorded":    {refused, durward.Report, durward.DenyOnError, 200, "", true},
		"a failure denies":                             {failed, durward.Enforce, durward.DenyOnError, 503, durward.CodeStoreUnavailable, true},
		"a failure denies in report mode as well":      {failed, durward.Report, durward.DenyOnError, 503, durward.CodeStoreUnavailable, true},
		"a failure whose policy is to proceed is kept": {failed, durward.Enforce, durward.ProceedOnError, 200, "", true},
		"a verdict that does not exist is no allow":    {durward.Decision{Verdict: 9}, durward.Enforce, durward.DenyOnError, 500, durward.CodeInternal, false},
		"an answer without one is an internal error":   {durward.Answered(), durward.Enforce, durward.DenyOnError, 500, durward.CodeInternal, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, smallest, nil)
			b.operation("open").before(decides(tc.decision), tc.mode, tc.onError)
			got, ev := b.get("/open")
			if got.status != tc.status || ev.Status != tc.status || ev.Code != tc.code {
				t.Errorf("%d, recorded %d %q; want %d %q", got.status, ev.Status, ev.Code, tc.status, tc.code)
			}
			if tc.status == 200 && (got.body != "fine" || ev.Upstream.Status != 200) || tc.status != 200 && ev.Upstream.Attempts > 0 {
				t.Errorf("upstream %+v, body %q", ev.Upstream, got.body)
			}
			if found := len(ev.Steps) == 1 && ev.Steps[0].Stage == "test"; found != tc.step {
				t.Errorf("steps %+v", ev.Steps)
			}
			if retry := got.header.Get("Retry-After"); (retry != "") != (tc.status == 503) {
				t.Errorf("Retry-After %q", retry)
			}
			if strings.Contains(got.body, "because") {
				t.Error("the client was told why")
			}
		})
	}
	b := newBench(t, smallest, nil)
	b.operation("open").before(stageFunc(func(_ context.Context, x *durward.Exchange) durward.Decision {
		x.Response = own
		return durward.Answered()
	}), durward.Enforce, durward.DenyOnError)
	if got, ev := b.get("/open"); got.status != 204 || ev.Upstream.Attempts != 0 || ev.Code != "" {
		t.Errorf("a stage's own answer: %+v %+v", got, ev)
	}
}

func TestWhatAResponseStageDecidesIsDone(t *testing.T) {
	why := errors.New("because")
	for name, tc := range map[string]struct {
		decision durward.Decision
		mode     durward.Mode
		status   int
		code     durward.Code
	}{
		"the zero verdict refuses":        {durward.Decision{}, durward.Enforce, 500, durward.CodeInternal},
		"a refusal replaces the answer":   {durward.Refuse(durward.CodeUpstreamError, why), durward.Enforce, 502, durward.CodeUpstreamError},
		"a refusal in report mode passes": {durward.Refuse(durward.CodeUpstreamError, why), durward.Report, 200, ""},
		"a failure denies":                {durward.Failed(durward.CodeInternal, why), durward.Enforce, 500, durward.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, smallest, nil)
			b.operation("open").guards(decides(tc.decision), tc.mode)
			got, ev := b.get("/open")
			if got.status != tc.status || ev.Status != tc.status || ev.Code != tc.code || ev.Upstream.Status != 200 {
				t.Errorf("%d, %+v", got.status, ev)
			}
			if tc.status != 200 && strings.Contains(got.body, "fine") {
				t.Error("the upstream's content got through")
			}
		})
	}
}

// closing counts how often an answer's body was closed.
type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

// Write makes it do for the end of an upgraded connection.
func (c *closing) Write(p []byte) (int, error) { return len(p), nil }

func TestAPanicIsA500WithAnOutcome(t *testing.T) {
	boom := stageFunc(func(context.Context, *durward.Exchange) durward.Decision { panic("secret detail") })
	for name, tc := range map[string]struct {
		spoil  func(o *operation)
		stage  string
		status int // 0: the connection is cut
		cut    bool
	}{
		"in a request stage":  {func(o *operation) { o.before(boom, durward.Enforce, durward.DenyOnError) }, "test", 500, false},
		"in report mode":      {func(o *operation) { o.before(boom, durward.Report, durward.ProceedOnError) }, "test", 500, false},
		"in a response stage": {func(o *operation) { o.guards(boom, durward.Enforce) }, "test", 500, false},
		"in the upstream":     {func(o *operation) { o.upstream = nil }, "upstream", 500, false},
		"amid sending": {func(o *operation) {
			o.guards(stageFunc(func(_ context.Context, x *durward.Exchange) durward.Decision {
				x.Response.Body = &closing{Reader: readerFunc(func([]byte) (int, error) { panic("secret detail") })}
				return durward.Proceed()
			}), durward.Enforce)
		}, "send", 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, smallest, nil)
			tc.spoil(b.operation("open"))
			got, ev := b.get("/open")
			if got.status != tc.status || got.aborted != tc.cut {
				t.Errorf("%+v", got)
			}
			if ev.Code != durward.CodeInternal || ev.Stage != tc.stage || ev.Status != tc.status || len(ev.RequestID) != 26 {
				t.Errorf("recorded %+v", ev)
			}
			if !strings.Contains(b.log.String(), "msg=panic stage="+tc.stage) || strings.Contains(got.body, "secret") {
				t.Errorf("the detail belongs in the log only: %q", got.body)
			}
			if !tc.cut && got.header.Get("X-Request-Id") != ev.RequestID {
				t.Errorf("header %v", got.header)
			}
			if b.InFlight() != 0 || b.current.Load().refs.Load() != 1 {
				t.Errorf("%d in flight, %d references", b.InFlight(), b.current.Load().refs.Load())
			}
			// The next one is served, on an exchange of its own.
			if again, ev := b.get("/notes"); again.status != 401 || ev.Code != durward.CodeUnauthenticated {
				t.Errorf("and then %+v", again)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAnAnswerThatIsNotSentIsClosed(t *testing.T) {
	for name, tc := range map[string]struct {
		respond  func() error
		decision durward.Decision
		upgraded bool
	}{
		"one that was refused":             {decision: durward.Refuse(durward.CodeUpstreamError, nil)},
		"one that the client did not take": {decision: durward.Proceed(), respond: func() error { return errors.New("gone") }},
		"one whose sending panicked":       {decision: durward.Proceed(), respond: func() error { panic("boom") }},
		"one that was sent":                {decision: durward.Proceed()},
		"an upgrade that was refused":      {decision: durward.Refuse(durward.CodeForbidden, nil), upgraded: true},
		"an upgrade that was made":         {decision: durward.Proceed(), upgraded: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, smallest, nil)
			body := &closing{Reader: strings.NewReader("x")}
			b.operation("open").before(stageFunc(func(_ context.Context, x *durward.Exchange) durward.Decision {
				x.Response = &durward.Response{Status: 200, Body: body, Length: 1}
				if tc.upgraded {
					x.Response = &durward.Response{Status: 101, Upgraded: body}
				}
				return durward.Answered()
			}), durward.Enforce, durward.DenyOnError)
			b.operation("open").guards(decides(tc.decision), durward.Enforce)
			x := b.request("GET", "/open")
			b.Serve(context.Background(), x, &recorder{respond: tc.respond})
			b.outcome()
			if body.closed == 0 {
				t.Error("it is open")
			}
		})
	}
}

func TestAnUpgradeIsRecordedWithItsBytes(t *testing.T) {
	b := newBench(t, smallest, nil)
	b.operation("open").before(stageFunc(func(_ context.Context, x *durward.Exchange) durward.Decision {
		x.Response = &durward.Response{Status: 101, Upgraded: &closing{Reader: strings.NewReader("")}}
		return durward.Answered()
	}), durward.Enforce, durward.DenyOnError)
	if got, ev := b.get("/open"); got.status != 101 || ev.Status != 101 || ev.BytesOut != 3 || ev.BytesIn != 5 || ev.Code != "" {
		t.Errorf("%+v %+v", got, ev)
	}
}

func TestACutAnswerIsRecordedAsSuch(t *testing.T) {
	b := newBench(t, smallest, nil)
	b.Serve(context.Background(), b.request("GET", "/open"), &recorder{respond: func() error { return errors.New("broken pipe") }})
	if ev := b.outcome(); ev.Status != 200 || ev.Stage != "send" || !strings.Contains(ev.Reason, "cut: broken pipe") {
		t.Errorf("%+v", ev)
	}
}

func TestInterimAnswersPass(t *testing.T) {
	b := newBench(t, smallest, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		io.WriteString(w, "fine")
	})
	if got, _ := b.get("/open"); len(got.interim) != 1 || got.interim[0] != 103 || got.status != 200 {
		t.Errorf("%+v", got)
	}
}

func TestWhatCannotBeReadInOneWayIsRefusedBeforeAnything(t *testing.T) {
	b := newBench(t, strings.Replace(smallest, "apis:", "limits: {requests: 1}\napis:", 1), nil)
	for target, code := range map[string]durward.Code{
		"/open/%2e%2e": durward.CodePathAmbiguous,
		"/nowhere":     durward.CodeUnknownOperation,
	} {
		got, ev := b.get(target)
		if k := durward.Lookup(code); got.status != k.Status || ev.Code != code || got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %s", target, got.status, ev.Code)
		}
	}
	x := b.request("PUT", "/open")
	if got, ev := b.serve(context.Background(), x); got.status != 405 || got.header.Get("Allow") != "GET, POST" || ev.Code != durward.CodeMethodNotAllowed {
		t.Errorf("%d, Allow %q", got.status, got.header.Get("Allow"))
	}
	b.inFlight.Add(1) // one that is under way
	got, ev := b.get("/open")
	b.inFlight.Add(-1)
	if got.status != 503 || ev.Code != durward.CodeOverloaded || got.header.Get("Retry-After") != "1" {
		t.Errorf("overloaded: %d %s %v", got.status, ev.Code, got.header)
	}
}

func TestAnEndedPipelineCutsWhatStillComes(t *testing.T) {
	b := newBench(t, smallest, nil)
	<-b.Close()
	var o recorder
	b.Serve(context.Background(), b.request("GET", "/open"), &o)
	if !o.aborted || o.status != 0 || b.InFlight() != 0 {
		t.Errorf("%+v", o.sent)
	}
	if b.Close() != nil || b.Fingerprint() != "" || b.Upstreams() != nil {
		t.Error("it is not at its end")
	}
}

func TestTheRecordTellsHowLongEachStageTookAndTheTrace(t *testing.T) {
	b := newBench(t, smallest, nil)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	pause := stageFunc(func(context.Context, *durward.Exchange) durward.Decision {
		for start := time.Now(); time.Since(start) < 2*time.Millisecond; {
		}
		return durward.Proceed()
	})
	b.operation("open").before(pause, durward.Enforce, durward.DenyOnError)
	_, ev := b.get("/open", "Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	if ev.TraceID.String() != trace {
		t.Errorf("trace %q, want that of the request, which the upstream gets", ev.TraceID)
	}
	var names []string
	var sum time.Duration
	for _, s := range ev.Stages {
		names = append(names, s.Stage)
		sum += s.Took
		if s.Stage == "test" && s.Took < 2*time.Millisecond || s.Stage == "audit" && s.Took > ev.Took {
			t.Errorf("%s took %s of %s", s.Stage, s.Took, ev.Took)
		}
	}
	if len(names) < 5 || names[0] != "route" || !slices.Contains(names, "upstream") || names[len(names)-1] != "send" {
		t.Errorf("stages %v", names)
	}
	if sum > ev.Took || ev.Took-sum > ev.Took/2 {
		t.Errorf("the stages took %s of %s", sum, ev.Took)
	}
	if _, ev := b.get("/open", "Traceparent", "00-zz"); !ev.TraceID.IsZero() {
		t.Errorf("trace %s out of nothing", ev.TraceID)
	}
}
