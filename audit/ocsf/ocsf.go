// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ocsf writes records of the audit log as events of the Open
// Cybersecurity Schema Framework, version 1.2.0 (https://schema.ocsf.io/1.2.0),
// so that whoever collects them needs no parser of ours. It decides which class
// a record belongs to and which attribute each of its fields becomes;
// docs/features/audit-ocsf.md is the table. What has no attribute is under
// "unmapped", as it stands in the record.
//
// Texts are taken over with the escapes that the log has, so that nothing in an
// event can end its line or move a terminal. A line that is no record is an
// error, never guessed at. It keeps no state.
package ocsf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"durward/internal/version"
)

// Version is that of the schema.
const Version = "1.2.0"

var errNoRecord = errors.New("not a record of the audit log")

// event is an OCSF event or an object in it; what is nil is left out.
type event map[string]any

// set keeps a value that is there.
func (e event) set(name string, value json.RawMessage) {
	if len(value) > 0 {
		e[name] = value
	}
}

// record is a line, by its members. Reading one takes it away, so that what is
// left is what nothing stands for.
type record map[string]json.RawMessage

func (r record) take(name string) json.RawMessage {
	v := r[name]
	delete(r, name)
	return v
}

// text reads a member that is a string and stays in r.
func (r record) text(name string) string {
	var s string
	_ = json.Unmarshal(r[name], &s)
	return s
}

// number reads a member that is a whole number and stays in r.
func (r record) number(name string) int64 {
	var n int64
	_ = json.Unmarshal(r[name], &n)
	return n
}

// Append appends the event of a line, without a newline. The line is one of the
// log's, as it was written; the error says that it is none.
func Append(dst, line []byte) ([]byte, error) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil || r["seq"] == nil || r["kind"] == nil {
		return dst, errNoRecord
	}
	at, err := time.Parse(time.RFC3339, r.text("time"))
	if err != nil {
		return dst, errNoRecord
	}
	kind := r.text("kind")
	e := event{"time": at.UnixMilli(), "timezone_offset": 0, "metadata": metadata(r, kind)}
	switch kind {
	case "attempt", "outcome", "flood":
		request(e, r, kind, at)
	case "system":
		lifecycle(e, r)
	case "admin":
		management(e, r)
	default:
		return dst, fmt.Errorf("%w: kind %q", errNoRecord, kind)
	}
	if len(r) > 0 {
		e["unmapped"] = r
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return dst, err
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...), nil
}

// AppendLine is Append with a newline, in the manner of the exports; what is no
// record is left out.
func AppendLine(dst, line []byte) []byte {
	out, err := Append(dst, line)
	if err != nil {
		return dst
	}
	return append(out, '\n')
}

// classify sets the class, and what follows from it.
func classify(e event, class, activity, severity int) {
	e["category_uid"], e["class_uid"] = class/1000, class
	e["activity_id"], e["type_uid"] = activity, class*100+activity
	e["severity_id"] = severity
}

// Severities of the schema.
const (
	informational = 1
	low           = 2
	medium        = 3
)

// States of the schema.
const (
	statusUnknown = 0
	statusSuccess = 1
	statusFailure = 2
	other         = 99
)

func product() event {
	return event{"name": "Durward", "vendor_name": "The Durward Authors", "version": version.Number}
}

// metadata says where the event comes from: uid is the record's hash, by which
// it can be found in the log, and proven to be there.
func metadata(r record, kind string) event {
	m := event{"version": Version, "product": product(), "log_name": "audit", "event_code": kind}
	m.set("correlation_uid", r["request_id"])
	m.set("uid", r.take("hash"))
	m.set("sequence", r.take("seq"))
	m.set("original_time", r.take("time"))
	delete(r, "kind")
	return m
}

// lifecycle is about the gateway itself: Application Lifecycle.
func lifecycle(e event, r record) {
	activity := other
	switch r.text("message") {
	case "started":
		activity = 3
	case "stopped":
		activity = 4
	}
	classify(e, 6002, activity, informational)
	e["app"], e["status_id"] = product(), statusUnknown
	e.set("message", r.take("message"))
	e.set("status_detail", r.take("detail"))
	operator(e, r)
}

// management is about what somebody changed: Entity Management.
func management(e event, r record) {
	activity := other
	switch action := r.text("action"); {
	case hasSuffix(action, ".create", ".import", ".put"):
		activity = 1
	case hasSuffix(action, ".delete", ".forget", ".erase"):
		activity = 4
	case action != "":
		activity = 3
	}
	classify(e, 3004, activity, informational)
	e["status_id"] = statusSuccess
	e["entity"] = entity(r)
	e.set("message", r.take("action"))
	operator(e, r)
}
