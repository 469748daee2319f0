// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// ParseTraceparent reads a traceparent field (W3C Trace Context, section 3.2).
// Version 00 has exactly 55 bytes; a higher version may have more behind a
// dash. Version ff, zero ids and upper-case hex are invalid.
func ParseTraceparent(s string) (trace.SpanContext, bool) {
	var none trace.SpanContext
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || strings.ToLower(s) != s {
		return none, false
	}
	var version, flags [1]byte
	var traceID trace.TraceID
	var spanID trace.SpanID
	for _, part := range []struct {
		dst []byte
		src string
	}{{version[:], s[:2]}, {traceID[:], s[3:35]}, {spanID[:], s[36:52]}, {flags[:], s[53:55]}} {
		if _, err := hex.Decode(part.dst, []byte(part.src)); err != nil {
			return none, false
		}
	}
	if version[0] == 0xff || version[0] == 0 && len(s) != 55 || len(s) > 55 && s[55] != '-' {
		return none, false
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(flags[0]) & trace.FlagsSampled, Remote: true,
	})
	return sc, sc.IsValid()
}

// FormatTraceparent writes version 00.
func FormatTraceparent(sc trace.SpanContext) string {
	flags := "00"
	if sc.IsSampled() {
		flags = "01"
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + flags
}
