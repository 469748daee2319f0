// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"durward"
)

// traced runs one exchange and gives its span and what went upstream.
func traced(t *testing.T, cfg Config, trusted bool, status int, code durward.Code, header ...string) (tracetest.SpanStubs, durward.Header) {
	t.Helper()
	memory := tracetest.NewInMemoryExporter()
	tr := newTracer(&cfg, sdktrace.WithSyncer(memory))
	x := &durward.Exchange{ID: "01ID", Started: time.Now(), Client: durward.Client{Trusted: trusted},
		Operation: &durward.Operation{API: "notes", ID: "read", Prefix: "/v1", Template: "/notes/{id}"}}
	x.In.Method, x.In.Path = "GET", "/v1/notes/secret-7"
	for i := 0; i < len(header); i += 2 {
		x.In.Header.Add(header[i], header[i+1])
		x.Out.Header.Add(header[i], header[i+1])
	}
	s := tr.Start(t.Context(), x)
	s.Inject(&x.Out)
	s.End(x, status, code)
	spans := memory.GetSpans() // Close forgets them
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return spans, x.Out.Header
}

const sampledParent = "00-" + trace1 + "-" + span1 + "-01"

func TestATrustedProxysTraceIsContinued(t *testing.T) {
	for _, sampled := range []bool{true, false} {
		parent := sampledParent
		if !sampled {
			parent = strings.TrimSuffix(parent, "1") + "0"
		}
		spans, out := traced(t, Config{Sample: 1e-9}, true, 200, "", "Traceparent", parent, "Tracestate", "a=b")
		if got := out.Get("Traceparent"); !strings.HasPrefix(got, "00-"+trace1+"-") || strings.Contains(got, span1) || strings.HasSuffix(got, "-01") != sampled {
			t.Errorf("sampled %v: upstream gets %q", sampled, got)
		}
		if out.Get("Tracestate") != "a=b" {
			t.Error("the trace's state was lost")
		}
		if len(spans) != map[bool]int{true: 1, false: 0}[sampled] {
			t.Fatalf("sampled %v: %d spans", sampled, len(spans))
		}
		if sampled && (spans[0].Parent.SpanID().String() != span1 || len(spans[0].Links) != 0) {
			t.Errorf("%+v", spans[0])
		}
	}
}

func TestAStrangersTraceIsLinkedAndDoesNotDecide(t *testing.T) {
	spans, out := traced(t, Config{Sample: 1}, false, 200, "", "Traceparent", sampledParent, "Tracestate", "a=b")
	if len(spans) != 1 || spans[0].SpanContext.TraceID().String() == trace1 || spans[0].Parent.IsValid() ||
		len(spans[0].Links) != 1 || spans[0].Links[0].SpanContext.TraceID().String() != trace1 {
		t.Errorf("%+v", spans)
	}
	if strings.Contains(out.Get("Traceparent"), trace1) || out.Has("Tracestate") {
		t.Errorf("upstream gets %v", out)
	}
	// Its sampling flag is not heard.
	if spans, out := traced(t, Config{Sample: 1e-9}, false, 200, "", "Traceparent", sampledParent); len(spans) != 0 || !strings.HasSuffix(out.Get("Traceparent"), "-00") {
		t.Errorf("a client made the gateway trace: %v, %q", spans, out.Get("Traceparent"))
	}
}

func TestWhatIsNoTraceparentIsLeftOut(t *testing.T) {
	for name, header := range map[string][]string{
		"none":      nil,
		"malformed": {"Traceparent", "00-zz", "Tracestate", "a=b"},
		"two":       {"Traceparent", sampledParent, "Traceparent", sampledParent},
	} {
		spans, out := traced(t, Config{Sample: 1}, true, 200, "", header...)
		if len(spans) != 1 || spans[0].Parent.IsValid() || len(spans[0].Links) != 0 || out.Count("Traceparent") != 1 || out.Has("Tracestate") {
			t.Errorf("%s: %+v, upstream gets %v", name, spans, out)
		}
	}
}

func TestASpanNamesTheOperationAndNeverThePath(t *testing.T) {
	spans, _ := traced(t, Config{Sample: 1, Service: "edge"}, false, 502, durward.CodeUpstreamInvalid)
	s := spans[0]
	got := map[string]string{}
	for _, a := range s.Attributes {
		got[string(a.Key)] = a.Value.String()
	}
	for key, want := range map[string]string{
		"http.request.method": "GET", "http.response.status_code": "502", "http.route": "/v1/notes/{id}",
		"durward.api": "notes", "durward.operation": "read", "durward.request_id": "01ID", "durward.code": "upstream-invalid",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
		delete(got, key)
	}
	if len(got) != 0 {
		t.Errorf("more attributes: %v", got)
	}
	if s.Name != "GET /notes/{id}" || s.Status.Code != codes.Error || !s.EndTime.After(s.StartTime) || s.Resource.String() != "service.name=edge" {
		t.Errorf("%s %+v %s", s.Name, s.Status, s.Resource)
	}
	for _, v := range got {
		if strings.Contains(v, "secret") {
			t.Error("the path is in the span")
		}
	}
	if spans, _ := traced(t, Config{Sample: 1}, false, 404, ""); spans[0].Status.Code != codes.Unset {
		t.Error("a client's fault is not the gateway's error")
	}
}

func TestWithoutATracerTraceContextPasses(t *testing.T) {
	tr, err := NewTracer(t.Context(), &Config{})
	if err != nil || tr != nil {
		t.Fatalf("%v, %v", tr, err)
	}
	x := &durward.Exchange{}
	x.Out.Header.Add("Traceparent", sampledParent)
	s := tr.Start(t.Context(), x)
	s.Inject(&x.Out)
	s.End(x, 200, "")
	if x.Out.Header.Get("Traceparent") != sampledParent || tr.Close(t.Context()) != nil {
		t.Error("it was changed")
	}
}

func TestSpansReachACollector(t *testing.T) {
	got := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got <- r.URL.Path }))
	defer collector.Close()
	tr, err := NewTracer(t.Context(), &Config{Endpoint: collector.URL + "/v1/traces", Sample: 1})
	if err != nil {
		t.Fatal(err)
	}
	tr.Start(t.Context(), &durward.Exchange{Started: time.Now()}).End(&durward.Exchange{}, 200, "")
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path := <-got; path != "/v1/traces" {
		t.Error(path)
	}
}

func TestCheckFindsEveryFault(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg    Config
		faults int
	}{
		"nothing":         {Config{}, 0},
		"a collector":     {Config{Endpoint: "https://otel.test/v1/traces", Sample: 1}, 0},
		"no URL":          {Config{Endpoint: "otel.test:4318"}, 1},
		"another scheme":  {Config{Endpoint: "grpc://otel.test"}, 1},
		"no host":         {Config{Endpoint: "http:///v1"}, 1},
		"a share below 0": {Config{Sample: -0.1}, 1},
		"all at once":     {Config{Endpoint: "x", Sample: 1.1}, 2},
	} {
		if got := len(durward.Flatten(tc.cfg.Check())); got != tc.faults {
			t.Errorf("%s: %d faults: %v", name, got, tc.cfg.Check())
		}
	}
}
