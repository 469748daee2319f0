// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"strconv"
	"strings"

	"durward/audit/line"
	"durward/audit/ocsf"
)

// Format writes records as text.
type Format struct {
	// Header begins a file; "" for none.
	Header string
	// Append appends what stands for the record, with its newline.
	Append func(dst, text []byte) []byte
}

// Formats are those that files and `durward audit export` have, by name.
var Formats = map[string]Format{
	"jsonl": {Append: appendLine},
	"csv":   {Header: csvHeader, Append: appendCSV},
	"ocsf":  {Append: ocsf.AppendLine},
}

// appendLine appends the line as it stands in the log, but for characters that
// are not for the eye, which Durward never writes there.
func appendLine(dst, text []byte) []byte { return append(append(dst, line.Printable(text)...), '\n') }

// csvColumns are the columns of a CSV file, in their order.
var csvColumns = []struct {
	name  string
	value func(*line.Record) []byte
}{
	{"seq", func(r *line.Record) []byte { return strconv.AppendUint(nil, r.Seq, 10) }},
	{"time", func(r *line.Record) []byte { return r.Time.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z") }},
	{"kind", func(r *line.Record) []byte { return r.Kind }},
	{"outcome", func(r *line.Record) []byte { return []byte(r.Outcome()) }},
	{"status", func(r *line.Record) []byte { return decimal(r.Status) }},
	{"code", func(r *line.Record) []byte { return r.Code }},
	{"stage", func(r *line.Record) []byte { return r.Stage }},
	{"reason", func(r *line.Record) []byte { return r.Reason }},
	{"request_id", func(r *line.Record) []byte { return r.RequestID }},
	{"client", func(r *line.Record) []byte { return r.Client }},
	{"subject", func(r *line.Record) []byte { return or(r.Subject, r.Who) }},
	{"consumer", func(r *line.Record) []byte { return r.Consumer }},
	{"credential", func(r *line.Record) []byte { return r.Credential }},
	{"method", func(r *line.Record) []byte { return r.Method }},
	{"api", func(r *line.Record) []byte { return r.API }},
	{"operation", func(r *line.Record) []byte { return r.Operation }},
	{"verb", func(r *line.Record) []byte { return r.Verb }},
	{"host", func(r *line.Record) []byte { return r.Host }},
	{"path", func(r *line.Record) []byte { return r.Path }},
	{"user_agent", func(r *line.Record) []byte { return r.UserAgent }},
	{"detections", func(r *line.Record) []byte { return []byte(strings.Join(r.Detections(), " ")) }},
	{"count", func(r *line.Record) []byte { return decimal(r.Count) }},
	{"took_us", func(r *line.Record) []byte { return decimal(r.TookUS) }},
	{"bytes_in", func(r *line.Record) []byte { return decimal(r.BytesIn) }},
	{"bytes_out", func(r *line.Record) []byte { return decimal(r.BytesOut) }},
	{"message", func(r *line.Record) []byte { return r.Message }},
	{"detail", func(r *line.Record) []byte { return r.Detail }},
}

var csvHeader = func() string {
	names := make([]string, len(csvColumns))
	for i, c := range csvColumns {
		names[i] = c.name
	}
	return strings.Join(names, ",") + "\n"
}()

func decimal(n int64) []byte {
	if n == 0 {
		return nil
	}
	return strconv.AppendInt(nil, n, 10)
}

func or(a, b []byte) []byte {
	if len(a) > 0 {
		return a
	}
	return b
}

// appendCSV appends one row. A line that is no record becomes one whose detail
// it is.
func appendCSV(dst, text []byte) []byte {
	r, ok := line.Parse(text)
	if !ok {
		r = line.Record{Detail: text}
	}
	for i, c := range csvColumns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCell(dst, c.value(&r))
	}
	return append(dst, '\n')
}

// appendCell quotes a value (RFC 4180) and puts an apostrophe before one that a
// spreadsheet would take for a formula (OWASP, CSV Injection).
func appendCell(dst, value []byte) []byte {
	value = line.Printable(value)
	if len(value) == 0 {
		return dst
	}
	dst = append(dst, '"')
	if strings.IndexByte("=+-@|%", value[0]) >= 0 {
		dst = append(dst, '\'')
	}
	dst = append(dst, bytes.ReplaceAll(value, []byte(`"`), []byte(`""`))...)
	return append(dst, '"')
}
