// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"

	"durward"
	"durward/audit"
	"durward/audit/line"
)

// otlp posts batches as OTLP logs over HTTP in their JSON encoding
// (OpenTelemetry Protocol 1.x, "OTLP/HTTP" and "JSON Protobuf Encoding").
type otlp struct {
	*poster
	header map[string]string
	log    *slog.Logger
	body   []byte
}

func newOTLP(cfg *audit.Export, log *slog.Logger) (*otlp, error) {
	p, err := newPoster(cfg.URL, cfg.CA)
	if err != nil {
		return nil, err
	}
	t := &otlp{poster: p, log: log}
	if cfg.Authorization != "" {
		t.header = map[string]string{"Authorization": cfg.Authorization}
	}
	return t, nil
}

func (t *otlp) send(ctx context.Context, b *batch) error {
	t.body = appendOTLP(t.body[:0], b)
	answer, err := t.post(ctx, t.body, t.header)
	if err != nil {
		return err
	}
	var partial struct {
		Success struct {
			Rejected json.Number `json:"rejectedLogRecords"`
			Message  string      `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	// The protocol forbids to send again what a server took in part.
	if json.Unmarshal(answer, &partial) == nil && partial.Success.Rejected != "" && partial.Success.Rejected != "0" {
		t.log.Error("the collector refused audit records", slog.String("records", string(partial.Success.Rejected)),
			slog.Uint64("from", b.first), slog.Uint64("to", b.last), slog.String("reason", partial.Success.Message))
	}
	return nil
}

func appendOTLP(dst []byte, b *batch) []byte {
	dst = append(dst, `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"durward"}}]},`+
		`"scopeLogs":[{"scope":{"name":"durward/audit"},"logRecords":[`...)
	for i, text := range b.lines {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendLogRecord(dst, text)
	}
	return append(dst, `]}]}]}`...)
}

// severity is the number and name of a record's severity, in OTLP and in
// syslog.
func severity(r *line.Record) (number int, name string, syslog int) {
	switch r.Outcome() {
	case line.Refused:
		return 13, "WARN", 4
	case line.Failed:
		return 17, "ERROR", 3
	}
	return 9, "INFO", 6
}

func appendLogRecord(dst, text []byte) []byte {
	r, ok := line.Parse(text)
	if !ok {
		r = line.Record{}
	}
	number, name, _ := severity(&r)
	dst = append(dst, '{')
	if !r.Time.IsZero() {
		dst = append(dst, `"timeUnixNano":"`...)
		dst = strconv.AppendInt(dst, r.Time.UnixNano(), 10)
		dst = append(dst, `",`...)
	}
	dst = append(dst, `"severityNumber":`...)
	dst = strconv.AppendInt(dst, int64(number), 10)
	dst = append(dst, `,"severityText":"`+name+`","eventName":`...)
	dst = durward.AppendString(dst, "durward.audit."+string(r.Kind))
	if traceID(r.TraceID) {
		dst = append(dst, `,"traceId":"`...)
		dst = append(append(dst, r.TraceID...), '"')
	}
	dst = append(dst, `,"body":{"stringValue":`...)
	dst = durward.AppendString(dst, string(text))
	dst = append(dst, `},"attributes":[`...)
	return append(appendAttributes(dst, &r), `]}`...)
}

// attributes have the names of OpenTelemetry's conventions where there is one.
var attributes = []struct {
	key   string
	value func(*line.Record) []byte
}{
	{"http.request.method", func(r *line.Record) []byte { return r.Verb }},
	{"url.path", func(r *line.Record) []byte { return r.Path }},
	{"server.address", func(r *line.Record) []byte { return r.Host }},
	{"client.address", func(r *line.Record) []byte { return r.Client }},
	{"user_agent.original", func(r *line.Record) []byte { return r.UserAgent }},
	{"user.id", func(r *line.Record) []byte { return or(r.Subject, r.Who) }},
	{"error.type", func(r *line.Record) []byte { return r.Code }},
	{"durward.audit.kind", func(r *line.Record) []byte { return r.Kind }},
	{"durward.audit.outcome", func(r *line.Record) []byte { return []byte(r.Outcome()) }},
	{"durward.request_id", func(r *line.Record) []byte { return r.RequestID }},
	{"durward.consumer", func(r *line.Record) []byte { return r.Consumer }},
	{"durward.credential", func(r *line.Record) []byte { return r.Credential }},
	{"durward.api", func(r *line.Record) []byte { return r.API }},
	{"durward.operation", func(r *line.Record) []byte { return r.Operation }},
	{"durward.stage", func(r *line.Record) []byte { return r.Stage }},
}

func appendAttributes(dst []byte, r *line.Record) []byte {
	dst = appendInteger(dst, "durward.audit.seq", int64(r.Seq))
	if r.Status != 0 {
		dst = appendInteger(append(dst, ','), "http.response.status_code", r.Status)
	}
	for _, a := range attributes {
		if v := a.value(r); len(v) > 0 {
			dst = append(dst, `,{"key":"`+a.key+`","value":{"stringValue":`...)
			dst = append(durward.AppendString(dst, string(v)), `}}`...)
		}
	}
	return dst
}

// appendInteger appends an attribute; the encoding writes 64-bit integers as
// strings.
func appendInteger(dst []byte, key string, n int64) []byte {
	dst = append(dst, `{"key":"`+key+`","value":{"intValue":"`...)
	return append(strconv.AppendInt(dst, n, 10), `"}}`...)
}

// traceID tells whether a text is the id of a trace (W3C Trace Context).
func traceID(text []byte) bool {
	zero := true
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
		zero = zero && c == '0'
	}
	return len(text) == 32 && !zero
}

func validJSON(text []byte) bool { return json.Valid(text) }
