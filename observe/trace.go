// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"durward"
)

// Config is the `tracing:` part of the document.
type Config struct {
	// Endpoint is the URL of an OTLP/HTTP collector, such as
	// "http://127.0.0.1:4318/v1/traces". Without it nothing is traced, and
	// trace context passes unchanged.
	Endpoint string `yaml:"endpoint"`
	// Sample is the share of requests that are traced, from 0 to 1; default
	// 0.01. A sampled trace of a trusted proxy is always continued.
	Sample float64 `yaml:"sample"`
	// Service is the name that spans carry. Default "durward".
	Service string `yaml:"service"`
}

// Check reports every fault of the configuration.
func (c *Config) Check() error {
	var errs []error
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, durward.Invalid("endpoint", "must be an http or https URL"))
		}
	}
	if c.Sample < 0 || c.Sample > 1 {
		errs = append(errs, durward.Invalid("sample", "must be from 0 to 1"))
	}
	return errors.Join(errs...)
}

// Tracer makes spans. A nil Tracer makes none and passes trace context on. Safe
// for concurrent use.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracer starts tracing to the collector; nil when none is configured.
func NewTracer(ctx context.Context, cfg *Config) (*Tracer, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	return newTracer(cfg, sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(4096))), nil
}

func newTracer(cfg *Config, export sdktrace.TracerProviderOption) *Tracer {
	sample, service := cfg.Sample, cfg.Service
	if sample == 0 {
		sample = 0.01
	}
	if service == "" {
		service = "durward"
	}
	p := sdktrace.NewTracerProvider(export,
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(sample))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))))
	return &Tracer{provider: p, tracer: p.Tracer("durward")}
}

// Close sends what is queued, within the time of ctx.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Span is one exchange in a trace; the zero Span does nothing.
type Span struct {
	span      trace.Span
	continued bool // it goes on with the trace that the request came with
}

// Start begins the span of an exchange. A trusted proxy's trace is continued. A
// client's is not, or any client could make the gateway trace everything, or
// write into somebody's trace: its span is linked to the new one, so that a
// caller can find its request. x.Trace becomes the trace that the upstream is
// told of.
func (t *Tracer) Start(ctx context.Context, x *durward.Exchange) Span {
	if t == nil {
		if x.In.Header.Count("Traceparent") == 1 {
			if parent, ok := ParseTraceparent(x.In.Header.Get("Traceparent")); ok {
				x.Trace = durward.TraceID(parent.TraceID())
			}
		}
		return Span{}
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.Started)}
	continued := false
	if parent, ok := ParseTraceparent(x.In.Header.Get("Traceparent")); ok && x.In.Header.Count("Traceparent") == 1 {
		if continued = x.Client.Trusted; continued {
			ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
		} else {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: parent}))
		}
	}
	name := x.In.Method
	if x.Operation != nil {
		name += " " + x.Operation.Template
	}
	_, span := t.tracer.Start(ctx, name, opts...)
	x.Trace = durward.TraceID(span.SpanContext().TraceID())
	return Span{span, continued}
}

// Inject puts the span's context into the request to the upstream.
func (s Span) Inject(out *durward.Outgoing) {
	if s.span == nil {
		return
	}
	out.Header.Set("Traceparent", FormatTraceparent(s.span.SpanContext()))
	if !s.continued {
		// It belongs to a trace that this request is no part of (Trace
		// Context, section 3.3.1.1).
		out.Header.Del("Tracestate")
	}
}

// End ends the span.
func (s Span) End(x *durward.Exchange, status int, code durward.Code) {
	if s.span == nil {
		return
	}
	if s.span.IsRecording() {
		s.span.SetAttributes(
			attribute.String("http.request.method", x.In.Method),
			attribute.Int("http.response.status_code", status),
			attribute.String("durward.request_id", x.ID))
		if x.Operation != nil {
			s.span.SetAttributes(attribute.String("http.route", x.Operation.Prefix+x.Operation.Template),
				attribute.String("durward.api", x.Operation.API), attribute.String("durward.operation", x.Operation.ID))
		}
		if code != "" {
			s.span.SetAttributes(attribute.String("durward.code", string(code)))
		}
		if status >= 500 {
			s.span.SetStatus(codes.Error, string(code))
		}
	}
	s.span.End(trace.WithTimestamp(time.Now()))
}
